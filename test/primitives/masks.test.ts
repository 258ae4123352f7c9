import { existsSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { MS } from '../../toolkit/kernel/constants.ts'
import type { Step } from '../../toolkit/kernel/step.ts'
import { directoriesAmong, thermalPaths } from '../../toolkit/observe/masks.ts'
import * as capabilities from '../../toolkit/primitives/capabilities.ts'
import { MASKED_PATHS, type Masks, plan as mask, READONLY_PATHS } from '../../toolkit/primitives/masks.ts'
import { makePrivate } from '../../toolkit/primitives/mount.ts'
import { call, namespaces, shell } from '../kernel/plans.ts'
import { carryOut, failure } from './carry-out.ts'

const docker: Masks = {
  maskedPaths: [...MASKED_PATHS, ...thermalPaths()],
  readonlyPaths: READONLY_PATHS,
  directories: directoriesAmong([...MASKED_PATHS, ...thermalPaths()]),
}

describe('the steps', () => {
  const plan = (maskedPaths: string[], directories: string[] = [], readonlyPaths: string[] = []) =>
    mask({ maskedPaths, readonlyPaths, directories: new Set(directories) }).map(({ call, args }) => [
      call,
      ...args.slice(0, 2),
    ])

  test('files lie behind /dev/null, directories behind one tmpfs, each once', () => {
    expect(plan(['/f', '/a', '/b', '/f', '/a'], ['/a', '/b'])).toEqual([
      ['mount', '/dev/null', '/f'],
      ['mount', 'tmpfs', '/a'],
      ['mount', '/a', '/b'],
    ])
    expect(plan([], [], ['/r', '/r'])).toHaveLength(2)
    expect(plan([])).toEqual([])
  })
})

test('no thermal directory that is not there', () => {
  for (const path of thermalPaths()) expect(existsSync(path)).toBe(true)
  expect(thermalPaths()).toEqual([...directoriesAmong(thermalPaths())])
})

describe.skipIf(process.getuid!() !== 0)('in the kernel (needs root)', () => {
  const flags = MS.NOSUID | MS.NODEV | MS.NOEXEC
  const mounts = [
    ...makePrivate(),
    call('mount', 'proc', '/proc', 'proc', flags, null),
    call('mount', 'sysfs', '/sys', 'sysfs', flags, null),
  ]
  const chosen = capabilities.choose({ add: [], drop: [], privileged: false }, capabilities.available())
  const rights = [...capabilities.bound(chosen, capabilities.available()), ...capabilities.final(chosen)]
  const run = (masks: Masks, script: string, ...last: Step[]) =>
    carryOut({ namespaces, steps: [...mounts, ...mask(masks), ...last, shell(script)] })

  test('what is masked is empty and takes nothing', async () => {
    const script = `
      for path in ${docker.maskedPaths.join(' ')}; do
        test -e $path || continue
        if test -d $path; then ls -A $path; mkdir $path/x 2>&1 | grep -o 'Read-only file system' >/dev/null || echo $path open
        else cat $path; fi
      done
      mount -t tmpfs | grep -c nr_inodes=1`
    const before = await run({ maskedPaths: [], readonlyPaths: [], directories: new Set() }, script)
    expect(before.output).toMatch(/now at \d+ nsecs/) // /proc/timer_list
    const { output } = await run(docker, script, ...rights)
    expect(output).toBe(`${docker.directories.size}\n`)
  })

  test('all masked directories are one read-only tmpfs; a path twice is one mount; one that is missing is fine', async () => {
    const maskedPaths = ['/proc/tty', '/proc/nosuch', '/proc/fs', '/proc/tty', '/proc/version', '/proc/version']
    const masks = {
      maskedPaths,
      readonlyPaths: ['/proc/nosuch', '/proc/irq', '/proc/irq'],
      directories: directoriesAmong(maskedPaths),
    }
    const { output } = await run(masks, 'cat /proc/self/mountinfo')
    const at = (path: string) =>
      output
        .split('\n')
        .map(line => line.split(' '))
        .filter(fields => fields[4] === path)
    expect(at('/proc/tty')).toHaveLength(1)
    expect(at('/proc/version')).toHaveLength(1)
    expect(at('/proc/irq')).toHaveLength(1)
    expect(at('/proc/fs')[0]![2]).toBe(at('/proc/tty')[0]![2])
    expect(at('/proc/fs')[0]![5]).toBe('ro,nosuid,nodev,noexec,relatime')
  })

  test('read-only paths keep nosuid, nodev, noexec, and refuse every write', async () => {
    const script = `
      grep ' /proc/sys ' /proc/self/mountinfo | cut -d' ' -f6
      for file in /proc/sys/kernel/core_pattern /proc/sys/vm/drop_caches /proc/sys/vm/swappiness; do
        (: >>$file)
      done 2>&1 | grep -c 'Read-only file system'`
    expect((await run(docker, script, ...rights)).output).toBe('ro,nosuid,nodev,noexec,relatime\n3\n')
  })

  test('they cannot be taken away, nor made writable again', async () => {
    const script = `
      umount /proc/timer_list 2>&1 | grep -c 'must be superuser\\|permission denied\\|not permitted'
      mount -o remount,rw,bind /proc/sys 2>&1 | grep -c 'denied\\|superuser'
      mount -t proc proc /proc 2>&1 | grep -c 'denied\\|superuser'`
    expect((await run(docker, script, ...rights)).output).toBe('1\n1\n1\n')
  })

  test('a directory taken for a file stops the container instead of staying visible', async () => {
    const error = await failure(run({ maskedPaths: ['/proc/tty'], readonlyPaths: [], directories: new Set() }, 'true'))
    expect(error).toMatchObject({ call: 'mount', code: 'ENOTDIR' })
  })
})
