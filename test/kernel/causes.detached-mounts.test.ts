// The causes of failed mounts that are descriptors, provoked for real. None of these calls changes anything.
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { relative } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { invoke } from '../../toolkit/kernel/call.ts'
import { findCause } from '../../toolkit/kernel/causes.ts'
import { AT, FSCONFIG, FSOPEN, MOUNT_ATTR, MOVE_MOUNT, O, OPEN_TREE, RESOLVE } from '../../toolkit/kernel/constants.ts'
import { ERRNO, type ErrnoName } from '../../toolkit/kernel/errno.ts'
import { mountAttr, openHow } from '../../toolkit/kernel/mount-structs.ts'
import type { Arg } from '../../toolkit/kernel/step.ts'
import type { SyscallName } from '../../toolkit/kernel/syscalls.ts'

const isRoot = process.getuid!() === 0

describe.skipIf(!isRoot)('detached mounts (needs root)', () => {
  let directory: string
  const open: number[] = []
  const kept = (fd: number): number => {
    open.push(fd)
    return fd
  }
  beforeAll(() => {
    directory = mkdtempSync('/tmp/detached-')
    for (const name of ['lower', 'upper', 'work']) mkdirSync(`${directory}/${name}`)
    writeFileSync(`${directory}/file`, '')
    symlinkSync('lower', `${directory}/link`)
    symlinkSync('nowhere', `${directory}/dangling`)
  })
  afterAll(() => {
    for (const fd of open) closeSync(fd)
    rmSync(directory, { recursive: true })
  })

  /** fsopen and fsconfig with these directories; the last call is to fail. */
  const overlay = (lower: string, upper: string, work: string) => {
    const fs = kept(invoke('fsopen', ['overlay', FSOPEN.CLOEXEC]))
    const set = (key: string, name: string) =>
      invoke('fsconfig', [fs, FSCONFIG.SET_STRING, key, `${directory}/${name}`, 0])
    set('lowerdir+', lower)
    set('upperdir', upper)
    set('workdir', work)
    invoke('fsconfig', [fs, FSCONFIG.CMD_CREATE, null, null, 0])
  }
  const tree = (path = directory) => kept(invoke('open_tree', [AT.FDCWD, path, OPEN_TREE.CLONE | OPEN_TREE.CLOEXEC]))
  const lookUp = (name: string, resolve: number, at = directory) =>
    kept(invoke('openat2', [AT.FDCWD, `${at}/${name}`, openHow(O.PATH | O.DIRECTORY | O.CLOEXEC, resolve), 24]))
  const fromRoot = () => relative(process.cwd(), directory)
  const place = (name: string) => kept(openSync(`${directory}/${name}`, O.PATH | O.CLOEXEC))
  const move = (from: number, to: number) =>
    invoke('move_mount', [from, '', to, '', MOVE_MOUNT.F_EMPTY_PATH | MOVE_MOUNT.T_EMPTY_PATH])

  test.each<[string, ErrnoName, RegExp, () => void]>([
    ['fsopen', 'ENODEV', /no file system of that type/, () => invoke('fsopen', ['nosuchfs', 0])],
    ['fsconfig', 'ENOENT', /does not exist/, () => overlay('missing', 'upper', 'work')],
    ['fsconfig', 'EINVAL', /a layer is no directory/, () => overlay('file', 'upper', 'work')],
    ['fsconfig', 'EINVAL', /side by side/, () => overlay('lower', 'upper', 'upper')],
    ['open_tree', 'ENOENT', /nothing under that name/, () => tree(`${directory}/missing`)],
    ['move_mount', 'EINVAL', /a file and the other a directory/, () => move(tree(), place('file'))],
    ['move_mount', 'EINVAL', /no mount/, () => move(place('lower'), place('upper'))],
    ['openat2', 'ELOOP', /no link is followed/, () => lookUp('link', RESOLVE.NO_SYMLINKS)],
    ['openat2', 'ENOTDIR', /this is a file/, () => lookUp('file', RESOLVE.NO_SYMLINKS)],
    ['openat2', 'ENOENT', /not there/, () => lookUp('dangling', RESOLVE.NO_MAGICLINKS, fromRoot())],
    ['openat2', 'ENOTDIR', /in the container/, () => lookUp('file', RESOLVE.NO_MAGICLINKS, fromRoot())],
    [
      'openat2',
      'ELOOP',
      /what a process has open/,
      () => lookUp('cwd', RESOLVE.NO_MAGICLINKS, relative(process.cwd(), '/proc/self')),
    ],
    [
      'mount_setattr',
      'EINVAL',
      /no mount point/,
      () => invoke('mount_setattr', [place('lower'), '', AT.EMPTY_PATH, mountAttr({ set: MOUNT_ATTR.RDONLY }), 32]),
    ],
    [
      'mount_setattr',
      'EINVAL',
      /cannot show its files under other ids/,
      () => {
        const userns = kept(openSync('/proc/self/ns/net', 'r')) // no user namespace at all
        const attributes = mountAttr({ set: MOUNT_ATTR.IDMAP, userns })
        invoke('mount_setattr', [tree(), '', AT.EMPTY_PATH, attributes, 32])
      },
    ],
    [
      'mount_setattr',
      'EPERM',
      /the host’s user namespace/,
      () => {
        const userns = kept(openSync('/proc/self/ns/user', 'r'))
        const attributes = mountAttr({ set: MOUNT_ATTR.IDMAP, userns })
        invoke('mount_setattr', [tree(), '', AT.EMPTY_PATH, attributes, 32])
      },
    ],
  ])('%s: %s, %s', (call, code, cause, provoke) => {
    expect(provoke).toThrow(expect.objectContaining({ call, code, cause: expect.stringMatching(cause) }))
  })
})

test.each<[SyscallName, Arg[], ErrnoName, RegExp]>([
  ['mount_setattr', [], 'ENOSYS', /5\.12/],
  ['fsopen', ['overlay', 0], 'ENOSYS', /5\.2/],
  ['openat2', [], 'ENOSYS', /5\.6/],
  ['fsmount', [], 'EPERM', /in a user namespace/],
  ['open_tree', [], 'EPERM', /needs root/],
  ['open_tree', [], 'EINVAL', /unbindable/],
  ['fsconfig', [], 'EBUSY', /another overlay/],
  ['fsconfig', [], 'ESTALE', /other layers/],
])('the table: %s%j, %s', (name, args, errno, cause) => {
  expect(findCause(name, args, ERRNO[errno])?.cause).toMatch(cause)
})
