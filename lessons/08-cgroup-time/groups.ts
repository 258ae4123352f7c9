// Tasks 1 and 2: a group of processes, and the namespace that makes it the top.
import { posix } from 'node:path'
import { CLONE } from '../../toolkit/kernel/constants.ts'
import { type CgroupLayout, readLayout } from '../../toolkit/observe/cgroups.ts'
import { readNamespaces } from '../../toolkit/observe/namespaces.ts'
import type { Stat } from '../../toolkit/observe/process.ts'
import { visit } from '../../toolkit/observe/visit.ts'
import { type Host, no, type Scene, type Task } from '../lesson.ts'
import { findEntry, labProcesses } from '../look.ts'

/** The hierarchy that this lesson is about: that of `pids` on v1, and on v2 the only one. */
const pathIn = ({ host }: Scene, layout: CgroupLayout | undefined): string | undefined =>
  layout?.hierarchies.find(({ version, controllers }) =>
    host.cgroups === 'v1' ? version === 1 && controllers.includes('pids') : version === 2,
  )?.path

/** Its group, as a path from the top of the lab: /lab, where everything begins. */
function groupOf(scene: Scene, pid: number): string | undefined {
  const [own, first] = [pid, scene.lab.pid].map(of => pathIn(scene, readLayout(of)))
  return own === undefined || first === undefined ? undefined : `/${posix.relative(posix.dirname(first), own)}`
}

/** The same, as a process of its cgroup namespace reads it: `/` in the group that the namespace was made in. */
const seenInside = (scene: Scene, pid: number): string | undefined =>
  visit(pid, CLONE.NEWCGROUP, () => pathIn(scene, readLayout(pid)))

export interface Member extends Stat {
  readonly group: string
  readonly seen: string | undefined
  /** In a cgroup namespace that is not the lab's. */
  readonly apart: boolean
}

export function members(scene: Scene): Member[] {
  const ofLab = readNamespaces(scene.lab.pid)?.cgroup.inode
  return labProcesses(scene).flatMap(stat => {
    const group = groupOf(scene, stat.pid)
    const namespace = readNamespaces(stat.pid)?.cgroup
    if (group === undefined || !namespace) return []
    return [{ ...stat, group, seen: seenInside(scene, stat.pid), apart: namespace.inode !== ofLab }]
  })
}

/** Where the groups of the lab are directories. */
export const top = ({ cgroups }: Host): string => (cgroups === 'v1' ? '/sys/fs/cgroup/pids' : '/sys/fs/cgroup')

const MAKE = (host: Host) => `mkdir -p ${top(host)}/{{group}}`
const JOIN = (host: Host) => `echo $$ >${top(host)}/{{group}}/cgroup.procs`

export const groupTask: Task = {
  id: 'group',
  title: 'A group of processes',
  check(scene) {
    const wanted = `/${scene.values.group}`
    const all = members(scene)
    const member = all.find(({ group }) => group === wanted)
    if (member) return { passed: true, saw: `the process ${member.comm} is in the group ${wanted}` }
    const nested = all.find(({ group }) => group.endsWith(wanted))
    if (nested) return no(`${nested.comm} is in the group ${nested.group}; it should lie at the top, beside /lab`)
    if (findEntry(scene, top(scene.host) + wanted)?.isDirectory()) return no(`the group ${wanted} is there, and empty`)
    const other = all.find(({ group }) => group !== '/lab')
    if (other) return no(`${other.comm} is in the group ${other.group}; the task asks for ${wanted}`)
    return no('all processes of the lab are in the group /lab')
  },
  hints: host => [
    'A group is a directory. To make one, `mkdir` is enough: the kernel puts the files into it.',
    'The file `cgroup.procs` lists the processes of a group. To write a pid into it moves that process.',
    `Your shell is \`$$\`: \`echo $$ >${top(host)}/{{group}}/cgroup.procs\``,
  ],
  solution: host => [MAKE(host), JOIN(host)],
  leaves: host => [MAKE(host)],
  otherWays: [
    {
      name: 'another process, and not the shell',
      commands: host => [MAKE(host), 'sleep 3000 &', `echo $! >${top(host)}/{{group}}/cgroup.procs`],
    },
    {
      name: '0 means the one who writes',
      commands: host => [`cd ${top(host)}`, 'mkdir {{group}}', 'echo 0 >{{group}}/cgroup.procs'],
    },
  ],
  wrongWays: [
    { name: 'nobody moved', commands: host => [MAKE(host)], saw: /is there, and empty$/ },
    {
      name: 'below the group of the lab',
      commands: host => [`mkdir ${top(host)}/lab/{{group}}`, `echo $$ >${top(host)}/lab/{{group}}/cgroup.procs`],
      saw: /it should lie at the top, beside \/lab/,
    },
    {
      name: 'another name',
      commands: host => [`mkdir ${top(host)}/box`, `echo $$ >${top(host)}/box/cgroup.procs`],
      saw: /is in the group \/box; the task asks for/,
    },
    {
      name: 'a directory of the files, not of the groups',
      commands: ['mkdir {{group}}', 'echo $$ >{{group}}/cgroup.procs'],
      saw: /^all processes of the lab are in the group \/lab/,
    },
  ],
}

export const topTask: Task = {
  id: 'top',
  title: 'The group as the top',
  check(scene) {
    const wanted = `/${scene.values.group}`
    const all = members(scene)
    const apart = all.filter(member => member.apart)
    const right = apart.find(({ group, seen }) => group === wanted && seen === '/')
    if (right) return { passed: true, saw: `${right.comm} is in the group ${wanted}, and sees it as /` }
    const early = apart[0]
    if (early)
      return no(
        `${early.comm} is in ${early.group}, which it sees as ${early.seen}: join the group first, then make the namespace`,
      )
    const member = all.find(({ group }) => group === wanted)
    if (member) return no(`${member.comm} is in the group ${wanted}; its cgroup namespace is the lab’s`)
    return no(`no process is in the group ${wanted}`)
  },
  hints: host => [
    'The option of `unshare` is `--cgroup`. What counts is the group that you are in at that moment.',
    `If your shell is not in the group any more: \`echo $$ >${top(host)}/{{group}}/cgroup.procs\``,
    'Then `unshare --cgroup bash`.',
  ],
  solution: host => [JOIN(host), 'unshare --cgroup bash', 'cat /proc/self/cgroup'],
  otherWays: [
    {
      name: 'with other namespaces',
      commands: host => [JOIN(host), 'unshare -C --uts --ipc --pid --fork bash'],
    },
    {
      name: 'a process that joins by itself',
      commands: host => [`sh -c 'echo $$ >${top(host)}/{{group}}/cgroup.procs; exec unshare --cgroup sleep 3000' &`],
    },
  ],
  wrongWays: [
    {
      name: 'the namespace first',
      commands: host => ['unshare --cgroup bash', JOIN(host)],
      saw: /join the group first, then make the namespace/,
    },
    { name: 'no namespace', commands: host => [JOIN(host), 'bash'], saw: /its cgroup namespace is the lab’s$/ },
    { name: 'nobody there', commands: ['bash'], saw: /^no process is in the group/ },
  ],
}
