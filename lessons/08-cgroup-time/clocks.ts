// Tasks 3 to 5: another clock, all eight namespaces, and the module.
import { readClockOffsets } from '../../toolkit/observe/clocks.ts'
import {
  compareNamespaces,
  type Namespaces,
  type NamespaceType,
  readNamespaces,
} from '../../toolkit/observe/namespaces.ts'
import { readProcess, rootOf, type Stat } from '../../toolkit/observe/process.ts'
import { BOX } from '../box.ts'
import { no, type Scene, type Task } from '../lesson.ts'
import { find, idOf, isFound, labProcesses } from '../look.ts'

const SECOND = 1_000_000_000n

interface Timed extends Stat {
  readonly own: Namespaces
  /** In a time namespace that is not the lab's. */
  readonly apart: boolean
  /** Whole seconds. */
  readonly boottime: number
  readonly monotonic: number
}

/** The processes whose clocks, or whose children's clocks, are not the lab's. */
function timed(scene: Scene): Timed[] {
  const lab = readNamespaces(scene.lab.pid)
  return labProcesses(scene).flatMap(stat => {
    const own = readNamespaces(stat.pid)
    const offsets = readClockOffsets(stat.pid)
    if (!own || !offsets) return []
    const [boottime, monotonic] = [offsets.boottime, offsets.monotonic].map(offset => Number(offset / SECOND)) as [
      number,
      number,
    ]
    const apart = own.time.inode !== lab?.time.inode
    return apart || boottime !== 0 || monotonic !== 0 ? [{ ...stat, own, apart, boottime, monotonic }] : []
  })
}

/** Says of a clock what is wrong with it; undefined where it is `seconds` ahead for a process. */
function wrongClock(found: readonly Timed[], seconds: number): string | undefined {
  const apart = found.filter(process => process.apart)
  if (apart.some(({ boottime }) => boottime === seconds)) return undefined
  const other = apart.find(({ boottime }) => boottime !== 0)
  if (other) return `boottime is ${other.boottime} seconds ahead for ${other.comm}; the task asks for ${seconds}`
  const wrong = apart.find(({ monotonic }) => monotonic !== 0)
  if (wrong) return `monotonic is ${wrong.monotonic} seconds ahead for ${wrong.comm}; the clock of uptime is boottime`
  if (apart[0]) return `${apart[0].comm} has a time namespace of its own, and its clocks are those of the lab`
  if (found[0]) return `only what ${found[0].comm} starts will have other clocks: --fork makes it start something`
  return 'all processes of the lab have the same clocks'
}

export const clockTask: Task = {
  id: 'clock',
  title: 'Another clock',
  check(scene) {
    const seconds = Number(scene.values.seconds)
    const found = timed(scene)
    const wrong = wrongClock(found, seconds)
    if (wrong !== undefined) return no(wrong)
    const right = found.find(({ apart, boottime }) => apart && boottime === seconds)!
    return { passed: true, saw: `for ${right.comm} the machine has been running ${seconds} seconds longer` }
  },
  hints: [
    'A day has 86400 seconds. `echo $((60 * 60))` does sums.',
    'Three options of `unshare`: `--time`, `--fork`, and `--boottime SECONDS`.',
    '`unshare --time --fork --boottime {{seconds}} bash`',
  ],
  solution: ['unshare --time --fork --boottime $(({{days}} * 86400)) bash', 'uptime'],
  otherWays: [
    { name: 'both clocks', commands: ['unshare -T -f --monotonic 5 --boottime {{seconds}} bash'] },
    { name: 'in the background', commands: ['unshare --time --fork --boottime {{seconds}} sleep 3000 &'] },
  ],
  wrongWays: [
    {
      name: 'days for seconds',
      commands: ['unshare --time --fork --boottime {{days}} bash'],
      saw: /boottime is \d+ seconds ahead for \w+; the task asks for/,
    },
    {
      name: 'the other clock',
      commands: ['unshare --time --fork --monotonic {{seconds}} bash'],
      saw: /the clock of uptime is boottime$/,
    },
    { name: 'no offset', commands: ['unshare --time --fork bash'], saw: /and its clocks are those of the lab$/ },
    {
      name: 'left again',
      commands: ['unshare --time --fork --boottime {{seconds}} true'],
      saw: /have the same clocks$/,
    },
  ],
}

const SIX = '--user --map-root-user --mount --uts --ipc --pid --net'
const TYPES: readonly NamespaceType[] = ['mnt', 'uts', 'ipc', 'pid', 'net', 'user', 'cgroup', 'time']

/** What a `sleep` shares with the lab; undefined where there is none in the box. */
function sharedBy(scene: Scene, seconds: string): readonly NamespaceType[] | undefined {
  const lab = readNamespaces(scene.lab.pid)
  const box = find(scene, BOX)
  const sleeper = labProcesses(scene).find(
    ({ pid, comm }) =>
      comm === 'sleep' && readProcess(pid)?.argv.at(-1) === seconds && isFound(box) && rootOf(pid)?.id === idOf(box),
  )
  const own = sleeper && readNamespaces(sleeper.pid)
  if (!lab || !own) return undefined
  const apart = compareNamespaces(lab, own)
  return TYPES.filter(type => !apart.includes(type))
}

export const eightTask: Task = {
  id: 'eight',
  title: 'All eight',
  check(scene) {
    const { old, fresh } = scene.values as { old: string; fresh: string }
    const [before, now] = [sharedBy(scene, old), sharedBy(scene, fresh)]
    if (!before) return no(`there is no sleep ${old} in the box`)
    if (before.join() !== 'cgroup,time')
      return no(`sleep ${old} should be the box of before; it shares with the lab: ${before.join(', ') || 'nothing'}`)
    if (!now) return no(`sleep ${old} shares cgroup and time with the lab; there is no sleep ${fresh} in the box`)
    if (now.length > 0) return no(`sleep ${fresh} still shares with the lab: ${now.join(', ')}`)
    return {
      passed: true,
      saw: `sleep ${old} shares cgroup and time with the lab; sleep ${fresh} shares none of the eight`,
    }
  },
  hints: [
    'Take the command of the old box. Two options are missing in it.',
    'They are `--cgroup` and `--time`. A clock need not be set.',
    `\`unshare ${SIX} --cgroup --time --fork chroot box sleep {{fresh}} &\``,
  ],
  solution: [
    `unshare ${SIX} --fork chroot box sleep {{old}} &`,
    `unshare ${SIX} --cgroup --time --fork chroot box sleep {{fresh}} &`,
  ],
  otherWays: [
    {
      name: 'one inside the other',
      commands: [
        `unshare ${SIX} --fork chroot box sleep {{old}} &`,
        `unshare --cgroup --time --fork unshare ${SIX} --fork chroot box sleep {{fresh}} &`,
      ],
    },
    {
      name: 'with another clock, from a shell inside',
      commands: [
        `unshare ${SIX} --fork chroot box sleep {{old}} &`,
        `unshare ${SIX} -C -T --boottime 60 --fork chroot box sh`,
        'sleep {{fresh}} &',
      ],
    },
  ],
  wrongWays: [
    {
      name: 'without a cgroup namespace',
      commands: [
        `unshare ${SIX} --fork chroot box sleep {{old}} &`,
        `unshare ${SIX} --time --fork chroot box sleep {{fresh}} &`,
      ],
      saw: /still shares with the lab: cgroup$/,
    },
    {
      name: 'the old one twice',
      commands: [
        `unshare ${SIX} --fork chroot box sleep {{old}} &`,
        `unshare ${SIX} --fork chroot box sleep {{fresh}} &`,
      ],
      saw: /still shares with the lab: cgroup, time$/,
    },
    {
      name: 'both of them new',
      commands: [
        `unshare ${SIX} --cgroup --time --fork chroot box sleep {{old}} &`,
        `unshare ${SIX} --cgroup --time --fork chroot box sleep {{fresh}} &`,
      ],
      saw: /should be the box of before; it shares with the lab: nothing/,
    },
    {
      name: 'only the old one',
      commands: [`unshare ${SIX} --fork chroot box sleep {{old}} &`],
      saw: /shares cgroup and time with the lab; there is no/,
    },
  ],
}

const CLOCK = `sed -i 's/timeOffsets: {}/timeOffsets: { boottime: { secs: {{later}} } }/' box.ts`
const GROUP = `sed -i 's/\\/\\/ TODO: its group.*/...cgroup.enter(),/' box.ts`

export const moduleTask: Task = {
  id: 'module',
  title: 'The module',
  check(scene) {
    const seconds = Number(scene.values.later)
    const lab = readNamespaces(scene.lab.pid)
    const found = timed(scene)
    const wrong = wrongClock(found, seconds)
    if (wrong !== undefined) return no(wrong)
    const here = found.filter(({ apart, boottime }) => apart && boottime === seconds)
    const right = here.find(({ own }) => own.cgroup.inode !== lab?.cgroup.inode)
    if (!right) return no(`${here[0]!.comm} has the right clock, and the cgroup namespace of the lab`)
    return {
      passed: true,
      saw: `${right.comm} has a cgroup namespace of its own, and its boottime is ${seconds} seconds ahead`,
    }
  },
  hints: [
    'Two lines of `box.ts` say TODO. The first wants an offset, the second a list of steps.',
    'An offset has the form `boottime: { secs: 60 }`, and stands between the empty braces.',
    '`timeOffsets: { boottime: { secs: {{later}} } }` and, in the list, `...cgroup.enter(),` and then `node box.ts`',
  ],
  solution: [CLOCK, GROUP, 'node box.ts'],
  otherWays: [
    {
      name: 'the cgroup namespace from unshare',
      commands: [CLOCK, 'unshare --cgroup node box.ts'],
    },
  ],
  wrongWays: [
    { name: 'as it is', commands: ['node box.ts'], saw: /have the same clocks$/ },
    { name: 'the clock only', commands: [CLOCK, 'node box.ts'], saw: /and the cgroup namespace of the lab$/ },
    {
      name: 'another offset',
      commands: [CLOCK.replace('{{later}}', '60'), GROUP, 'node box.ts'],
      saw: /boottime is 60 seconds ahead for bash; the task/,
    },
  ],
}
