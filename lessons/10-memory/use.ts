// Tasks 1 and 3: what counts as memory in use, and what of it can be given back.
import { statusFields } from '../../toolkit/observe/status.ts'
import { type Group, missing, readGroup } from '../cgroups.ts'
import { type Host, no, type Task } from '../lesson.ts'

export const MIB = 1 << 20
export const mebibytes = (bytes: number): string =>
  Number.isFinite(bytes) ? `${Math.round(bytes / MIB)} MiB` : 'no limit'

/** The largest process of a group, with the bytes that it has for itself: no files. */
export function largest({ members }: Pick<Group, 'members'>): { comm: string; bytes: number } | undefined {
  const sizes = members.map(({ pid, comm }) => ({
    comm,
    bytes: 1024 * Number.parseInt(statusFields(pid)?.get('RssAnon') ?? '0', 10),
  }))
  return sizes.sort((a, b) => b.bytes - a.bytes)[0]
}

/** The file with the limit of a group. */
export const limitFile = ({ cgroups }: Host): string => (cgroups === 'v1' ? 'memory.limit_in_bytes' : 'memory.max')

/** How a group is limited, and gets no swap. */
export const limited = ({ cgroups }: Host, group: string, size: string): string[] =>
  cgroups === 'v1'
    ? [`echo ${size}M >${group}/memory.limit_in_bytes`, `echo ${size}M >${group}/memory.memsw.limit_in_bytes`]
    : [`echo ${size}M >${group}/memory.max`, `echo 0 >${group}/memory.swap.max`]

export const usedTask: Task = {
  id: 'used',
  title: 'What is in use',
  check(scene) {
    const { used: name, hold } = scene.values
    const group = readGroup(scene, 'memory', name!)
    if (!group) return missing(scene, 'memory', name!)
    const holder = largest(group)
    if (!holder) return no(`nobody is in /${name}`)
    const size = `${holder.comm} in /${name} holds ${mebibytes(holder.bytes)}`
    if (holder.bytes < Number(hold) * MIB) return no(`${size}, not ${hold}`)
    const counted = group.memory!.current
    if (counted < Number(hold) * MIB)
      return no(`${size}, and only ${mebibytes(counted)} count for the group: it took the memory before it came in`)
    return { passed: true, saw: `${size}; ${mebibytes(counted)} are in use by the group` }
  },
  hints: [
    'As in lesson 9: the directory, then a shell that moves itself into it and becomes the program.',
    '`mkdir {{memory}}/{{used}}` is the first half.',
    "`sh -c 'echo $$ >{{memory}}/{{used}}/cgroup.procs; exec ./hold {{hold}}' &`",
  ],
  solution: ['mkdir {{memory}}/{{used}}', "sh -c 'echo $$ >{{memory}}/{{used}}/cgroup.procs; exec ./hold {{hold}}' &"],
  otherWays: [
    {
      name: 'by a shell in the group, and a variable of its own',
      commands: [
        'mkdir {{memory}}/{{used}}',
        'bash --norc',
        'echo $$ >{{memory}}/{{used}}/cgroup.procs',
        'x=$(head -c {{hold}}M /dev/zero | tr "\\0" x)',
      ],
    },
  ],
  wrongWays: [
    { name: 'no group', commands: ['./hold {{hold}} &'], saw: /^there is no group/ },
    { name: 'nobody in it', commands: ['mkdir {{memory}}/{{used}}', './hold {{hold}} &'], saw: /^nobody is in/ },
    {
      name: 'too little',
      commands: ['mkdir {{memory}}/{{used}}', "sh -c 'echo $$ >{{memory}}/{{used}}/cgroup.procs; exec ./hold 3' &"],
      saw: /^dd in \/\S+ holds \d MiB, not/,
    },
    {
      name: 'moved when it had the memory',
      commands: [
        'mkdir {{memory}}/{{used}}',
        './hold {{hold}} &',
        'until [ "$(ps -o rss= -p $!)" -gt $(({{hold}} * 1024)) ]; do sleep 0.05; done',
        'echo $! >{{memory}}/{{used}}/cgroup.procs',
      ],
      saw: /: it took the memory before it came in/,
    },
  ],
}

const GROUP = ({ cgroups }: Host) => [
  'mkdir {{memory}}/{{cache}}',
  `echo {{window}}M >{{memory}}/{{cache}}/${limitFile({ cgroups })}`,
]
const FEW = 10
const READ = "sh -c 'echo $$ >{{memory}}/{{cache}}/cgroup.procs; exec ./readfiles {{big}}'"

export const cacheTask: Task = {
  id: 'cache',
  title: 'What can be given back',
  check(scene) {
    const { cache: name, window } = scene.values
    const group = readGroup(scene, 'memory', name!)
    if (!group) return missing(scene, 'memory', name!)
    const { limit, limitHits, oomKills } = group.memory!
    if (limit !== Number(window) * MIB) return no(`the limit of /${name} is ${mebibytes(limit)}, not ${window} MiB`)
    if (oomKills) return no(`${oomKills} were killed in /${name}; remove the group and make it anew`)
    if (limitHits === 0)
      return no(
        group.members[0]
          ? `${group.members[0].comm} is in /${name}, which has not reached its limit`
          : `/${name} has not reached its limit, and nobody is in it`,
      )
    // A few come from starting a program where there is little room.
    if (limitHits! < FEW) return no(`/${name} has reached its limit ${limitHits} times only: that was not much to read`)
    return { passed: true, saw: `/${name} has reached its limit ${limitHits} times, and nobody was killed` }
  },
  hints: host => [
    'The limit first. The reading has to be done by a process in the group.',
    `\`echo {{window}}M >{{memory}}/{{cache}}/${limitFile(host)}\``,
    `\`${READ}\``,
  ],
  solution: host => [...GROUP(host), READ],
  otherWays: [
    {
      name: 'by a shell in the group, which leaves it',
      commands: host => [
        ...GROUP(host),
        'echo $$ >{{memory}}/{{cache}}/cgroup.procs',
        './readfiles {{big}}',
        'echo $$ >{{memory}}/lab/cgroup.procs',
      ],
    },
  ],
  wrongWays: [
    {
      name: 'read outside',
      commands: host => [...GROUP(host), './readfiles {{big}}'],
      saw: /has not reached its limit, and nobody is in it/,
    },
    {
      name: 'no limit',
      commands: ['mkdir {{memory}}/{{cache}}', READ],
      saw: /is no limit, not/,
    },
    {
      name: 'memory instead of files',
      commands: host => [
        'mkdir {{memory}}/{{cache}}',
        ...limited(host, '{{memory}}/{{cache}}', '{{window}}'),
        "sh -c 'echo $$ >{{memory}}/{{cache}}/cgroup.procs; exec ./hold {{big}}'",
      ],
      saw: /^\d+ were killed in/,
    },
    {
      name: 'nothing read',
      commands: host => [...GROUP(host), "sh -c 'echo $$ >{{memory}}/{{cache}}/cgroup.procs; exec sleep 5000' &"],
      saw: /^sleep is in .*, which has not reached/,
    },
  ],
}
