// What every primitive promises, and the details of the small ones.

import { describe, expect, test } from 'vitest'
import { AT, CLONE, MNT, MS, S } from '../../toolkit/kernel/constants.ts'
import { deviceNumber, makedev } from '../../toolkit/kernel/device-number.ts'
import { type Namespace, type Step, stepsOf } from '../../toolkit/kernel/step.ts'
import { syscalls } from '../../toolkit/kernel/syscalls.ts'
import * as capabilities from '../../toolkit/primitives/capabilities.ts'
import { enter as enterCgroupNamespace } from '../../toolkit/primitives/cgroup-namespace.ts'
import * as cgroups from '../../toolkit/primitives/cgroups.ts'
import * as chroot from '../../toolkit/primitives/chroot.ts'
import * as credentials from '../../toolkit/primitives/credentials.ts'
import * as devices from '../../toolkit/primitives/devices.ts'
import * as ipc from '../../toolkit/primitives/ipc.ts'
import * as keyring from '../../toolkit/primitives/keyring.ts'
import * as masks from '../../toolkit/primitives/masks.ts'
import * as mount from '../../toolkit/primitives/mount.ts'
import * as net from '../../toolkit/primitives/net.ts'
import * as overlay from '../../toolkit/primitives/overlay.ts'
import * as pid from '../../toolkit/primitives/pid.ts'
import * as programs from '../../toolkit/primitives/process.ts'
import * as rlimits from '../../toolkit/primitives/rlimits.ts'
import * as sysctl from '../../toolkit/primitives/sysctl.ts'
import * as terminal from '../../toolkit/primitives/terminal.ts'
import * as uts from '../../toolkit/primitives/uts.ts'

const program = { args: ['sh', "it's"], env: ['PATH=/a:/b:'], cwd: '/home', user: { umask: 0o27 } }
const proc = { destination: '/proc', type: 'proc', source: 'proc', options: ['nosuid', 'ro', 'hidepid=2', 'mode=755'] }

const alice = { user: { uid: 1000, gid: 1000, additionalGids: [1000] } }
const rights = { bounding: [], effective: [], permitted: [], inheritable: [], ambient: [] }
const hidden = { maskedPaths: ['/proc/keys', '/sys/firmware', '/sys/power'], readonlyPaths: ['/proc/sys'] }

const all: Record<string, readonly Step[]> = {
  'capabilities.bound': capabilities.bound(rights, { last: 41 }),
  'capabilities.keep': capabilities.keep(rights),
  'capabilities.final': capabilities.final(rights),
  'cgroup-namespace.enter': enterCgroupNamespace(),
  'cgroups.join': cgroups.join(['/cgroup/pids/box']),
  'chroot.plan': chroot.plan({ root: '/new' }),
  'credentials.become': credentials.become(alice),
  'credentials.ownTerminal': credentials.ownTerminal(alice),
  'credentials.noNewPrivileges': credentials.noNewPrivileges(),
  'devices.plan': devices.plan([{ type: 'c', path: '/dev/in/deep', major: 1, minor: 2, uid: 3 }]),
  'keyring.plan': keyring.plan(),
  'masks.plan': masks.plan({ ...hidden, directories: new Set(['/sys/firmware', '/sys/power']) }),
  'mount.makePrivate': mount.makePrivate(),
  'mount.pivotRoot': mount.pivotRoot('/new'),
  'mount.detachOldRoot': mount.detachOldRoot(),
  'mount.plan': mount.plan({ mounts: [proc] }),
  'net.loopbackUp': net.loopbackUp(),
  'overlay.plan': overlay.plan({ lower: ['/l'], upper: '/u', work: '/w' }, '/m'),
  'pid.dieWithParent': stepsOf({ namespaces: [], steps: pid.dieWithParent() }),
  'process.undoNode': programs.undoNode(),
  'process.clearUmask': programs.clearUmask(),
  'process.oomScore': programs.oomScore({ process: { oomScoreAdj: 5 } }),
  'process.makeDirectory': programs.makeDirectory({ process: program }),
  'process.plan': programs.plan({ process: program }),
  'rlimits.plan': rlimits.plan({ rlimits: [{ type: 'RLIMIT_CORE', soft: 0, hard: 0 }] }),
  'sysctl.plan': sysctl.plan({ sysctl: { 'net.ipv4.ip_forward': '1' } }),
  'terminal.ownSession': terminal.ownSession(),
  'terminal.openTerminal': stepsOf({ namespaces: [], steps: terminal.openTerminal() }),
  'terminal.console': terminal.console(),
  'terminal.noInput': terminal.noInput(),
  'uts.plan': uts.plan({ hostname: 'box' }),
}

describe.each(Object.entries(all))('%s', (_name, steps) => {
  test('is a list of known calls, with no more arguments than they take', () => {
    expect(steps.length).toBeGreaterThan(0)
    for (const { call, args } of steps) expect(args.length, call).toBeLessThanOrEqual(syscalls[call].params.length)
  })

  test('each says why, in one sentence, and where it is taught', () => {
    for (const { call, why, lesson } of steps) {
      expect(why, call).toMatch(/^[^\n]{8,}[^.\n]$/)
      expect(lesson, call).toMatch(/^\d\d-[a-z-]+$/)
    }
  })
})

test('namespaces: one flag each, all different, each with its word for unshare(1)', () => {
  const namespaces: Namespace[] = [mount, uts, ipc, pid, net].map(({ namespace }) => namespace)
  expect(namespaces.map(({ flag }) => flag)).toEqual([
    CLONE.NEWNS,
    CLONE.NEWUTS,
    CLONE.NEWIPC,
    CLONE.NEWPID,
    CLONE.NEWNET,
  ])
  for (const { shell, why } of namespaces) {
    expect(shell).toMatch(/^--[a-z]+/)
    expect(why.length).toBeGreaterThan(20)
  }
})

test('chroot: the working directory follows', () => {
  expect(chroot.plan({ root: '/new' }).map(({ call, args }) => [call, ...args])).toEqual([
    ['chroot', '/new'],
    ['chdir', '/'],
  ])
})

test('mount: words of mount(8) become flags, others data; a directory that is there is as good', () => {
  const [directory, ordinary, mounted] = mount.plan({ mounts: [proc] })
  expect(directory).toMatchObject({ call: 'mkdirat', allow: ['EEXIST'] })
  expect(ordinary).toMatchObject({ call: 'openat2', args: [AT.FDCWD, '/proc', expect.anything(), 24] })
  expect(mounted!.args).toEqual(['proc', '/proc', 'proc', MS.NOSUID | MS.RDONLY, 'hidepid=2,mode=755'])
})

test('mount: private is recursive, and the old root goes lazily', () => {
  expect(mount.makePrivate()[0]!.args[3]).toBe(MS.REC | MS.PRIVATE)
  expect(mount.detachOldRoot()[0]!.args).toEqual(['.', MNT.DETACH])
})

describe('devices', () => {
  test.each([
    [1, 3, 0x103],
    [5, 2, 0x502],
    [136, 0, 0x8800],
    [8, 255, 0x8ff],
    [8, 256, 0x100800],
    [0xfff, 0, 0xfff00],
  ])('makedev(%i, %i), as the kernel’s new_encode_dev', (major, minor, dev) => {
    expect(makedev(major, minor)).toBe(dev)
    expect(deviceNumber(dev)).toEqual({ major, minor })
    expect(deviceNumber(BigInt(dev))).toEqual({ major, minor })
  })

  test('none is a disk: characters only, of the two drivers for memory and terminals', () => {
    const nodes = devices.plan().filter(({ call }) => call === 'mknodat')
    for (const { args } of nodes) {
      expect((args[2] as number) & S.IFMT).toBe(S.IFCHR)
      expect([1, 5]).toContain((args[3] as number) >> 8)
    }
    expect(nodes.map(({ args }) => args[1])).not.toContain('/dev/mem')
  })
})

describe('uts', () => {
  test('the length is counted in bytes', () => {
    expect(uts.plan({ hostname: 'ümlaut' })[0]!.args).toEqual(['ümlaut', 7])
  })
})

describe('process', () => {
  test('an empty directory of PATH means here; without PATH there is a default', () => {
    expect(programs.candidates('x', ['PATH=/a::/b'])).toEqual(['/a/x', './x', '/b/x'])
    expect(programs.candidates('x', [])).toHaveLength(6)
    expect(programs.candidates('./x', ['PATH=/a'])).toEqual(['./x'])
  })

  test('the shell line can be pasted: words are quoted', () => {
    const steps = programs.plan({ process: program })
    expect(steps.at(-1)!.shell).toBe(`exec sh 'it'\\''s'`)
    expect(steps.find(({ call }) => call === 'umask')!.shell).toBe('umask 0027')
  })
})
