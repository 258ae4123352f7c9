// The program that carries plans out: nothing of the engine is in its process, and nobody can write to it.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  chmodSync,
  closeSync,
  existsSync,
  fchmodSync,
  ftruncateSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { pipe } from '../../toolkit/kernel/call.ts'
import { CLONE, MS, O } from '../../toolkit/kernel/constants.ts'
import { listings, machineCode } from '../../toolkit/kernel/machine-code.ts'
import { elf, runner } from '../../toolkit/kernel/runner.ts'
import { type Starting, type StartOptions, start } from '../../toolkit/kernel/start.ts'
import type { Plan } from '../../toolkit/kernel/step.ts'
import { waitSync } from '../../toolkit/kernel/wait.ts'
import * as init from '../../toolkit/primitives/init.ts'
import { call, namespaces, plan, shell } from './plans.ts'

const ROOT = join(import.meta.dirname, '../..')

let directory: string
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'runner-'))
})
afterAll(() => rmSync(directory, { recursive: true, force: true }))

const gate = { gate: 'here' }
const codeOf = (action: () => unknown): unknown => {
  try {
    return action()
  } catch (error) {
    return (error as NodeJS.ErrnoException).code
  }
}

describe('the process at a gate', () => {
  const directories: number[] = []
  let process_: Starting
  const stand = (plan: Plan, options?: StartOptions) => {
    process_ = start(plan, options)
    process_.next()
    return `/proc/${process_.pid}`
  }
  beforeEach(() => {
    for (let i = 0; i < 38; i++) directories.push(openSync('/', 'r'))
  })
  afterEach(() => {
    process_.abort()
    for (const fd of directories.splice(0)) closeSync(fd)
  })

  test('is a program in memory, without the engine’s arguments, environment and memory', () => {
    process.env.SECRET = 'of the engine'
    const proc = stand(plan(gate, shell('exit 0')))
    expect(readlinkSync(`${proc}/exe`)).toBe('/memfd:toolkit (deleted)')
    expect(readFileSync(`${proc}/cmdline`, 'latin1')).toBe('toolkit\0')
    expect(readFileSync(`${proc}/environ`, 'latin1')).toBe('')
    const files = readFileSync(`${proc}/maps`, 'utf8').match(/\S*[/[].*$/gm)!
    expect(new Set(files.map(name => name.replace(/^\[v.*\]$/, '[vdso]')))).toEqual(
      new Set(['/memfd:toolkit (deleted)', '/memfd:toolkit-table (deleted)', '[stack]', '[vdso]']),
    )
    expect(readFileSync(`${proc}/maps`, 'utf8')).not.toMatch(/ .wx. /)
  })

  test.each([
    ['at once', plan(gate, shell('exit 0'))],
    ['when something came first', { ...plan(gate, shell('exit 0')), first: [call('umask', 0)] }],
  ])('has two pipes to the engine open and what stdin, stdout and stderr are: %s', (_title, plan) => {
    const unused = new Map([['unused', directories[0]!]])
    const proc = stand(plan, { descriptors: unused })
    const fds = readdirSync(`${proc}/fd`).map(Number)
    expect(fds.slice(0, 3)).toEqual([0, 1, 2])
    const more = fds
      .slice(3)
      .map(fd => [
        readlinkSync(`${proc}/fd/${fd}`).replace(/\d+/, 'N'),
        Number.parseInt(/^flags:\t(\d+)/m.exec(readFileSync(`${proc}/fdinfo/${fd}`, 'utf8'))![1]!, 8),
      ])
    expect(more).toEqual([
      ['pipe:[N]', O.WRONLY | O.CLOEXEC],
      ['pipe:[N]', O.CLOEXEC],
    ])
  })

  test('has a named descriptor until the last step that uses it', () => {
    const [read, write] = pipe()
    const output = { descriptor: 'output' }
    const use = call('write', output, Buffer.from('x'), 1)
    const options = { descriptors: new Map([['output', write]]) }
    const proc = stand(plan(gate, use, gate, use, gate, shell('exit 0')), options)
    const holds = () => readdirSync(`${proc}/fd`).some(fd => readlinkSync(`${proc}/fd/${fd}`) === pipeName)
    const pipeName = readlinkSync(`/proc/self/fd/${write}`)
    const held = [holds()]
    for (let i = 0; i < 2; i++) {
      process_.open()
      process_.next()
      held.push(holds())
    }
    expect(held).toEqual([true, true, false])
    closeSync(read)
    closeSync(write)
  })

  test('still has all rights in a user namespace that was mapped first', () => {
    const namespace = { flag: CLONE.NEWUSER, why: 'to be tested', lesson: '20-engine', shell: '' } as const
    const first = [{ gate: 'maps' }, call('setresgid', 0, 0, 0), call('setresuid', 0, 0, 0)]
    const steps = [call('sethostname', 'mapped', 6), gate, shell('test $(id -u) = 0 && test $(hostname) = mapped')]
    const proc = stand({ namespaces: [namespace, ...namespaces], first, steps })
    const privileges = readFileSync(`/proc/${process_.pid}/status`, 'utf8')
    expect(privileges).toMatch(/^CapEff:\t[0-9a-f]*[1-9a-f]/m)
    for (const name of ['uid_map', 'gid_map']) writeFileSync(`${proc}/${name}`, '0 100000 65536')
    process_.open()
    expect(process_.next()).toBe('here')
    expect(readlinkSync(`${proc}/exe`)).toBe('/memfd:toolkit (deleted)')
    expect(readFileSync(`${proc}/status`, 'utf8')).toMatch(/^Uid:\t100000\t100000/m)
    const capabilities = /^CapEff:\t(.*)/m.exec(readFileSync(`${proc}/status`, 'utf8'))![1]
    expect(capabilities).toBe(/^CapBnd:\t(.*)/m.exec(readFileSync(`${proc}/status`, 'utf8'))![1])
  })
})

test('no number leads to a directory of the engine (CVE-2024-21626)', () => {
  const directories = Array.from({ length: 38 }, () => openSync('/', 'r'))
  for (let fd = 3; fd <= 40; fd++) {
    const process = start(plan(call('chdir', `/proc/self/fd/${fd}`), shell('exit 0')))
    expect(codeOf(() => process.next())).toMatch(/ENOENT|ENOTDIR/) // nothing, or one of our pipes
  }
  for (const fd of directories) closeSync(fd)
})

describe('the file', () => {
  test('cannot be written, cut, made longer, or closed to execution', () => {
    const { fd } = runner()
    const before = readFileSync(`/proc/self/fd/${fd}`)
    expect(before).toEqual(Buffer.from(elf(process.arch)))
    expect(codeOf(() => writeSync(fd, 'x', 0))).toBe('EPERM')
    expect(codeOf(() => ftruncateSync(fd, 0))).toBe('EPERM')
    expect(codeOf(() => ftruncateSync(fd, 1e6))).toBe('EPERM')
    if (existsSync('/proc/sys/vm/memfd_noexec')) expect(codeOf(() => fchmodSync(fd, 0o600))).toBe('EPERM') // Linux 6.3
    expect(readFileSync(`/proc/self/fd/${fd}`)).toEqual(before)
  })

  const noReadelf = spawnSync('readelf', ['--version']).status !== 0
  test.skipIf(noReadelf).each(Object.keys(listings))(
    'is an ELF program for %s as readelf sees it (binutils needed)',
    arch => {
      const path = join(directory, arch)
      writeFileSync(path, elf(arch))
      const { stdout, stderr } = spawnSync('readelf', ['-hlW', path], { encoding: 'utf8' })
      const size = `0x${elf(arch).length.toString(16).padStart(6, '0')}`
      expect(stderr).toBe('')
      expect(stdout).toMatch(/Type: +EXEC/)
      expect(stdout).toMatch(arch === 'x64' ? /Machine: +Advanced Micro Devices X86-64/ : /Machine: +AArch64/)
      expect(stdout).toMatch(
        new RegExp(`Entry point address: +0x${(0x4000b0 + machineCode(arch).runner).toString(16)}`),
      )
      expect(stdout).toMatch(new RegExp(`LOAD +0x0+ 0x0+400000 0x0+400000 ${size} ${size} R E 0x10000`))
      expect(stdout).toMatch(/GNU_STACK .* RW /)
    },
  )
})

describe('a container that names the program of whoever makes it (CVE-2019-5736)', () => {
  const node = readlinkSync('/proc/self/exe')
  const before = fingerprint(node)
  afterAll(() => expect(fingerprint(node)).toEqual(before))

  function run(plan: Plan): { code: number | undefined; output: string } {
    const [read, write] = pipe()
    const toPipe = [1, 2].map(fd => call('dup3', { descriptor: 'output' }, fd, 0))
    const process = start({ ...plan, steps: [...toPipe, ...plan.steps] }, { descriptors: new Map([['output', write]]) })
    closeSync(write)
    process.next()
    const output = readFileSync(read, 'utf8')
    closeSync(read)
    const { code } = waitSync(process.pid)
    process.close()
    return { code, output }
  }

  test('as its command gets the runner, which has no table', () => {
    expect(run(plan(call('execve', '/proc/self/exe', ['node', '-p', '1+1'], [])))).toEqual({ code: 127, output: '' })
  })

  test('as the interpreter of a script, too', () => {
    const script = join(directory, 'script')
    writeFileSync(script, '#!/proc/self/exe\n')
    chmodSync(script, 0o755)
    expect(run(plan(call('execve', script, [script], [])))).toEqual({ code: 127, output: '' })
  })

  test('through the first process, which stays the runner as an init', () => {
    const attack = [
      'readlink /proc/1/exe',
      'echo x >/proc/1/exe',
      'chmod 0 /proc/1/exe',
      'exec 9</proc/1/exe && echo x >&9',
      'exit 3',
    ]
    const { code, output } = run(
      plan(
        call('mount', null, '/', null, MS.REC | MS.PRIVATE, null),
        call('mount', 'proc', '/proc', 'proc', 0, null),
        call('setsid'),
        ...init.plan({ process: { terminal: false } }),
        shell(attack.join('; ')),
      ),
    )
    expect(output).toMatch(/^\/memfd:toolkit \(deleted\)\n/)
    expect(output).toMatch(/Text file busy/)
    expect(code).toBe(3)
  })
})

function fingerprint(path: string) {
  const { ino, mode, mtimeMs, size } = statSync(path)
  return { ino, mode, mtimeMs, size, hash: createHash('sha256').update(readFileSync(path)).digest('hex') }
}

// Node itself fills the lowest numbers; whoever starts it with descriptors and has them closed gets there.
test('steps find 3 and 4 free and ours out of their way, whatever numbers are given to us', () => {
  const program = `
    import { closeSync, openSync, readdirSync } from 'node:fs'
    import { start } from '${ROOT}/toolkit/kernel/start.ts'
    import { call, plan, shell } from '${ROOT}/test/kernel/plans.ts'
    for (let fd = 3; fd < 10; fd++) closeSync(fd)
    const named = openSync('/etc', 'r')
    const fds = [call('openat', -100, '/', 0, 0), call('dup3', { descriptor: 'named' }, 5, 0), call('openat', -100, '/', 0, 0)]
    const process = start(plan(...fds, { gate: 'here' }, shell('exit 0')), { descriptors: new Map([['named', named]]) })
    const gate = process.next()
    console.log(JSON.stringify([named, gate, process.results().slice(0, 3), readdirSync('/proc/' + process.pid + '/fd').length]))
    process.abort()
  `
  const script = 'exec 3</ 4</ 5</ 6</ 7</ 8</ 9</; exec "$0" --input-type=module -e "$1"'
  const { stdout, stderr } = spawnSync('sh', ['-c', script, process.execPath, program], { encoding: 'utf8' })
  expect(stderr).toBe('')
  expect(JSON.parse(stdout)).toEqual([3, 'here', [3, 5, 4], 8])
})

const cgroup2 = readFileSync('/proc/filesystems', 'utf8').includes('cgroup2')
test.skipIf(!cgroup2)('is born in the cgroup that is named (cgroup2 needed)', () => {
  const program = `
    import { mkdirSync, openSync, readFileSync, rmdirSync } from 'node:fs'
    import { start } from '${ROOT}/toolkit/kernel/start.ts'
    import { call, shell } from '${ROOT}/test/kernel/plans.ts'
    const path = '/mnt/toolkit-' + process.pid
    mkdirSync(path)
    const descriptors = new Map([['cgroup', openSync(path, 'r')]])
    const plan = { namespaces: [], cgroup: { descriptor: 'cgroup' }, steps: [{ gate: 'here' }, shell('exit 0')] }
    for (const first of [[], [call('umask', 0)]]) {
      const child = start({ ...plan, first }, { descriptors })
      child.next()
      console.log(/^0::(.*)/m.exec(readFileSync('/proc/' + child.pid + '/cgroup', 'utf8'))[1] === path.slice(4))
      child.abort()
    }
    rmdirSync(path)
  `
  const script = 'mount -t cgroup2 none /mnt && exec "$0" --input-type=module -e "$1"'
  const args = ['--mount', 'sh', '-c', script, process.execPath, program]
  const { stdout, stderr } = spawnSync('unshare', args, { encoding: 'utf8' })
  expect({ stdout, stderr }).toEqual({ stdout: 'true\ntrue\n', stderr: '' })
})

describe('many in one engine', () => {
  test('100 stand at a gate at once, each with its own table', () => {
    const all = Array.from({ length: 100 }, (_, i) => {
      const process = start({ namespaces: [], steps: [call('umask', i), gate, call('umask', 0), shell(`exit ${i}`)] })
      return { process, gate: process.next() }
    })
    const umasks = all.map(({ process }) => {
      process.open()
      process.next()
      return process.results()[1]
    })
    const codes = all.map(({ process }) => {
      const { code } = waitSync(process.pid)
      process.close()
      return code
    })
    expect(umasks).toEqual(all.map((_, i) => i))
    expect(codes).toEqual(umasks)
  })
})
