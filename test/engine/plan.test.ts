// The plan of a container as data: no root, no kernel.
import { describe, expect, test } from 'vitest'
import { plainOptions } from '../../toolkit/engine/options.ts'
import { planContainer } from '../../toolkit/engine/plan.ts'
import { planRootfs, type Way } from '../../toolkit/engine/rootfs.ts'
import { defaultMounts, makeSpec } from '../../toolkit/engine/spec.ts'
import { planSystem } from '../../toolkit/engine/system-mounts.ts'
import { planMounts } from '../../toolkit/engine/volume/volumes.ts'
import { AT, CLONE, CLOSE_RANGE, MS } from '../../toolkit/kernel/constants.ts'
import { formatCall } from '../../toolkit/kernel/format.ts'
import { ALIVE, cloneFlags, isGate, READY, type Step, step, stepsOf } from '../../toolkit/kernel/step.ts'
import { TERMINAL_GATE } from '../../toolkit/primitives/terminal.ts'

const directory = '/state/containers/live/0123456789ab'
const layers = { lower: ['/rootfs'], upper: `${directory}/upper`, work: `${directory}/work` }
const join = step('openat', [AT.FDCWD, '/sys/fs/cgroup/tasks', 0, 0], {
  why: 'a stand-in',
  lesson: '09-pids',
  shell: '',
})
const cgroup = { before: [], steps: [join], cgroup: undefined, directories: [], above: [], view: () => [] }
const filter = step('seccomp', [1, 0, null], { why: 'a stand-in', lesson: '17-security', shell: '' })
const mounts = defaultMounts.filter(({ type }) => type !== 'cgroup')

const limit = { type: 'RLIMIT_NOFILE', soft: 100, hard: 200 } as const

interface Wish {
  terminal?: boolean
  stdin?: boolean
  args?: string[]
  way?: Way
  noNewPrivileges?: boolean
  init?: boolean
}

function plan({ terminal = false, stdin = false, args = ['sh', '-c', 'exit'], way = 'mount', ...more }: Wish) {
  const { noNewPrivileges = false, init = false } = more
  const options = { ...plainOptions('/', args), hostname: 'box', terminal, noNewPrivileges, rlimits: [limit] }
  const spec = makeSpec(options, '0123456789abcdef')
  const { system, ...asked } = planMounts(mounts)
  return planContainer({
    spec,
    cgroup,
    rootfs: planRootfs({ layers, target: `${directory}/merged` }, way),
    mounts: asked,
    system: planSystem(system),
    network: [],
    seccomp: [filter],
    streams: [],
    stdin,
    init,
  })
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

  test('is born in six new namespaces, and in no user namespace', () => {
    const { NEWNS, NEWUTS, NEWIPC, NEWPID, NEWNET, NEWTIME } = CLONE
    expect(cloneFlags(whole)).toBe(NEWNS | NEWUTS | NEWIPC | NEWPID | NEWNET | NEWTIME)
  })

  test('is tied to its engine before anything else', () => {
    expect(steps[0]!.call).toBe('prctl')
  })

  test('cuts propagation before the first mount', () => {
    const made = steps.filter(({ call }) => call === 'mount')
    expect(made[0]!.args).toEqual([null, '/', null, MS.REC | MS.PRIVATE, null])
    expect(made.filter(({ args }) => args[1] === '/')).toHaveLength(1)
  })

  test('mounts its root, moves there, and only then mounts the rest', () => {
    const root = position(steps, 'mount', 'overlay', `${directory}/merged`, 'overlay')
    const pivot = position(steps, 'pivot_root', '.', '.')
    expect(root).toBeLessThan(pivot)
    expect(steps[pivot - 1]).toMatchObject({ call: 'chdir', args: [`${directory}/merged`] })
    for (const { destination } of mounts)
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
    expect(detach).toBeLessThan(position(steps, 'mkdirat'))
  })

  test('makes files without a umask, and gives the program docker’s', () => {
    const masks = steps.flatMap(({ call, args }, i) => (call === 'umask' ? [[i, args[0]] as const] : []))
    expect(masks.map(([, mask]) => mask)).toEqual([0, 0o022])
    for (const [i, { call }] of steps.entries())
      if (/^mk/.test(call)) {
        expect(i).toBeGreaterThan(masks[0]![0])
        expect(i).toBeLessThan(masks[1]![0])
      }
  })

  test('marks every descriptor above 2, loads the filter and gives up its rights, last of all', () => {
    const program = calls.indexOf('execve')
    expect(steps.slice(program - 3, program)).toMatchObject([
      { call: 'close_range', args: [3, 0xffffffff, CLOSE_RANGE.CLOEXEC] },
      { call: 'seccomp' },
      { call: 'capset' },
    ])
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

  test('before the roots are swapped no path is touched but its groups and its own directory', () => {
    const before = steps.slice(0, position(steps, 'pivot_root'))
    const paths = before.flatMap(({ args }) => args.filter(arg => typeof arg === 'string' && arg.startsWith('/')))
    expect(paths.filter(path => path !== '/')).toEqual([join.args[1], `${directory}/merged`, `${directory}/merged`])
  })

  test('names what Node has changed, and sets it back', () => {
    expect(steps.filter(({ call }) => call === 'rt_sigaction').map(({ args }) => args[0])).toEqual([13, 25])
    expect(calls).toContain('prlimit64')
  })

  test('is a session of its own', () => {
    expect(calls.filter(call => call === 'setsid')).toHaveLength(1)
  })

  test('is the same plan each time: nothing in it is random', () => {
    expect(JSON.stringify(plan(options))).toBe(JSON.stringify(whole)) // without what an action does, a function
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
    expect(gates).toEqual([
      [ALIVE, READY], // and again when a change of user has cut the tie to the parent
      [ALIVE, READY],
      [ALIVE, TERMINAL_GATE, READY],
    ])
    const { steps } = plan({ terminal: true })
    const gate = steps.findIndex(entry => isGate(entry) && entry.gate === TERMINAL_GATE)
    const first = steps.findIndex(entry => !isGate(entry) && entry.call === 'dup3')
    expect(gate).toBeLessThan(first)
  })
})

describe('rights', () => {
  const calls = (wish: Wish) => stepsOf(plan(wish)).map(({ call }) => call)

  test('with no_new_privs the filter is the very last, without it needs SYS_ADMIN', () => {
    const [plain, bound] = [{}, { noNewPrivileges: true }].map(wish => calls(wish))
    expect(plain!.lastIndexOf('seccomp')).toBeLessThan(plain!.lastIndexOf('capset'))
    expect(bound!.lastIndexOf('seccomp')).toBeGreaterThan(bound!.lastIndexOf('capset'))
    expect(bound!.lastIndexOf('seccomp')).toBe(bound!.indexOf('execve') - 1)
  })

  test('groups before group before user; the tie to the parent again after that', () => {
    const order = ['setgroups', 'setresgid', 'setresuid', 'prctl', 'execve']
    const all = calls({})
    const places = order.map(call => all.lastIndexOf(call as never))
    expect(places).toEqual(places.toSorted((a, b) => a - b))
  })

  test('an init has no more rights than the program', () => {
    const all = calls({ init: true })
    expect(all.indexOf('clone')).toBeGreaterThan(all.lastIndexOf('capset'))
    expect(calls({})).not.toContain('clone')
  })
})

test('a detached root file system: the engine makes it, the process attaches it', () => {
  const detached = plan({ way: 'detached' })
  expect(detached.before!.map(({ text }) => text.split('(')[0]!.split(' ').at(-1))).toContain('fsmount')
  expect(stepsOf(detached).map(({ call }) => call)).toContain('move_mount')
})
