// Tasks 1 to 3: processes in UTS namespaces of their own, and what these are called.
import {
  compareNamespaces,
  formatNamespace,
  type Namespaces,
  readNamespaces,
} from '../../toolkit/observe/namespaces.ts'
import { readProcess, readStat, type Stat } from '../../toolkit/observe/process.ts'
import { readUts } from '../../toolkit/observe/uts.ts'
import { no, type Scene, type Task, type Verdict } from '../lesson.ts'
import { labProcesses } from '../look.ts'

/** A process of the lab and the UTS namespace it is in. */
export interface Resident {
  readonly process: Stat
  readonly inode: number
  /** As `readlink` prints it. */
  readonly namespace: string
  readonly hostname: string
}

function residentOf(process: Stat): Resident | undefined {
  const uts = readNamespaces(process.pid)?.uts
  const hostname = readUts(process.pid)?.hostname
  return uts && hostname !== undefined
    ? { process, inode: uts.inode, namespace: formatNamespace(uts), hostname }
    : undefined
}

/** Everybody in the lab whose UTS namespace is not the lab's. */
export function apart(scene: Scene): Resident[] {
  const shared = readNamespaces(scene.lab.pid)?.uts.inode
  return labProcesses(scene).flatMap(process => {
    const inode = readNamespaces(process.pid)?.uts.inode
    return inode === undefined || inode === shared ? [] : (residentOf(process) ?? [])
  })
}

/** Processes like the one that the lab started before the learner came, in UTS namespaces of their own. */
const likeStranger = (scene: Scene): Resident[] =>
  apart(scene).filter(
    ({ process }) => process.comm === 'sleep' && readProcess(process.pid)?.argv[1] === scene.values.nap,
  )

/** That very one: it is older than the learner's shell. */
function stranger(scene: Scene): Resident | undefined {
  const came = (scene.shellPid && readStat(scene.shellPid)?.startTime) || Number.POSITIVE_INFINITY
  return likeStranger(scene).find(({ process }) => process.startTime <= came)
}

/** Those whose UTS namespace the learner has made. */
function own(scene: Scene): Resident[] {
  const there = stranger(scene)?.inode
  return apart(scene).filter(({ inode }) => inode !== there)
}

const hostnameOf = (scene: Scene) => readUts(scene.lab.pid)?.hostname

export const unshareTask: Task = {
  id: 'unshare',
  title: 'Step into a new namespace',
  check(scene) {
    const lab = readNamespaces(scene.lab.pid)
    if (!lab) return no('the lab has ended; reset it')
    const [found] = own(scene)
    const shared = formatNamespace(lab.uts)
    if (found) return { passed: true, saw: `${found.process.comm} is in ${found.namespace}, the lab in ${shared}` }
    const guest = apart(scene).find(({ process }) => process.comm !== 'sleep')
    if (guest)
      return no(`${guest.process.comm} is in ${guest.namespace}, which was there before you came; make a new one`)
    const other = differing(scene, lab)
    if (other)
      return no(
        `${other.process.comm} has namespaces of its own (${other.types.join(', ')}), but shares ${shared} with the lab`,
      )
    return no(`all processes that you have started share ${shared} with the lab`)
  },
  hints: [
    'The option `--uts` says which type. After it stands the program to start.',
    '`unshare --uts bash`, and no `exit` after it.',
  ],
  solution: ['unshare --uts bash'],
  otherWays: [
    { name: 'another shell, as a child', commands: ['unshare -u --fork sh'] },
    { name: 'in the background', commands: ['setsid unshare --uts sleep 5000 </dev/null >/dev/null 2>&1 &'] },
  ],
  wrongWays: [
    { name: 'another type', commands: ['unshare --ipc bash'], saw: /^bash has namespaces of its own \(ipc\), but/ },
    { name: 'ended at once', commands: ['unshare --uts true'], saw: /^all processes that you have started share/ },
    {
      name: 'the one that is there',
      commands: ["nsenter --target $(pgrep -f 'sleep {{nap}}') --uts bash"],
      saw: /^bash is in uts:\[\d+\], which was there before/,
    },
  ],
}

/** A process of the learner's that has some namespaces apart from the lab's. */
function differing(scene: Scene, lab: Namespaces): { process: Stat; types: string[] } | undefined {
  const theirs = stranger(scene)?.process.pid
  for (const process of labProcesses(scene)) {
    const namespaces = readNamespaces(process.pid)
    const types = namespaces && process.pid !== theirs ? compareNamespaces(lab, namespaces) : []
    if (types.length > 0) return { process, types }
  }
  return undefined
}

/** Whether a namespace that the learner has made is called `wanted`, and the lab is not. */
export function checkName(scene: Scene, wanted: string): Verdict {
  const lab = hostnameOf(scene)
  if (lab === wanted) return no(`the lab itself is called ${wanted} now; the name has to stay inside`)
  const mine = own(scene)
  const found = mine.find(({ hostname }) => hostname === wanted)
  if (found)
    return {
      passed: true,
      saw: `${found.process.comm} is in ${found.namespace}, which is called ${wanted}; the lab is still called ${lab}`,
    }
  if (stranger(scene)?.hostname === wanted)
    return no(`${wanted} is the name in the namespace of sleep now, which was there before you came; make a new one`)
  const last = mine.at(-1)
  if (last) return no(`${last.process.comm} is in ${last.namespace}, which is called ${last.hostname}, not ${wanted}`)
  return no('no process that you have started is in a UTS namespace of its own')
}

export const nameTask: Task = {
  id: 'name',
  title: 'A name for some',
  check: scene => checkName(scene, scene.values.name!),
  hints: [
    'Two commands: the one of the last task, and then, in the new shell, the one that sets the name.',
    '`unshare --uts bash`, then `hostname {{name}}`.',
  ],
  solution: ['unshare --uts bash', 'hostname {{name}}'],
  otherWays: [
    {
      name: 'by the file of the kernel that is the name',
      needsRoot: 'the file belongs to the host’s root',
      commands: ['unshare --uts bash', 'echo {{name}} >/proc/sys/kernel/hostname'],
    },
    {
      name: 'set from outside',
      commands: [
        'unshare --uts sleep 5000 & pid=$!',
        'until [ $(cat /proc/$pid/comm) = sleep ]; do sleep 0.1; done',
        'nsenter --target $pid --uts hostname {{name}}',
      ],
    },
  ],
  wrongWays: [
    { name: 'without a namespace', commands: ['hostname {{name}}'], saw: /^the lab itself is called/ },
    { name: 'without a name', commands: ['unshare --uts bash'], saw: /^bash is in .*, which is called lab, not/ },
    { name: 'ended with the command', commands: ['unshare --uts hostname {{name}}'], saw: /^no process that you have/ },
    {
      name: 'in the namespace that is there',
      commands: ["nsenter --target $(pgrep -f 'sleep {{nap}}') --uts hostname {{name}}"],
      saw: /is the name in the namespace of sleep now/,
    },
  ],
}

export const renameTask: Task = {
  id: 'rename',
  title: 'The namespace of somebody else',
  check(scene) {
    const { nap, renamed } = scene.values
    const there = stranger(scene)
    const lab = hostnameOf(scene)
    if (!there && likeStranger(scene).length > 0)
      return no(`this sleep ${nap} is another one than the lab has started; reset the lab, and keep that one alive`)
    if (!there) return no(`sleep ${nap} is not running any more; reset the lab, and keep it alive`)
    if (lab === renamed) return no(`the lab itself is called ${renamed} now; the name is meant for sleep ${nap}`)
    if (there.hostname === renamed)
      return { passed: true, saw: `sleep ${nap} is in ${there.namespace}, which is called ${renamed}` }
    const mine = own(scene).find(({ hostname }) => hostname === renamed)
    if (mine)
      return no(
        `${renamed} is the name in ${mine.namespace} of ${mine.process.comm}; sleep ${nap} is in ${there.namespace}`,
      )
    return no(`sleep ${nap} is in ${there.namespace}, which is called ${there.hostname}, not ${renamed}`)
  },
  hints: [
    'The program that has to run in there is `hostname {{renamed}}`.',
    "`pgrep -f 'sleep {{nap}}'` prints the pid. `$(…)` puts it into another command.",
    '`nsenter --target PID --uts hostname {{renamed}}`',
  ],
  solution: ["nsenter --target $(pgrep -f 'sleep {{nap}}') --uts hostname {{renamed}}"],
  otherWays: [
    {
      name: 'by the link itself, with a shell',
      commands: ["nsenter --uts=/proc/$(pgrep -f 'sleep {{nap}}')/ns/uts bash", 'hostname {{renamed}}'],
    },
    {
      name: 'by way of lsns',
      needsRoot: 'the file belongs to the host’s root',
      commands: [
        "pid=$(lsns -n -t uts -o PID,COMMAND | awk '/sleep {{nap}}/ { print $1 }')",
        'nsenter -t $pid -u sh -c "echo {{renamed}} >/proc/sys/kernel/hostname"',
      ],
    },
  ],
  wrongWays: [
    {
      name: 'another type',
      commands: ["nsenter --target $(pgrep -f 'sleep {{nap}}') --net hostname {{renamed}}"],
      saw: /^the lab itself is called/,
    },
    {
      name: 'a namespace of one’s own',
      commands: ['unshare --uts bash', 'hostname {{renamed}}'],
      saw: /is the name in uts:\[\d+\] of bash; sleep \d+ is in/,
    },
    { name: 'the process is gone', commands: ["kill $(pgrep -f 'sleep {{nap}}')"], saw: /is not running any more/ },
    {
      name: 'another process like it',
      commands: [
        "kill $(pgrep -f 'sleep {{nap}}')",
        "setsid unshare --uts sh -c 'hostname {{renamed}}; exec sleep {{nap}}' </dev/null >/dev/null 2>&1 &",
      ],
      saw: /is another one than the lab has started/,
    },
    {
      name: 'another name',
      commands: ["nsenter --target $(pgrep -f 'sleep {{nap}}') --uts hostname elsewhere"],
      saw: /which is called elsewhere, not/,
    },
  ],
}
