import { describe, expect, test } from 'vitest'
import { AT, CLONE, IOCTL, LOCK, MNT, MS, O, PR, RLIMIT, S, SIG, SOCK, W } from '../../toolkit/kernel/constants.ts'
import { ERRNO } from '../../toolkit/kernel/errno.ts'
import { KernelError } from '../../toolkit/kernel/error.ts'
import { formatCall, formatFlags } from '../../toolkit/kernel/format.ts'
import type { Arg } from '../../toolkit/kernel/step.ts'
import type { SyscallName } from '../../toolkit/kernel/syscalls.ts'

describe('calls as C would write them', () => {
  test.each([
    [
      'mount',
      ['proc', '/proc', 'proc', MS.NOSUID | MS.NODEV, null],
      'mount("proc", "/proc", "proc", MS_NOSUID|MS_NODEV, NULL)',
    ],
    ['mount', [null, '/', null, MS.REC | MS.PRIVATE, null], 'mount(NULL, "/", NULL, MS_REC|MS_PRIVATE, NULL)'],
    ['umount2', ['.', MNT.DETACH], 'umount2(".", MNT_DETACH)'],
    ['unshare', [CLONE.NEWUSER | CLONE.NEWNET], 'unshare(CLONE_NEWUSER|CLONE_NEWNET)'],
    ['openat', [AT.FDCWD, '/x', O.RDONLY, 0], 'openat(AT_FDCWD, "/x", O_RDONLY, 0)'],
    ['openat', [3, 'x', O.RDONLY | O.CLOEXEC, 0], 'openat(3, "x", O_RDONLY|O_CLOEXEC, 0)'],
    ['openat', [3, 'x', O.RDWR | O.CREAT, 0o600], 'openat(3, "x", O_RDWR|O_CREAT, 0600)'],
    ['dup3', [3, 0, 0], 'dup3(3, 0, 0)'],
    [
      'mknodat',
      [AT.FDCWD, '/dev/null', S.IFCHR | 0o666, 259],
      'mknodat(AT_FDCWD, "/dev/null", S_IFCHR|0666, makedev(1, 3))',
    ],
    ['mkdirat', [AT.FDCWD, '/tmp', 0o1777], 'mkdirat(AT_FDCWD, "/tmp", 01777)'],
    ['umask', [0], 'umask(0)'],
    ['kill', [7, SIG.TERM], 'kill(7, SIGTERM)'],
    ['kill', [7, 0], 'kill(7, 0)'],
    ['wait4', [7, null, W.NOHANG | W.ALL, null], 'wait4(7, NULL, WNOHANG|__WALL, NULL)'],
    ['ioctl', [0, IOCTL.TIOCSCTTY, 0], 'ioctl(0, TIOCSCTTY, NULL)'],
    ['prctl', [PR.SET_PDEATHSIG, SIG.KILL, 0, 0, 0], 'prctl(PR_SET_PDEATHSIG, 9, 0, 0, 0)'],
    ['prlimit64', [0, RLIMIT.NOFILE, new Uint8Array(16), null], 'prlimit64(0, RLIMIT_NOFILE, {16 bytes}, NULL)'],
    ['flock', [3, LOCK.EX | LOCK.NB], 'flock(3, LOCK_EX|LOCK_NB)'],
    ['socket', [16, SOCK.RAW | SOCK.CLOEXEC, 0], 'socket(AF_NETLINK, SOCK_RAW|SOCK_CLOEXEC, 0)'],
    ['execve', ['/bin/sh', ['sh', '-c', 'a "b"'], []], 'execve("/bin/sh", ["sh", "-c", "a \\"b\\""], [])'],
    ['getppid', [], 'getppid()'],
  ] satisfies [SyscallName, Arg[], string][])('%s %#', (name, args, text) => {
    expect(formatCall(name, args)).toBe(text)
  })

  test('a structure says what it holds', () => {
    expect(formatCall('prlimit64', [0, 7, { bytes: new Uint8Array(16), text: '{1024, 4096}' }, null])).toBe(
      'prlimit64(0, RLIMIT_NOFILE, {1024, 4096}, NULL)',
    )
  })

  test('bits without a name stay numbers, no bits are 0', () => {
    expect(formatFlags('MS', MS.BIND | 0x40)).toBe('MS_BIND|0x40')
    expect(formatFlags('CLONE', CLONE.NEWNS + CLONE.INTO_CGROUP)).toBe('CLONE_NEWNS|CLONE_INTO_CGROUP')
    expect(formatFlags('MS', 0)).toBe('0')
  })

  test('long strings and lists are cut', () => {
    expect(formatCall('chdir', ['x'.repeat(100)])).toBe(`chdir("${'x'.repeat(80)}…")`)
    expect(formatCall('execve', ['x', Array(20).fill('y'), null])).toMatch(/"y", …\], NULL\)$/)
  })
})

describe('KernelError', () => {
  const error = new KernelError('pivot_root', ['.', '.'], ERRNO.EBUSY, 41)

  test('says call, step, error and cause in one line', () => {
    expect(error.message).toMatch(/^pivot_root\("\.", "\."\) \(step 41\): EBUSY, the new root is not a mount point/)
    expect(error).toMatchObject({ name: 'KernelError', call: 'pivot_root', errno: 16, code: 'EBUSY', step: 41 })
  })

  test('says more on several', () => {
    expect(error.long.split('\n').map(line => line.trim().split(/ {2,}/)[0])).toEqual([
      'pivot_root(".", ".") (step 41)',
      'failed with',
      'most likely',
      'what to do',
    ])
  })

  test('has the bare meaning where no cause is known', () => {
    const bare = new KernelError('umask', [0], ERRNO.EDOM)
    expect(bare.message).toBe('umask(0): EDOM, argument out of domain')
    expect(bare.long).toBe('umask(0)\n  failed with  EDOM: argument out of domain')
    expect(bare.cause).toBeUndefined()
  })
})
