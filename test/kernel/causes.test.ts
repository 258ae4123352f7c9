// The table of causes against the kernel: each case does what its row blames, and gets the error of that row.
import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { causes, findCause } from '../../toolkit/kernel/causes.ts'
import {
  AF,
  AT,
  CLONE,
  IFF,
  IOCTL,
  LOCK,
  MFD,
  MS,
  O,
  PR,
  RESOLVE,
  RLIMIT,
  S,
  SIG,
  SOCK,
} from '../../toolkit/kernel/constants.ts'
import { ERRNO, type ErrnoName } from '../../toolkit/kernel/errno.ts'
import { start } from '../../toolkit/kernel/start.ts'
import type { SyscallName } from '../../toolkit/kernel/syscalls.ts'
import { call, plan, shell } from './plans.ts'
import type { CaseCall, Outcome } from './provoke.ts'

const DIR = mkdtempSync('/tmp/c-') // short: a path in it must fit where a loader's was
const NOBODY = 65534
const NO_PID = 0x7fffffff

interface Case {
  readonly errno: ErrnoName
  readonly cause: RegExp
  readonly calls: CaseCall[]
}

/** A case: the error that the last call is to give, a word of its cause, the calls. */
const fails = (errno: ErrnoName, cause: RegExp, ...calls: CaseCall[]): Case => ({ errno, cause, calls })

const open = (path: string, flags = 0): CaseCall => ['openat', AT.FDCWD, path, flags, 0o600]
const tmpfs = (name: string, flags = 0): CaseCall[] => [
  ['mkdirat', AT.FDCWD, `${DIR}/${name}`, 0o755],
  ['mount', 'tmpfs', `${DIR}/${name}`, 'tmpfs', flags, null],
]
const directories = (...names: string[]): CaseCall[] =>
  names.map(name => ['mkdirat', AT.FDCWD, `${DIR}/${name}`, 0o755] as CaseCall)
const overlay = (lower: string, upper: string, work: string, more = ''): CaseCall => [
  'mount',
  'overlay',
  `${DIR}/dir`,
  'overlay',
  0,
  `lowerdir=${DIR}/${lower},upperdir=${DIR}/${upper},workdir=${DIR}/${work}${more}`,
]
const exec = (path: string, ...args: string[]): CaseCall => ['execve', path, [path, ...args], []]
const limit = (soft: number, hard: number) => ({
  bytes: [...new Uint8Array(BigUint64Array.of(BigInt(soft), BigInt(hard)).buffer)],
})
const words = (...values: number[]) => ({ bytes: [...new Uint8Array(Uint32Array.from(values).buffer)] })
const ifreq = (name: string, flags: number) => {
  const bytes = Buffer.alloc(40)
  bytes.write(name)
  bytes.writeUInt16LE(flags, 16)
  return { bytes: [...bytes] }
}

/** Runs cases in a process of its own, started through `wrapper`. */
function outcomes(wrapper: readonly string[], cases: readonly Case[]): Outcome[] {
  const [command, ...args] = [...wrapper, process.execPath, `${import.meta.dirname}/provoke.ts`]
  const child = spawnSync(command!, args, {
    input: JSON.stringify(cases.map(({ calls }) => calls)),
    encoding: 'utf8',
    cwd: '/',
  })
  if (child.status !== 0) throw new Error(`${child.error ?? ''} ${child.signal ?? ''} ${child.stderr}`)
  return JSON.parse(child.stdout)
}

function provoke(title: string, wrapper: readonly string[], cases: readonly Case[]): void {
  describe(title, () => {
    let got: Outcome[]
    beforeAll(() => {
      got = outcomes(wrapper, cases)
    })
    for (const [i, { errno, cause, calls }] of cases.entries()) {
      const name = calls.at(-1)![0]
      test(`${name}: ${errno}, ${cause.source}`, () => {
        expect(got[i]).toMatchObject({ index: calls.length - 1, call: name, code: errno })
        expect(got[i]?.cause).toMatch(cause)
      })
    }
  })
}

beforeAll(() => {
  chmodSync(DIR, 0o755)
  for (const name of ['dir', 'closed', 'lower', 'other']) mkdirSync(`${DIR}/${name}`)
  chmodSync(`${DIR}/closed`, 0o700)
  mkdirSync(`${DIR}/open`)
  chownSync(`${DIR}/open`, NOBODY, NOBODY)
  writeFileSync(`${DIR}/file`, 'text')
  writeFileSync(`${DIR}/words`, 'just words\n', { mode: 0o755 })
  writeFileSync(`${DIR}/lost`, '#!/nowhere/sh\n', { mode: 0o755 })
  writeFileSync(`${DIR}/empty`, '', { mode: 0o755 })
  symlinkSync('circle', `${DIR}/circle`)
  for (let i = 0; i < 8; i++) writeFileSync(`${DIR}/script${i}`, `#!${DIR}/script${i + 1}\n`, { mode: 0o755 })
  const program = readFileSync('/bin/true')
  const loader = /\/lib[\w/.-]*\/ld-[\w.-]+\0/.exec(program.toString('latin1'))!
  const naming = (path: string): Buffer => {
    const copy = Buffer.from(program)
    copy.fill(0, loader.index, loader.index + loader[0].length)
    copy.write(path, loader.index)
    return copy
  }
  writeFileSync(`${DIR}/program`, program, { mode: 0o755 })
  writeFileSync(`${DIR}/noloader`, naming(`${DIR}/nowhere`), { mode: 0o755 })
  writeFileSync(`${DIR}/badloader`, naming(`${DIR}/noise`), { mode: 0o755 })
  writeFileSync(`${DIR}/cutloader`, naming(`${DIR}/empty`), { mode: 0o755 })
  writeFileSync(`${DIR}/noise`, 'noise '.repeat(1000), { mode: 0o755 })
})

const cgroup = (fsType: string, controller: string): string | undefined =>
  readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .map(line => line.split(' '))
    .find(fields => fields.includes(fsType) && fields.at(-1)!.split(',').includes(controller))?.[4]
const cpuset = cgroup('cgroup', 'cpuset')
const pids = cgroup('cgroup', 'pids')
const anyCgroup = pids ?? cgroup('cgroup2', 'rw')!
const made: string[] = [] // cgroups
afterAll(() => {
  for (const path of made) rmdirSync(path)
  rmSync(DIR, { recursive: true, force: true })
})
const newCgroup = (top: string): string => {
  const path = `${top}/toolkit-causes-${process.pid}`
  mkdirSync(path)
  made.push(path)
  return path
}

provoke(
  'root, with mounts of its own',
  ['setsid', '-w', 'unshare', '--mount', '--uts', '--ipc'],
  [
    // new file systems
    fails('ENODEV', /no file system of that type/, ['mount', 'none', `${DIR}/dir`, 'nosuchfs', 0, null]),
    fails('ENOENT', /mount point does not exist/, ['mount', 'tmpfs', `${DIR}/nowhere`, 'tmpfs', 0, null]),
    fails('ENOTDIR', /is a file/, ['mount', 'tmpfs', `${DIR}/file`, 'tmpfs', 0, null]),
    fails('EINVAL', /does not know an option/, ['mount', 'tmpfs', `${DIR}/dir`, 'tmpfs', 0, 'nosuchoption=1']),
    fails('EBUSY', /exactly there already/, ['mount', 'sysfs', '/sys', 'sysfs', 0, null]),
    fails('ENOTBLK', /not a block device/, ['mount', '/dev/null', `${DIR}/dir`, 'ext4', 0, null]),
    // bind, move, remount, propagation
    fails('ENOENT', /source or the mount point/, ['mount', `${DIR}/nowhere`, `${DIR}/dir`, null, MS.BIND, null]),
    fails('ENOTDIR', /a file and the other/, ['mount', `${DIR}/lower`, `${DIR}/file`, null, MS.BIND, null]),
    fails('EINVAL', /propagation type/, ['mount', null, `${DIR}/dir`, null, MS.PRIVATE, null]),
    fails('EINVAL', /not a mount point/, ['mount', null, `${DIR}/dir`, null, MS.REMOUNT | MS.RDONLY, null]),
    fails('EINVAL', /source is not a mount point/, ['mount', `${DIR}/lower`, `${DIR}/dir`, null, MS.MOVE, null]),
    fails('EBUSY', /open for writing/, ...tmpfs('a'), open(`${DIR}/a/f`, O.CREAT | O.WRONLY), [
      'mount',
      null,
      `${DIR}/a`,
      null,
      MS.REMOUNT | MS.RDONLY,
      null,
    ]),
    fails('ELOOP', /below itself/, ...tmpfs('b'), ...directories('b/c'), [
      'mount',
      `${DIR}/b`,
      `${DIR}/b/c`,
      null,
      MS.MOVE,
      null,
    ]),
    fails(
      'EINVAL',
      /unbindable/,
      ...tmpfs('u'),
      ['mount', null, `${DIR}/u`, null, MS.UNBINDABLE, null],
      ['mount', `${DIR}/u`, `${DIR}/dir`, null, MS.BIND, null],
    ),
    // overlay
    fails(
      'EINVAL',
      /not side by side/,
      ...tmpfs('o1'),
      ...directories('o1/u', 'o1/u/w'),
      overlay('lower', 'o1/u', 'o1/u/w'),
    ),
    fails(
      'EINVAL',
      /option is misspelt/,
      ...tmpfs('o2'),
      ...directories('o2/u', 'o2/w'),
      overlay('lower', 'o2/u', 'o2/w', ',nosuch=1'),
    ),
    fails(
      'EINVAL',
      /an overlay itself/,
      ...tmpfs('o3'),
      ...directories('o3/u', 'o3/w'),
      overlay('lower', 'o3/u', 'o3/w'),
      ...directories('dir/u', 'dir/w'),
      [
        'mount',
        'overlay',
        `${DIR}/other`,
        'overlay',
        0,
        `lowerdir=${DIR}/lower,upperdir=${DIR}/dir/u,workdir=${DIR}/dir/w`,
      ],
    ),
    fails(
      'ELOOP',
      /lies inside another/,
      ...tmpfs('o4'),
      ...directories('o4/u', 'o4/u/l', 'o4/w'),
      overlay('o4/u/l', 'o4/u', 'o4/w'),
    ),
    fails(
      'ENOENT',
      /does not exist/,
      ...tmpfs('o5'),
      ...directories('o5/u', 'o5/w'),
      overlay('nowhere', 'o5/u', 'o5/w'),
    ),
    fails('ENOTDIR', /not a directory/, [
      'mount',
      'overlay',
      `${DIR}/file`,
      'overlay',
      0,
      `lowerdir=${DIR}/lower:${DIR}/other`,
    ]),
    fails(
      'EBUSY',
      /another overlay/,
      ...tmpfs('o7'),
      ...directories('o7/u', 'o7/w'),
      overlay('lower', 'o7/u', 'o7/w', ',index=on'),
      overlay('lower', 'o7/u', 'o7/w', ',index=on'),
    ),
    fails(
      'ESTALE',
      /over other layers/,
      ...tmpfs('o8'),
      ...directories('o8/l', 'o8/m', 'o8/u', 'o8/w'),
      overlay('o8/l', 'o8/u', 'o8/w', ',index=on'),
      ['umount2', `${DIR}/dir`, 0],
      overlay('o8/m', 'o8/u', 'o8/w', ',index=on'),
    ),
    // umount
    fails('EBUSY', /somebody uses it/, ...tmpfs('d'), open(`${DIR}/d`), ['umount2', `${DIR}/d`, 0]),
    fails('EINVAL', /not a mount point/, ['umount2', `${DIR}/lower`, 0]),
    fails('ENOENT', /does not exist/, ['umount2', `${DIR}/nowhere`, 0]),
    // the root directory
    fails('EBUSY', /is the current root/, ['pivot_root', '/', '/']),
    fails('EINVAL', /not inside it/, ...tmpfs('p'), ...tmpfs('q'), ['pivot_root', `${DIR}/p`, `${DIR}/q`]),
    fails('ENOENT', /does not exist/, ['pivot_root', `${DIR}/nowhere`, '/']),
    fails('ENOTDIR', /is a file/, ['pivot_root', `${DIR}/file`, '/']),
    fails('ENOENT', /does not exist/, ['chroot', `${DIR}/nowhere`]),
    fails('ENOTDIR', /is a file/, ['chroot', `${DIR}/file`]),
    fails('ENOENT', /working directory/, ['chdir', `${DIR}/nowhere`]),
    // programs
    fails('ENOENT', /not in this root directory/, exec(`${DIR}/nowhere`)),
    fails('ENOENT', /interpreter/, exec(`${DIR}/lost`)),
    fails('ENOENT', /loader/, exec(`${DIR}/noloader`)),
    fails('ELIBBAD', /loader/, exec(`${DIR}/badloader`)),
    fails('EIO', /cut short/, exec(`${DIR}/cutloader`)),
    fails('EACCES', /not executable/, exec(`${DIR}/file`)),
    fails('EACCES', /directory/, exec(`${DIR}/dir`)),
    fails(
      'EACCES',
      /noexec/,
      ...directories('n'),
      ['mount', DIR, `${DIR}/n`, null, MS.BIND, null],
      ['mount', null, `${DIR}/n`, null, MS.REMOUNT | MS.BIND | MS.NOEXEC, null],
      exec(`${DIR}/n/program`),
    ),
    fails('ENOEXEC', /#!/, exec(`${DIR}/words`)),
    fails('ENOEXEC', /#!/, exec(`${DIR}/empty`)),
    fails('E2BIG', /too long/, exec(`${DIR}/program`, 'x'.repeat(200_000))),
    fails('ELOOP', /circle/, exec(`${DIR}/circle`)),
    fails('ELOOP', /scripts themselves/, exec(`${DIR}/script0`)),
    fails('ENOTDIR', /is a file/, exec(`${DIR}/file/program`)),
    fails('ETXTBSY', /open for writing/, open(`${DIR}/program`, O.WRONLY), exec(`${DIR}/program`)),
    fails('EINVAL', /flag/, ['seccomp', 1, 1 << 20, { bytes: new Array(16).fill(0) }]),
    fails('EINVAL', /not a filter/, ['seccomp', 1, 0, { bytes: new Array(16).fill(0) }]),
    // names
    fails('EINVAL', /at most 64/, ['sethostname', 'x'.repeat(65), 65]),
    // files
    fails('EEXIST', /taken/, ['mkdirat', AT.FDCWD, `${DIR}/dir`, 0o755]),
    fails('EEXIST', /taken/, ['symlinkat', 'x', AT.FDCWD, `${DIR}/file`]),
    fails('ENOENT', /made in/, ['mkdirat', AT.FDCWD, `${DIR}/nowhere/x`, 0o755]),
    fails('ENOTDIR', /is a file/, ['mkdirat', AT.FDCWD, `${DIR}/file/x`, 0o755]),
    fails('EROFS', /read-only/, ...tmpfs('r', MS.RDONLY), ['mkdirat', AT.FDCWD, `${DIR}/r/x`, 0o755]),
    fails('EROFS', /read-only/, ['mknodat', AT.FDCWD, `${DIR}/r/x`, S.IFCHR | 0o600, 259]),
    fails('EROFS', /read-only/, ['symlinkat', 'x', AT.FDCWD, `${DIR}/r/x`]),
    fails('EROFS', /read-only/, ['fchmodat', AT.FDCWD, `${DIR}/r`, 0o700]),
    fails('EROFS', /read-only/, open(`${DIR}/r/x`, O.CREAT | O.WRONLY)),
    fails('ENOENT', /not there/, open(`${DIR}/nowhere`)),
    fails('ENOENT', /file should be in/, open(`${DIR}/nowhere/x`, O.CREAT | O.WRONLY)),
    fails('ENOENT', /pseudo-terminals/, open(`${DIR}/ptmx`)),
    fails('ENXIO', /no terminal/, open('/dev/tty', O.RDWR)),
    fails(
      'ENXIO',
      /fifo/,
      ['mknodat', AT.FDCWD, `${DIR}/fifo`, S.IFIFO | 0o600, 0],
      open(`${DIR}/fifo`, O.WRONLY | O.NONBLOCK),
    ),
    fails(
      'EACCES',
      /nodev/,
      ...tmpfs('nd', MS.NODEV),
      ['mknodat', AT.FDCWD, `${DIR}/nd/null`, S.IFCHR | 0o600, 259],
      open(`${DIR}/nd/null`),
    ),
    fails('ELOOP', /not to be followed/, open(`${DIR}/circle`, O.NOFOLLOW)),
    fails('ELOOP', /in a circle/, open(`${DIR}/circle`)),
    fails('EISDIR', /directory cannot be written/, open(DIR, O.WRONLY)),
    fails('ETXTBSY', /runs now/, open('/proc/self/exe', O.WRONLY)),
    fails('ENAMETOOLONG', /255/, open(`${DIR}/${'x'.repeat(300)}`)),
    fails('EBADF', /not open/, ['write', 999, 'x', 1]),
    fails('EPERM', /written once/, open('/proc/self/uid_map', O.WRONLY), ['write', { result: 0 }, '0 0 1', 5]),
    fails('ESRCH', /no process/, open(`${anyCgroup}/cgroup.procs`, O.WRONLY), [
      'write',
      { result: 0 },
      `${NO_PID}`,
      10,
    ]),
    fails('ENOENT', /nothing by the name/, open('/proc/sys/net/ipv4/tcp_congestion_control', O.WRONLY), [
      'write',
      { result: 0 },
      'nosuch',
      6,
    ]),
    fails('EINVAL', /does not take this value in this file$/, open(`${anyCgroup}/cgroup.procs`, O.WRONLY), [
      'write',
      { result: 0 },
      'x',
      1,
    ]),
    fails('EAGAIN', /holds the lock/, open(`${DIR}/file`), ['flock', { result: 0 }, LOCK.EX], open(`${DIR}/file`), [
      'flock',
      { result: 2 },
      LOCK.EX | LOCK.NB,
    ]),
    fails('EAFNOSUPPORT', /family/, ['socket', 99, SOCK.DGRAM, 0]),
    fails('EINVAL', /does not know the request/, ['prctl', 99999, 0, 0, 0, 0]),
    // terminals: this process leads its session
    fails('EPERM', /leads a process group/, ['setsid']),
    fails('ENOTTY', /not a terminal/, open(`${DIR}/file`), [
      'ioctl',
      { result: 0 },
      IOCTL.TIOCGWINSZ,
      { bytes: [0, 0, 0, 0, 0, 0, 0, 0] },
    ]),
    fails(
      'ENODEV',
      /no link/,
      ['socket', AF.INET, SOCK.DGRAM, 0],
      ['ioctl', { result: 0 }, IOCTL.SIOCGIFFLAGS, ifreq('nosuch', 0)],
    ),
    fails(
      'EPERM',
      /has a terminal already/,
      ...['a', 'b'].flatMap((_, i): CaseCall[] => [
        open('/dev/ptmx', O.RDWR | O.NOCTTY),
        ['ioctl', { result: 4 * i }, IOCTL.TIOCSPTLCK, { bytes: [0, 0, 0, 0] }],
        ['ioctl', { result: 4 * i }, IOCTL.TIOCGPTPEER, O.RDWR | O.NOCTTY],
        ['ioctl', { result: 4 * i + 2 }, IOCTL.TIOCSCTTY, 0],
      ]),
    ),
    // other processes
    fails('ESRCH', /has ended/, ['pidfd_open', NO_PID, 0]),
    fails('EINVAL', /not positive/, ['pidfd_open', 0, 0]),
    fails('ESRCH', /has ended/, ['kill', NO_PID, SIG.TERM]),
    fails('EINVAL', /soft limit/, ['prlimit64', 0, RLIMIT.NOFILE, limit(9, 8), null]),
    fails('EPERM', /nr_open/, ['prlimit64', 0, RLIMIT.NOFILE, limit(8, 2 ** 40), null]),
    fails('ECHILD', /not a child/, ['wait4', NO_PID, null, 0, null]),
    // namespaces: this process has several threads
    fails('EINVAL', /more than one thread/, ['unshare', CLONE.NEWUSER]),
    fails('EINVAL', /does not know/, ['unshare', 1]),
    fails('EINVAL', /more than one thread/, open('/proc/self/ns/user'), ['setns', { result: 0 }, CLONE.NEWUSER]),
    fails('EINVAL', /shares its root/, open('/proc/self/ns/mnt'), ['setns', { result: 0 }, CLONE.NEWNS]),
    fails('EINVAL', /another type/, open('/proc/self/ns/uts'), ['setns', { result: 0 }, CLONE.NEWIPC]),
    fails('EINVAL', /no namespace/, open('/proc/self/status'), ['setns', { result: 0 }, CLONE.NEWIPC]),
    fails('EINVAL', /already asked/, ['unshare', CLONE.NEWPID], ['unshare', CLONE.NEWPID]),
  ],
)

provoke(
  'an ordinary user',
  ['setpriv', `--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups'],
  [
    fails('EPERM', /need root/, ['unshare', CLONE.NEWUTS]),
    fails('EPERM', /needs root/, open('/proc/self/ns/uts'), ['setns', { result: 0 }, CLONE.NEWUTS]),
    fails('EPERM', /mounting needs root \(CAP_SYS_ADMIN\)/, ['mount', 'tmpfs', `${DIR}/dir`, 'tmpfs', 0, null]),
    fails('EPERM', /mounting needs root; in a user/, ['mount', 'proc', `${DIR}/dir`, 'proc', 0, null]),
    fails('EPERM', /not root/, ['mount', null, '/proc', null, MS.REMOUNT, null]),
    fails('EPERM', /needs root/, ['umount2', '/proc', 0]),
    fails('EPERM', /needs root/, ['pivot_root', `${DIR}/dir`, `${DIR}/dir`]),
    fails('EPERM', /only root/, ['chroot', `${DIR}/dir`]),
    fails('EACCES', /may not enter/, ['chdir', `${DIR}/closed`]),
    fails('EPERM', /only root/, ['sethostname', 'box', 3]),
    fails('EPERM', /only root/, ['mknodat', AT.FDCWD, `${DIR}/open/null`, S.IFCHR | 0o600, 259]),
    fails('EACCES', /may not write/, ['mkdirat', AT.FDCWD, `${DIR}/dir/x`, 0o755]),
    fails('EACCES', /no permission/, open(`${DIR}/closed/x`)),
    fails('EPERM', /another user/, ['fchmodat', AT.FDCWD, `${DIR}/file`, 0o777]),
    fails('EPERM', /another user/, ['kill', process.pid, 0]),
    fails(
      'EPERM',
      /another user/,
      ['pidfd_open', process.pid, 0],
      ['pidfd_send_signal', { result: 0 }, SIG.TERM, null, 0],
    ),
    fails('EPERM', /trace/, ['pidfd_open', process.pid, 0], ['pidfd_getfd', { result: 0 }, 0, 0]),
    fails(
      'EPERM',
      /hard limit/,
      ['prlimit64', 0, RLIMIT.CORE, limit(0, 0), null],
      ['prlimit64', 0, RLIMIT.CORE, limit(0, 9), null],
    ),
    fails(
      'EPERM',
      /only root of the network/,
      ['socket', AF.INET, SOCK.DGRAM, 0],
      ['ioctl', { result: 0 }, IOCTL.SIOCSIFFLAGS, ifreq('lo', IFF.UP)],
    ),
    fails('EPERM', /CAP_NET_RAW/, ['socket', AF.INET, SOCK.RAW, 1]),
    fails('EPERM', /lacks the capability/, ['prctl', PR.CAPBSET_DROP, 0, 0, 0, 0]),
    // who it is, and where it may go
    fails('EPERM', /CAP_SETGID/, ['setgroups', 0, null]),
    fails('EPERM', /CAP_SETUID/, ['setresgid', 0, 0, 0]),
    fails('EPERM', /CAP_SETUID/, ['setresuid', 0, 0, 0]),
    fails('EPERM', /only give capabilities up/, ['capset', words(0x20080522, 0), words(1, 1, 0, 0, 0, 0)]),
    fails('EACCES', /may not enter/, [
      'openat2',
      AT.FDCWD,
      `${DIR}/closed/x`,
      words(O.PATH, 0, 0, 0, RESOLVE.NO_MAGICLINKS, 0),
      24,
    ]),
    fails('EACCES', /may not enter/, open(`${DIR}/closed`, O.PATH), ['fchdir', { result: 0 }]),
    fails('EACCES', /OOM score/, open('/proc/self/oom_score_adj', O.WRONLY), ['write', { result: 0 }, '-1000', 5]),
    fails('ENOENT', /no such setting/, open('/proc/sys/net/nosuch', O.WRONLY)),
    fails('EACCES', /no_new_privs/, ['seccomp', 1, 0, { bytes: [1, ...new Array(15).fill(0)] }]),
  ],
)

// Descriptor 9: a namespace outside.
const INTO_USER = ['sh', '-c', 'exec 9</proc/self/ns/uts; exec unshare --user --map-root-user --mount --uts "$@"', 'sh']
const noUserNamespaces = spawnSync('unshare', ['--user', '--map-root-user', 'true']).status !== 0
describe.skipIf(noUserNamespaces)('user namespaces (needed)', () => {
  provoke('root of a user namespace', INTO_USER, [
    fails('EPERM', /PID \(proc\)/, ['mount', 'proc', `${DIR}/dir`, 'proc', 0, null]),
    fails('EPERM', /network \(sysfs\)/, ['mount', 'sysfs', `${DIR}/dir`, 'sysfs', 0, null]),
    fails('EINVAL', /locked/, ['umount2', '/proc', 0]),
    fails('EINVAL', /locked to it/, ['mount', '/', `${DIR}/dir`, null, MS.BIND, null]),
    fails('EPERM', /only root of the host/, ['mknodat', AT.FDCWD, `${DIR}/dir/null`, S.IFCHR | 0o600, 259]),
    fails('EPERM', /owns it/, ['setns', 9, CLONE.NEWUTS]),
    fails('EPERM', /says allow/, ['setgroups', 0, null]), // unshare --map-root-user has written deny
    fails('EINVAL', /no such id/, ['setresuid', 7, 7, 7]),
    fails('EINVAL', /no such id/, ['fchownat', AT.FDCWD, `${DIR}/file`, 7, 7, 0]),
    fails(
      'ENOSPC',
      /limit on such/,
      open('/proc/sys/user/max_uts_namespaces', O.WRONLY),
      ['write', { result: 0 }, '0', 1],
      ['unshare', CLONE.NEWUTS],
    ),
  ])
})

const NOEXEC = '/proc/sys/vm/memfd_noexec' // each PID namespace has its own
describe.skipIf(!existsSync(NOEXEC))('Linux 6.3 (needed)', () => {
  const into = ['unshare', '--pid', '--fork', '--mount-proc', 'sh', '-c', `echo 2 >${NOEXEC}; exec "$@"`, 'sh']
  provoke('where no program runs from memory', into, [fails('EACCES', /memfd_noexec/, ['memfd_create', 'x', MFD.EXEC])])
})

describe.skipIf(!cpuset)('cgroup v1 (needed)', () => {
  test('write: ENOSPC, cpuset', () => {
    const path = newCgroup(cpuset!)
    const attempt = fails('ENOSPC', /no processors/, open(`${path}/cgroup.procs`, O.WRONLY), [
      'write',
      { result: 0 },
      '0',
      1,
    ])
    expect(outcomes([], [attempt])[0]).toMatchObject({ code: 'ENOSPC', cause: expect.stringMatching(/no processors/) })
  })

  test('mount: EBUSY, controllers of two hierarchies', () => {
    const attempt = fails('EBUSY', /another cgroup/, ['mount', 'cgroup', `${DIR}/dir`, 'cgroup', 0, 'cpuset,memory'])
    expect(outcomes(['unshare', '--mount'], [attempt])[0]).toMatchObject({
      code: 'EBUSY',
      cause: expect.stringMatching(/another cgroup/),
    })
  })

  test.skipIf(!pids)('clone3: EAGAIN, pids.max', () => {
    const path = newCgroup(pids!)
    const home = `${pids}${/^\d+:pids:(.*)$/m.exec(readFileSync('/proc/self/cgroup', 'utf8'))![1]}`
    writeFileSync(`${path}/pids.max`, '1')
    writeFileSync(`${path}/cgroup.procs`, `${process.pid}`)
    try {
      expect(() => start(plan(shell('true')))).toThrow(/EAGAIN, the limit on processes is reached: of the cgroup/)
    } finally {
      writeFileSync(`${home}/cgroup.procs`, `${process.pid}`)
    }
  })
})

test('clone3: ENOMEM in a PID namespace whose first process has ended', async () => {
  const first = start(plan(call('execve', '/bin/sleep', ['sleep', '60'], [])))
  first.next()
  const namespace = openSync(`/proc/${first.pid}/ns/pid`, 'r') // keeps it, though nobody can live in it
  const late = { namespaces: [], pidNamespace: { descriptor: 'there' }, steps: [shell('true')] }
  const inside = () => start(late, { descriptors: new Map([['there', namespace]]) })
  process.kill(first.pid, 'SIGKILL')
  while (!/^State:\tZ/m.test(readFileSync(`/proc/${first.pid}/status`, 'utf8'))) await new Promise(setImmediate)
  try {
    expect(inside).toThrow(/ENOMEM, .* first process of the PID namespace has ended/)
  } finally {
    closeSync(namespace)
    first.abort()
  }
})

test('pidfd_open of a thread', () => {
  const thread = readdirSync('/proc/self/task').find(tid => Number(tid) !== process.pid)!
  const [outcome] = outcomes([], [fails('ENOENT', /thread/, ['pidfd_open', Number(thread), 0])])
  expect(outcome).toMatchObject({
    code: expect.stringMatching(/^(ENOENT|EINVAL)$/),
    cause: expect.stringMatching(/thread/),
  })
})

describe('the table', () => {
  test.each([
    ['unshare', [CLONE.NEWUSER], 'ENOSPC', /user namespaces is reached/],
    ['unshare', [CLONE.NEWUSER], 'EPERM', /closed to ordinary users/],
    ['unshare', [CLONE.NEWUSER | CLONE.NEWNS], 'EACCES', /AppArmor/],
    ['clone3', [], 'ENOSYS', /5.3/],
    ['clone3', [], 'EBUSY', /controllers/],
    ['mount', ['tmpfs', '/mnt', 'tmpfs', 0, null], 'ENOSPC', /as many mounts/],
    ['write', [3, '1', 1], 'EBUSY', /never both/],
    ['write', [3, '0 0 2\n1 5 1\n', 12], 'EINVAL', /ids overlap/],
    ['mkdirat', [AT.FDCWD, '/x', 0], 'ENOSPC', /inode/],
    ['dup3', [3, 1, 0], 'EMFILE', /this process/],
  ] satisfies [SyscallName, unknown[], ErrnoName, RegExp][])('%s%j: %s', (name, args, errno, cause) => {
    expect(findCause(name, args as never, ERRNO[errno])?.cause).toMatch(cause)
  })

  test('knows nothing of what it does not list', () => {
    expect(findCause('umask', [0], ERRNO.EDOM)).toBeUndefined()
  })

  test('every row is one short sentence without a full stop, and can be reached', () => {
    const decided = new Set<string>()
    for (const { call: calls, errno, when, cause, remedy } of causes()) {
      for (const text of [cause, remedy]) {
        expect(text).toMatch(/[^.\s]$/)
        expect(text.length, text).toBeLessThan(200)
      }
      const keys = (calls === undefined ? ['any'] : [calls].flat()).map(name => `${name} ${errno}`)
      expect(
        keys.every(key => decided.has(key)),
        keys.join(),
      ).toBe(false)
      if (!when) for (const key of keys) decided.add(key)
    }
  })
})
