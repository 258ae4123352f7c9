// Tasks 1 and 3: a part of a processor for each period, and a share where others want it, too.
import type { Stat } from '../../toolkit/observe/process.ts'
import { statusFields } from '../../toolkit/observe/status.ts'
import { type Group, missing, readGroup } from '../cgroups.ts'
import { type Host, no, type Task } from '../lesson.ts'

/** Who would run now if there were a processor. */
export const busy = ({ members }: Pick<Group, 'members'>): Stat | undefined =>
  members.find(({ state }) => state === 'R')

/** Of one processor; Infinity: all that there is. */
export const percentOf = (cpu: Group['cpu']): number =>
  cpu?.quota === undefined || cpu.period === undefined ? Number.NaN : Math.round((100 * cpu.quota) / cpu.period)

export const limitQuota = ({ cgroups }: Host, group: string, percent: string): string =>
  cgroups === 'v1' ? `echo ${percent}000 >${group}/cpu.cfs_quota_us` : `echo ${percent}000 100000 >${group}/cpu.max`

const PART = '{{cpu}}/{{part}}'
const SPIN = `sh -c 'echo $$ >${PART}/cgroup.procs; exec ./spin' &`
const QUOTA = (host: Host) => limitQuota(host, PART, '{{percent}}')

export const quotaTask: Task = {
  id: 'quota',
  title: 'A part of a processor',
  check(scene) {
    const { part: name, percent: wanted } = scene.values
    const group = readGroup(scene, 'cpu', name!)
    if (!group) return missing(scene, 'cpu', name!)
    const percent = percentOf(group.cpu)
    if (percent !== Number(wanted))
      return no(
        `/${name} may use ${percent === Number.POSITIVE_INFINITY ? 'all processors' : `${percent} percent of a processor`}, not ${wanted} percent`,
      )
    const may = `/${name} may use ${percent} percent of a processor`
    if (group.members.length === 0) return no(`${may}, and nobody is in it`)
    const { periods, throttledPeriods } = group.cpu!
    if (!throttledPeriods) return no(`${may}, and ${group.members[0]!.comm} in it has not wanted more`)
    return { passed: true, saw: `${may}, and had to wait in ${throttledPeriods} of ${periods} periods` }
  },
  hints: host => [
    'The directory, the number in its file, and a shell that moves itself in and becomes `./spin`.',
    `\`mkdir ${PART}\` and \`${QUOTA(host)}\``,
    `\`${SPIN}\``,
  ],
  solution: host => [`mkdir ${PART}`, QUOTA(host), SPIN],
  otherWays: [
    {
      name: 'limited while it runs, with a shorter period',
      commands: ({ cgroups }) => [
        `mkdir ${PART}`,
        './spin &',
        `echo $! >${PART}/cgroup.procs`,
        ...(cgroups === 'v1'
          ? [`echo 50000 >${PART}/cpu.cfs_period_us`, `echo $(({{percent}} * 500)) >${PART}/cpu.cfs_quota_us`]
          : [`echo $(({{percent}} * 500)) 50000 >${PART}/cpu.max`]),
      ],
    },
  ],
  wrongWays: [
    { name: 'no group', commands: ['./spin &'], saw: /^there is no group/ },
    { name: 'no limit', commands: [`mkdir ${PART}`, SPIN], saw: /may use all processors, not/ },
    {
      name: 'ten times as much',
      commands: host => [`mkdir ${PART}`, limitQuota(host, PART, '{{percent}}0'), SPIN],
      saw: /may use \d+0 percent of a processor, not/,
    },
    {
      name: 'spinning outside',
      commands: host => [`mkdir ${PART}`, QUOTA(host), './spin &'],
      saw: /, and nobody is in it/,
    },
    {
      name: 'nobody wants anything',
      commands: host => [`mkdir ${PART}`, QUOTA(host), 'sleep 5000 &', `echo $! >${PART}/cgroup.procs`],
      saw: /sleep in it has not wanted more/,
    },
  ],
}

const weightFile = ({ cgroups }: Host) => (cgroups === 'v1' ? 'cpu.shares' : 'cpu.weight')
const usual = ({ cgroups }: Host) => (cgroups === 'v1' ? 1024 : 100)
const weigh = (host: Host, group: string, weight: string) => `echo ${weight} >{{cpu}}/${group}/${weightFile(host)}`

const BOTH = 'mkdir {{cpu}}/{{heavy}} {{cpu}}/{{light}}'
const WEIGHT = (host: Host) => weigh(host, '{{heavy}}', `$((${usual(host)} * {{times}}))`)
const spinIn = (group: string, command = 'taskset -c {{processor}} ./spin') =>
  `sh -c 'echo $$ >{{cpu}}/${group}/cgroup.procs; exec ${command}' &`
const [IN_HEAVY, IN_LIGHT] = [spinIn('{{heavy}}'), spinIn('{{light}}')]

export const weightTask: Task = {
  id: 'weight',
  title: 'Who gets more',
  check(scene) {
    const { heavy, light, times } = scene.values
    const groups = [heavy!, light!].map(name => readGroup(scene, 'cpu', name))
    if (!groups[0]) return missing(scene, 'cpu', heavy!)
    if (!groups[1]) return missing(scene, 'cpu', light!)
    const [more, less] = groups.map(group => group!.cpu?.shares ?? group!.cpu?.weight) as [number, number]
    const weights = `/${heavy} weighs ${more}, and /${light} ${less}`
    if (more !== less * Number(times)) return no(`${weights}: not ${times} times as much`)
    const spinning = groups.map(group => busy(group!))
    const idle = spinning.findIndex(found => !found)
    if (idle >= 0) return no(`${weights}, but nobody in /${[heavy, light][idle]} wants to run`)
    const [here, there] = spinning.map(found => statusFields(found!.pid)?.get('Cpus_allowed_list'))
    if (here !== there || !/^\d+$/.test(here ?? ''))
      return no(`${weights}, but they may run on the processors ${here} and ${there}, so they need not share one`)
    return { passed: true, saw: `${weights}; both want processor ${here}` }
  },
  hints: host => [
    `Each of the two groups has a file \`${weightFile(host)}\` with the number ${usual(host)}. Only how they compare counts.`,
    `\`${BOTH}\` and \`${WEIGHT(host)}\``,
    `\`${IN_HEAVY}\`, and the same for \`{{light}}\``,
  ],
  solution: host => [BOTH, WEIGHT(host), IN_HEAVY, IN_LIGHT],
  otherWays: [
    {
      name: 'smaller numbers, set while they run',
      commands: host => [
        BOTH,
        './spin & echo $! >{{cpu}}/{{light}}/cgroup.procs; taskset -cp {{processor}} $!',
        './spin & echo $! >{{cpu}}/{{heavy}}/cgroup.procs; taskset -cp {{processor}} $!',
        weigh(host, '{{light}}', '10'),
        weigh(host, '{{heavy}}', '{{times}}0'),
      ],
    },
  ],
  wrongWays: [
    { name: 'as they are', commands: [BOTH, IN_HEAVY, IN_LIGHT], saw: /^\/\S+ weighs (\d+), and \/\S+ \1: not/ },
    {
      name: 'the other way round',
      commands: host => [BOTH, weigh(host, '{{light}}', `$((${usual(host)} * {{times}}))`), IN_HEAVY, IN_LIGHT],
      saw: /weighs (1024|100), and \/\S+ (?!\1:)\d+: not/,
    },
    {
      name: 'one alone',
      commands: host => [BOTH, WEIGHT(host), IN_HEAVY],
      saw: /, but nobody in \/\S+ wants to run/,
    },
    {
      name: 'on any processor',
      commands: host => [BOTH, WEIGHT(host), spinIn('{{heavy}}', './spin'), spinIn('{{light}}', './spin')],
      saw: /so they need not share one/,
    },
    { name: 'one group only', commands: ['mkdir {{cpu}}/{{heavy}}', IN_HEAVY], saw: /^there is no group/ },
  ],
}
