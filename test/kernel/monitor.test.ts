// A plan with a monitor: a process that stays, and is the parent of the one that the plan makes.
import { spawnSync } from 'node:child_process'
import { closeSync, mkdtempSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { afterAll, expect, test } from 'vitest'
import { attempt, pipe } from '../../toolkit/kernel/call.ts'
import { AT, O, W } from '../../toolkit/kernel/constants.ts'
import { KernelError } from '../../toolkit/kernel/error.ts'
import { start } from '../../toolkit/kernel/start.ts'
import { type Jump, type Monitor, type Plan, type Step, step } from '../../toolkit/kernel/step.ts'
import { waitSync } from '../../toolkit/kernel/wait.ts'
import { readStat } from '../../toolkit/observe/process.ts'

const directory = mkdtempSync(`${tmpdir()}/monitor-`)
afterAll(() => rmSync(directory, { recursive: true }))
const about = { lesson: '20-engine', shell: '', why: 'a test' } as const
/** Whether it runs; a zombie waits for whoever has become its parent. */
const runs = (pid: number): boolean => !['Z', 'X', undefined].includes(readStat(pid)?.state)
const run = (script: string): Step => step('execve', ['/bin/sh', ['sh', '-c', script], ['PATH=/usr/bin:/bin']], about)

/** Waits for the end of the other process, and writes its status to `file`. */
function reporter(file: string): Monitor {
  const pidfd = Buffer.alloc(8)
  pidfd.writeInt16LE(1, 4) // struct pollfd: POLLIN
  const status = Buffer.alloc(8)
  const steps: (Step | Jump)[] = [
    step('ppoll', [{ bytes: pidfd, text: '&pidfd' }, 1, null, null, 0], { ...about, label: 'poll', allow: 'any' }),
    step('wait4', [-1, status, W.NOHANG + W.ALL, null], { ...about, label: 'ask', allow: 'any' }),
    { to: 'write', of: 'ask', above: 0 },
    { to: 'poll', of: 'ask', above: -4096 },
    step('close_range', [9, 9, 0], { ...about, label: 'write' }),
    step('openat', [AT.FDCWD, file, O.CREAT + O.WRONLY, 0o600], about),
    step('dup3', [4, 9, 0], { ...about, allow: 'any' }),
    step('write', [4, status, 4], about),
    step('exit_group', [0], about),
  ]
  return { first: [step('setsid', [], about)], pidfd: { bytes: pidfd, at: 0 }, steps }
}

const planOf = (file: string, ...steps: Step[]): Plan => ({ namespaces: [], steps, monitor: reporter(file) })

test('a label that two rows have is refused: a jump would go to one of them', () => {
  const twice = step('setsid', [], { ...about, label: 'poll' })
  const monitor = reporter(`${directory}/twice`)
  const plan = { namespaces: [], steps: [run('true')], monitor: { ...monitor, steps: [twice, ...monitor.steps] } }
  expect(() => start(plan)).toThrow('two rows are called poll')
})

test('the process is the monitor’s child; that one sees its end, also when we are no longer there for either', async () => {
  const file = `${directory}/status`
  const [read, write] = pipe()
  const input = step('dup3', [{ descriptor: 'input' }, 0, 0], about)
  const process_ = start(planOf(file, input, run('read word; exit 42')), { descriptors: new Map([['input', read]]) })
  closeSync(read)
  expect(process_.next()).toBeUndefined()
  const monitor = readStat(process_.pid)!.ppid
  expect(monitor).not.toBe(process.pid)
  expect(readStat(monitor)!.ppid).toBe(process.pid)
  expect(readStat(monitor)!.session).toBe(monitor)
  expect(readlinkSync(`/proc/${monitor}/exe`)).toMatch(/^\/memfd:toolkit/)
  process_.close()
  attempt('write', [write, 'go\n', 3])
  closeSync(write)
  expect(waitSync(monitor)).toEqual({ code: 0, signal: undefined })
  expect(readFileSync(file).readInt32LE()).toBe(42 << 8)
})

test('a step that fails is told by number, call and errno; neither of the two is left', () => {
  const plan = planOf(
    `${directory}/never`,
    step('chdir', ['/'], about),
    step('chdir', ['/no/such'], about),
    run('true'),
  )
  const process_ = start(plan)
  const monitor = readStat(process_.pid)?.ppid
  expect(() => process_.next()).toThrow(expect.objectContaining({ call: 'chdir', code: 'ENOENT', step: 2 }))
  expect(runs(process_.pid)).toBe(false)
  if (monitor !== undefined && monitor !== 1) expect(readStat(monitor)).toBeUndefined()
})

test('a command that is not there, tried in several places', () => {
  const tries = ['/no/a', '/no/b'].map((path, i) =>
    step('execve', [path, ['x'], []], { ...about, ...(i === 0 && { allow: ['ENOENT'] as const }) }),
  )
  expect(() => start(planOf(`${directory}/never`, ...tries)).next()).toThrow(KernelError)
})

test('a first step of the monitor that fails', () => {
  const monitor = reporter(`${directory}/never`)
  const first = [step('chdir', ['/no/such'], about)]
  expect(() => start({ namespaces: [], steps: [run('true')], monitor: { ...monitor, first } })).toThrow(
    expect.objectContaining({ call: 'chdir', code: 'ENOENT' }),
  )
})

test('given up at a gate: neither of the two is left', () => {
  const process_ = start({ ...planOf(`${directory}/never`), steps: [{ gate: 'here' }, run('true')] })
  expect(process_.next()).toBe('here')
  const monitor = readStat(process_.pid)!.ppid
  process_.abort()
  expect([runs(process_.pid), readStat(monitor)]).toEqual([false, undefined])
})

test('its maker is killed at any time: it goes on with what it has to do', async () => {
  // The maker is a Node of its own, which dies between the program's start and its word to the monitor.
  const file = `${directory}/orphan`
  const script = `${directory}/maker.ts`
  writeFileSync(
    script,
    `import { start } from '${process.cwd()}/toolkit/kernel/start.ts'
const plan = JSON.parse(process.argv[2], (_, v) => v && v.type === 'Buffer' ? Buffer.from(v.data) : v)
const pidfd = plan.monitor.pidfd.bytes
for (const { args } of plan.monitor.steps) if (args) for (const a of args) if (a && a.text === '&pidfd') a.bytes = pidfd
const asks = plan.monitor.steps.filter(({ call }) => call === 'wait4' || call === 'write')
asks[1].args[1] = asks[0].args[1]
start(plan)
process.kill(process.pid, 'SIGKILL')
`,
  )
  const plan = planOf(file, run('exit 7'))
  const { signal, stderr } = spawnSync('bin/node', [script, JSON.stringify(plan)])
  expect({ signal, stderr: String(stderr) }).toEqual({ signal: 'SIGKILL', stderr: '' })
  await expect.poll(() => readStatus(file), { timeout: 5000 }).toBe(7 << 8)
})

function readStatus(file: string): number | undefined {
  try {
    return readFileSync(file).readInt32LE()
  } catch {
    return undefined
  }
}

test('a jump to nowhere is refused before anything is made', () => {
  const monitor = reporter(`${directory}/never`)
  const steps = [...monitor.steps, { to: 'nowhere', of: 'poll', above: 0 }]
  expect(() => start({ namespaces: [], steps: [run('true')], monitor: { ...monitor, steps } })).toThrow(/nowhere/)
})
