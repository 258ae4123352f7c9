// The plan of a container as data: no root, no kernel.
import { describe, expect, test } from 'vitest'
import { type ContainerPlan, planContainer } from '../../toolkit/engine/plan.ts'
import { defaultMounts, makeSpec } from '../../toolkit/engine/spec.ts'
import { CLONE, CLOSE_RANGE, MS } from '../../toolkit/kernel/constants.ts'
import { formatCall } from '../../toolkit/kernel/format.ts'
import { ALIVE, cloneFlags, isGate, type Step, stepsOf } from '../../toolkit/kernel/step.ts'
import { TERMINAL_GATE } from '../../toolkit/primitives/terminal.ts'

const directory = '/state/containers/live/0123456789ab'
const layers = { lower: ['/rootfs'], upper: `${directory}/upper`, work: `${directory}/work` }

function plan({ terminal = false, stdin = false, args = ['sh', '-c', 'exit'] }) {
  const wish = { rootfs: '/rootfs', args, hostname: 'box', terminal, name: undefined, env: [], cwd: undefined }
  const made = makeSpec({ ...wish, interactive: stdin, autoRemove: false }, '0123456789abcdef')
  const spec = { ...made, root: { ...made.root, path: `${directory}/merged` } }
  const limits = { ...spec.process, rlimits: [{ type: 'RLIMIT_NOFILE', soft: 1024, hard: 4096 }] as const }
  return planContainer({ spec: { ...spec, process: limits }, layers, stdin } satisfies ContainerPlan)
}
const kinds = [
  ['without stdin', {}],
  ['with stdin', { stdin: true }],
  ['with a terminal', { terminal: true, stdin: true }],
] as const

const position = (steps: readonly Step[], call: string, ...args: unknown[]): number => {
  const found = steps.findIndex(
    step => step.call === call && args.every((arg, i) => arg === undefined || step.args[i] === arg),
  )
  if (found < 0) throw new Error(`no ${call}(${args}) in the plan`)
  return found
}

describe.each(kinds)('a container %s', (_title, options) => {
  const whole = plan(options)
  const steps = stepsOf(whole)
  const calls = steps.map(({ call }) => call)

  test('is born in five new namespaces, and in no user namespace', () => {
    const { NEWNS, NEWUTS, NEWIPC, NEWPID, NEWNET } = CLONE
    expect(cloneFlags(whole)).toBe(NEWNS | NEWUTS | NEWIPC | NEWPID | NEWNET)
  })

  test('is tied to its engine before anything else', () => {
    expect(steps[0]!.call).toBe('prctl')
  })

  test('cuts propagation before the first mount', () => {
    const mounts = steps.filter(({ call }) => call === 'mount')
    expect(mounts[0]!.args).toEqual([null, '/', null, MS.REC | MS.PRIVATE, null])
    expect(mounts.filter(({ args }) => args[1] === '/')).toHaveLength(1)
  })

  test('mounts its root, moves there, and only then mounts the rest', () => {
    const root = position(steps, 'mount', 'overlay', `${directory}/merged`, 'overlay')
    const pivot = position(steps, 'pivot_root', '.', '.')
    expect(root).toBeLessThan(pivot)
    expect(steps[pivot - 1]).toMatchObject({ call: 'chdir', args: [`${directory}/merged`] })
    for (const { destination } of defaultMounts)
      expect(position(steps, 'mount', undefined, destination), destination).toBeGreaterThan(pivot)
  })

  test('a file system is mounted before those below it', () => {
    const at = (destination: string) => position(steps, 'mount', undefined, destination)
    for (const below of ['/dev/pts', '/dev/shm', '/dev/mqueue']) expect(at('/dev')).toBeLessThan(at(below))
    expect(position(steps, 'mknodat', undefined, '/dev/null')).toBeGreaterThan(at('/dev'))
  })

  test('lets go of the old root before the program, and stands in the new one', () => {
    const detach = position(steps, 'umount2', '.')
    expect(detach).toBeGreaterThan(position(steps, 'pivot_root'))
    expect(steps[detach + 1]).toMatchObject({ call: 'chdir', args: ['/'] })
    expect(detach).toBeLessThan(position(steps, 'sethostname'))
  })

  test('makes files without a umask, and sets the caller’s back for the program', () => {
    const masks = steps.flatMap(({ call, args }, i) => (call === 'umask' ? [[i, args[0]] as const] : []))
    expect(masks.map(([, mask]) => mask)).toEqual([0, process.umask()])
    for (const [i, { call }] of steps.entries())
      if (/^mk/.test(call)) {
        expect(i).toBeGreaterThan(masks[0]![0])
        expect(i).toBeLessThan(masks[1]![0])
      }
  })

  test('marks every descriptor above 2 as its last act before the program', () => {
    const program = calls.indexOf('execve')
    expect(steps[program - 1]).toMatchObject({ call: 'close_range', args: [3, 0xffffffff, CLOSE_RANGE.CLOEXEC] })
  })

  test('ends in execve, once for each directory of PATH; all but the last may fail', () => {
    const program = calls.indexOf('execve')
    expect(new Set(calls.slice(program))).toEqual(new Set(['execve']))
    expect(steps.slice(program).map(({ args }) => args[0])).toEqual(
      ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'].map(path => `${path}/sh`),
    )
    const allowed = steps.slice(program).map(({ allow }) => allow)
    expect(allowed.slice(0, -1).every(allow => allow !== undefined)).toBe(true)
    expect(allowed.at(-1)).toBeUndefined()
  })

  test('every step has a why and a lesson, and reads as a call', () => {
    for (const step of steps) {
      expect(step.why, step.call).toMatch(/^\S.{8,}[^.]$/)
      expect(step.why, step.call).not.toContain('\n')
      expect(step.lesson, step.call).toMatch(/^\d\d-[a-z-]+$/)
      expect(step.shell.trim(), step.call).toBe(step.shell)
      expect(formatCall(step.call, step.args)).toMatch(/^[a-z0-9_]+\(.*\)$/)
    }
  })

  test('before the roots are swapped no path is touched but those of its own directory', () => {
    const before = steps.slice(0, position(steps, 'pivot_root'))
    const paths = before.flatMap(({ args }) => args.filter(arg => typeof arg === 'string' && arg.startsWith('/')))
    expect(paths.filter(path => path !== '/')).toEqual([`${directory}/merged`, `${directory}/merged`])
  })

  test('names what Node has changed, and sets it back', () => {
    expect(steps.filter(({ call }) => call === 'rt_sigaction').map(({ args }) => args[0])).toEqual([13, 25])
    expect(calls).toContain('prlimit64')
  })

  test('is a session of its own', () => {
    expect(calls.filter(call => call === 'setsid')).toHaveLength(1)
  })

  test('is the same plan each time: nothing in it is random', () => {
    expect(plan(options)).toEqual(whole)
  })
})

describe('the program', () => {
  const paths = (args: string[]) => stepsOf(plan({ args })).filter(({ call }) => call === 'execve')

  test('a command with a slash is taken as it is', () => {
    expect(paths(['/bin/sh']).map(({ args }) => args[0])).toEqual(['/bin/sh'])
    expect(paths(['bin/sh']).map(({ args }) => args[0])).toEqual(['bin/sh'])
  })

  test('its arguments and its environment are passed as they are', () => {
    const [step] = paths(['/bin/echo', '', 'a b', '$x', '\n', 'ü'])
    expect(step!.args[1]).toEqual(['/bin/echo', '', 'a b', '$x', '\n', 'ü'])
    expect(step!.args[2]).toContain('HOSTNAME=box')
  })
})

describe('gates', () => {
  test('all look for their parent; only a terminal has another, and it is passed before anything of it is used', () => {
    const gates = kinds.map(([, options]) => plan(options).steps.flatMap(entry => (isGate(entry) ? [entry.gate] : [])))
    expect(gates).toEqual([[ALIVE], [ALIVE], [ALIVE, TERMINAL_GATE]])
    const { steps } = plan({ terminal: true })
    const gate = steps.findLastIndex(isGate)
    const first = steps.findIndex(entry => !isGate(entry) && entry.call === 'dup3')
    expect(gate).toBeLessThan(first)
  })
})
