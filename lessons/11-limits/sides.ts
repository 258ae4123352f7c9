// Task 5, the control: the limits of lessons 9 and 10, and beside them a container that has those of this lesson, too.
import { type CgroupFigures, readCgroup } from '../../toolkit/observe/cgroup-figures.ts'
import { directoriesOf } from '../../toolkit/observe/cgroups.ts'
import { missing, readGroup } from '../cgroups.ts'
import { type Host, no, type Scene, type Task } from '../lesson.ts'
import { busy, limitQuota, percentOf } from './time.ts'

const PROCESSES = 20
const MIB = 64

/** The limits of a process, from all its groups, as words. */
function limitsOf({ pids, memory, cpu, cpuset }: CgroupFigures): string[] {
  const percent = percentOf(cpu)
  return [
    ...(pids && Number.isFinite(pids.limit) ? [`${pids.limit} processes`] : []),
    ...(memory && Number.isFinite(memory.limit) ? [`${memory.limit >> 20} MiB`] : []),
    ...(Number.isFinite(percent) ? [`${percent} percent`] : []),
    ...(cpuset && /^\d+$/.test(cpuset.cpus) ? [`processor ${cpuset.cpus}`] : []),
  ]
}

/** Of the one that spins in a group; a string says why there is none. */
function spinning(scene: Scene, name: string): CgroupFigures | string {
  const group = readGroup(scene, 'pids', name)
  if (!group) return missing(scene, 'pids', name).saw
  const found = busy(group)
  return found ? readCgroup(directoriesOf(found.pid)) : `nobody spins in /${name}`
}

/** The directories of a group, what is written in them, and how a process gets into all of them. */
function make({ cgroups }: Host, group: string, controllers: readonly string[]) {
  const tops = cgroups === 'v1' ? controllers.map(name => `/sys/fs/cgroup/${name}`) : ['/sys/fs/cgroup']
  const directory = (controller: string) => `${cgroups === 'v1' ? `/sys/fs/cgroup/${controller}` : tops[0]}/${group}`
  return {
    directory,
    groups: `mkdir ${tops.map(top => `${top}/${group}`).join(' ')}`,
    limits: [
      `echo ${PROCESSES} >${directory('pids')}/pids.max`,
      `echo ${MIB}M >${directory('memory')}/${cgroups === 'v1' ? 'memory.limit_in_bytes' : 'memory.max'}`,
    ],
    spin:
      cgroups === 'v1'
        ? `sh -c 'for c in ${controllers.join(' ')}; do echo $$ >/sys/fs/cgroup/$c/${group}/cgroup.procs; done; exec ./spin' &`
        : `sh -c 'echo $$ >${tops[0]}/${group}/cgroup.procs; exec ./spin' &`,
  }
}

function makeOld(host: Host): string[] {
  const { groups, limits, spin } = make(host, '{{old}}', ['pids', 'memory'])
  return [groups, ...limits, spin]
}

function makeFresh(host: Host): { groups: string; limits: string[]; own: string[]; spin: string } {
  const { directory, ...rest } = make(host, '{{fresh}}', ['pids', 'memory', 'cpu', 'cpuset'])
  const own = [
    limitQuota(host, directory('cpu'), '{{share}}'),
    `echo {{processor}} >${directory('cpuset')}/cpuset.cpus`,
  ]
  return { ...rest, own }
}

export const sidesTask: Task = {
  id: 'sides',
  title: 'All limits together',
  check(scene) {
    const { old, fresh, share, processor } = scene.values as Record<'old' | 'fresh' | 'share' | 'processor', string>
    const before = spinning(scene, old)
    if (typeof before === 'string') return no(before)
    const had = limitsOf(before).join(', ')
    const common = [`${PROCESSES} processes`, `${MIB} MiB`]
    if (!had.startsWith(common.join(', '))) return no(`the limits in /${old} are: ${had || 'none'}`)
    if (had.includes('percent')) return no(`/${old} should be the old kind; its limits are: ${had}`)
    const now = spinning(scene, fresh)
    if (typeof now === 'string') return no(now)
    const has = limitsOf(now).join(', ')
    const wanted = [...common, `${share} percent`, `processor ${processor}`].join(', ')
    if (has !== wanted) return no(`the limits in /${fresh} are: ${has || 'none'}; wanted are: ${wanted}`)
    return { passed: true, saw: `spin runs in /${old}, with ${had}, and in /${fresh}, with ${has}` }
  },
  hints: host => [
    host.cgroups === 'v1'
      ? 'Each controller has its tree: the old kind is a directory in two of them, the new kind in four. The process joins each.'
      : 'Each of the two is one directory. The old kind has two numbers written in its files, the new kind four.',
    `The old kind: \`${makeOld(host).join('`, `')}\``,
    `The new kind has besides: \`${makeFresh(host).own.join('`, `')}\`, and is joined by \`${makeFresh(host).spin}\``,
  ],
  solution: host => {
    const { groups, limits, own, spin } = makeFresh(host)
    return [...makeOld(host), groups, ...limits, ...own, spin]
  },
  otherWays: [
    {
      name: 'the new one first, limited when it is full',
      commands: host => {
        const { groups, limits, own, spin } = makeFresh(host)
        return [groups, spin, ...own, ...limits, ...makeOld(host)]
      },
    },
  ],
  wrongWays: [
    { name: 'the old kind alone', commands: makeOld, saw: /^there is no group/ },
    {
      name: 'twice the old kind',
      commands: host => {
        const { groups, limits, spin } = makeFresh(host)
        return [...makeOld(host), groups, ...limits, spin]
      },
      saw: /^the limits in \S+ are: 20 processes, 64 MiB; wanted/,
    },
    {
      name: 'no quota',
      commands: host => {
        const { groups, limits, own, spin } = makeFresh(host)
        return [...makeOld(host), groups, ...limits, own[1]!, spin]
      },
      saw: /^the limits in \S+ are: 20 processes, 64 MiB, processor \d+; wanted/,
    },
    {
      name: 'nobody in it',
      commands: host => {
        const { groups, limits, own } = makeFresh(host)
        return [...makeOld(host), groups, ...limits, ...own, './spin &']
      },
      saw: /^nobody spins in/,
    },
  ],
}
