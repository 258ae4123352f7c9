// What the default profile does, by effect, on the real kernel: calls that lead out of containers fail, by every door.
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { AT, CLONE, O, PR } from '../../../toolkit/kernel/constants.ts'
import { KernelError } from '../../../toolkit/kernel/error.ts'
import { start } from '../../../toolkit/kernel/start.ts'
import { type Step, stepsOf } from '../../../toolkit/kernel/step.ts'
import { waitSync } from '../../../toolkit/kernel/wait.ts'
import { numbersOf } from '../../../toolkit/primitives/seccomp/numbers.ts'
import { compile, defaultProfile, plan, reduce, type Seccomp } from '../../../toolkit/primitives/seccomp.ts'
import { call, shell } from '../../kernel/plans.ts'
import { type Probe, readResults, writeProbes } from './probe.ts'

const EPERM = -1
const ENOSYS = -38

const capabilities = `CHOWN DAC_OVERRIDE FOWNER FSETID KILL SETGID SETUID SETPCAP NET_BIND_SERVICE NET_RAW SYS_CHROOT
  MKNOD AUDIT_WRITE SETFCAP`
  .split(/\s+/)
  .map(name => `CAP_${name}`)
const arch = process.arch as 'x64' | 'arm64'
const plain = reduce(defaultProfile, { arch, capabilities, kernel: '6.1' })
const load = (profile: Seccomp = plain): Step[] => plan({ filter: compile(profile, { arch }), flags: 0 })

const directory = mkdtempSync(join(tmpdir(), 'seccomp-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))

/** Carries out steps whose output goes to a file; tells how the program ended, what it wrote, and the results. */
function carryOut(...steps: Step[]) {
  const file = join(directory, 'output')
  const output = [
    call('close_range', 3, 3, 0),
    call('openat', AT.FDCWD, file, O.WRONLY | O.CREAT | O.TRUNC, 0o600),
    call('dup3', 3, 1, 0),
    call('close_range', 3, 0xffffffff, 4),
  ]
  const all = { namespaces: [], steps: [...output, ...steps] }
  const process = start(all)
  while (process.next() !== undefined) process.open()
  const exit = waitSync(process.pid)
  const results = process.results().slice(output.length)
  process.close()
  return {
    exit,
    output: readFileSync(file),
    results: new Map(
      stepsOf(all)
        .slice(4)
        .map(({ call }, i) => [call, results[i]]),
    ),
  }
}

const refused = (step: Step): Step => ({ ...step, allow: ['EPERM'] })

describe('the default profile', () => {
  test('refuses what leads out of containers, to root with all capabilities too', () => {
    const calls: Step[] = [
      call('unshare', CLONE.NEWUSER),
      call('setns', 0, 0),
      call('mount', 'none', '/proc/none', 'tmpfs', 0, null),
      call('umount2', '/proc/none', 0),
      call('fsopen', 'tmpfs', 0),
      call('open_tree', AT.FDCWD, '/', 0),
      call('pivot_root', '.', '.'),
      call('bpf', 0, null, 0),
      call('keyctl', 0, null),
    ].map(refused)
    const { exit, results } = carryOut(...load(), ...calls, shell('true'))
    expect(exit).toEqual({ code: 0 })
    for (const { call } of calls) expect([call, results.get(call)]).toEqual([call, EPERM])
    expect(results.get('seccomp')).toBe(0)
  })

  test('is in force in the program, which runs as ever', () => {
    const work = `echo $((6 * 7)) | cat; mkdir -p ${directory}/made && ls -d ${directory}/made`
    const { exit, output } = carryOut(...load(), shell(`grep -E '^Seccomp:' /proc/self/status; ${work}`))
    expect(exit).toEqual({ code: 0 })
    expect(output.toString()).toBe(`Seccomp:\t2\n42\n${directory}/made\n`)
  })

  test('a call of a kernel to come fails with ENOSYS, so that programs do without', () => {
    const clone3: Step = { ...call('clone3', 0), allow: ['ENOSYS'] }
    expect(carryOut(...load(), clone3, shell('true')).results.get('clone3')).toBe(ENOSYS)
  })

  test('has what a capability opens where it is given', () => {
    const admin = reduce(defaultProfile, { arch, capabilities: [...capabilities, 'CAP_SYS_ADMIN'], kernel: '6.1' })
    const { results } = carryOut(...load(admin), call('unshare', CLONE.NEWUTS), shell('true'))
    expect(results.get('unshare')).toBe(0)
  })
})

describe('putting a filter in place', () => {
  test('takes CAP_SYS_ADMIN, or no_new_privs', () => {
    const header = Buffer.alloc(8)
    header.writeUInt32LE(0x20080522, 0) // _LINUX_CAPABILITY_VERSION_3
    const none = call('capset', header, new Uint8Array(24))
    expect(() => carryOut(none, ...load(), shell('true'))).toThrow(KernelError)
    const noNewPrivileges = call('prctl', PR.SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    expect(carryOut(none, noNewPrivileges, ...load(), shell('true')).exit).toEqual({ code: 0 })
  })

  test('an action that kills ends the process with SIGSYS', () => {
    const profile: Seccomp = {
      defaultAction: 'SCMP_ACT_ALLOW',
      syscalls: [{ names: ['uname'], action: 'SCMP_ACT_KILL_PROCESS' }],
    }
    expect(carryOut(...load(profile), shell('exec uname')).exit).toEqual({ signal: 31 })
  })
})

const DOORS = [
  { name: 'syscall', door: 'syscall', abi: 'x64', bit: 0 },
  { name: 'the numbers of x32', door: 'syscall', abi: 'x32', bit: 0x40000000 },
  { name: 'int 0x80', door: 'int80', abi: 'i386', bit: 0 },
] as const

/** Calls with arguments that do no harm where they are let through, and what the filter makes of them. */
const PROBES: readonly { call: string; args?: bigint[]; result: number }[] = [
  { call: 'unshare', args: [0x10000000n], result: EPERM },
  { call: 'unshare', args: [0x20000n], result: EPERM },
  { call: 'setns', args: [-1n], result: EPERM },
  { call: 'clone', args: [0x10000100n], result: EPERM },
  { call: 'clone3', result: ENOSYS },
  { call: 'keyctl', args: [0xffffn], result: EPERM },
  { call: 'add_key', result: EPERM },
  { call: 'bpf', args: [0xffffn], result: EPERM },
  { call: 'perf_event_open', result: EPERM },
  { call: 'io_uring_setup', result: EPERM },
  { call: 'userfaultfd', args: [0xffffn], result: EPERM },
  { call: 'mount', result: EPERM },
  { call: 'umount2', result: EPERM },
  { call: 'pivot_root', result: EPERM },
  { call: 'kexec_load', args: [0n, 0n, 0n, 0xffffn], result: EPERM },
  { call: 'open_by_handle_at', args: [-1n], result: EPERM },
  { call: 'socket', args: [38n, 5n], result: EPERM },
  { call: 'socket', args: [40n, 1n], result: EPERM },
  { call: 'personality', args: [0x40000n], result: EPERM }, // ADDR_NO_RANDOMIZE
]

/** What programs must be able to do; 0 or more is a success. */
const ALLOWED: readonly { call: string; args?: bigint[] }[] = [
  { call: 'getpid' },
  { call: 'personality', args: [0xffffffffn] },
  { call: 'socket', args: [1n, 1n] },
  { call: 'socket', args: [16n, 3n] },
]

/** Whether this kernel has a door: x32 and 32-bit calls may be left out of it. */
function isThere({ door, abi, bit }: (typeof DOORS)[number]): boolean {
  const file = join(directory, 'door')
  writeProbes(file, [{ door, number: numbersOf(abi).get('getpid')! + bit, args: [] }])
  const { status, stdout } = spawnSync(file)
  return status === 0 && readResults(stdout)[0]! > 0
}

const known = ({ call }: { call: string }, abi: 'x64' | 'x32' | 'i386') => numbersOf(abi).has(call)

describe.skipIf(arch !== 'x64')('row 30: by every door (x86-64 only)', () => {
  const run = (probes: readonly Probe[], profile: Seccomp | undefined) => {
    const file = join(directory, 'probe')
    writeProbes(file, probes)
    const { exit, output } = carryOut(...(profile ? load(profile) : []), call('execve', file, ['probe'], []))
    return { exit, results: readResults(output) }
  }

  describe.each(DOORS)('$name', one => {
    const { door, abi, bit } = one
    const shut = arch !== 'x64' || !isThere(one)
    const probe = ({ call, args = [] }: { call: string; args?: bigint[] }): Probe => ({
      door,
      number: numbersOf(abi).get(call)! + bit,
      args,
    })

    test('refuses', () => {
      const probes = PROBES.filter(one => known(one, abi))
      const { exit, results } = run(probes.map(probe), plain)
      expect(exit).toEqual({ code: 0 })
      expect(probes.map(({ call }, i) => [call, results[i]])).toEqual(probes.map(({ call, result }) => [call, result]))
    })

    test.skipIf(shut)(
      'it is the filter that refuses: without one most of it gets further (a kernel that takes these calls needed)',
      () => {
        const probes = PROBES.filter(one => known(one, abi) && !['clone', 'unshare'].includes(one.call))
        const { exit, results } = run(probes.map(probe), undefined)
        expect(exit).toEqual({ code: 0 })
        expect(results.filter(result => result !== EPERM).length).toBeGreaterThan(probes.length / 2)
      },
    )

    test.skipIf(shut)('lets ordinary calls through (a kernel that takes these calls needed)', () => {
      const { results } = run(ALLOWED.map(probe), plain)
      expect(results.map(result => Math.min(result, 0))).toEqual(ALLOWED.map(() => 0))
    })

    test('is shut where the profile does not list it', () => {
      const { exit } = run([probe({ call: 'getpid' })], { ...plain, architectures: [] })
      expect(exit).toEqual(abi === 'x64' ? { code: 0 } : { signal: 31 })
    })
  })

  test.skipIf(arch !== 'x64' || !isThere(DOORS[2]))(
    'socketcall of i386 makes no socket, and does its other work (a kernel that takes these calls needed)',
    () => {
      const number = numbersOf('i386').get('socketcall')!
      const [socket, accept] = [1n, 5n].map(which => ({ door: 'int80' as const, number, args: [which, 0n] }))
      const { results } = run([socket!, accept!], plain)
      expect(results).toEqual([EPERM, -14]) // accept: EFAULT, the kernel has looked at its arguments
    },
  )

  test('the kernel drops the upper half of an int, and so does the filter', () => {
    const probes = [38n, 40n].map(family => ({
      door: 'syscall' as const,
      number: 41,
      args: [family | (1n << 32n), 5n],
    }))
    expect(run(probes, plain).results).toEqual([EPERM, EPERM])
  })
})

const noRunc = spawnSync('runc', ['--version']).status !== 0

test.skipIf(noRunc || arch !== 'x64')('runc does the same with the same profile (runc and x86-64 needed)', () => {
  const bundle = join(directory, 'bundle')
  mkdirSync(join(bundle, 'rootfs'), { recursive: true })
  for (const name of ['proc', 'dev', 'sys']) mkdirSync(join(bundle, 'rootfs', name))
  const probes: Probe[] = DOORS.flatMap(({ door, abi, bit }) =>
    [...PROBES, ...ALLOWED]
      .filter(one => known(one, abi))
      .map(({ call, args = [] }) => ({ door, number: numbersOf(abi).get(call)! + bit, args })),
  )
  writeProbes(join(bundle, 'rootfs', 'probe'), probes)
  spawnSync('runc', ['spec'], { cwd: bundle })
  const config = JSON.parse(readFileSync(join(bundle, 'config.json'), 'utf8'))
  Object.assign(config.process, { terminal: false, args: ['/probe'] })
  config.linux.seccomp = plain
  writeFileSync(join(bundle, 'config.json'), JSON.stringify(config))
  const runc = spawnSync('runc', ['run', '--bundle', bundle, `seccomp-${process.pid}`])
  expect(runc.stderr.toString()).toBe('')
  const theirs = readResults(runc.stdout)
  writeProbes(join(directory, 'probe'), probes)
  const ours = readResults(carryOut(...load(), call('execve', join(directory, 'probe'), ['probe'], [])).output)
  const rough = (results: number[]) => results.map((result, i) => [i, probes[i]!.number, result < 0 ? result : 0])
  expect(rough(theirs)).toEqual(rough(ours))
})
