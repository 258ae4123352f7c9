// Tasks 3 and 4: a container beside an ordinary process, and a first one by hand.
import { compareNamespaces, type NamespaceType, readNamespaces } from '../../toolkit/observe/namespaces.ts'
import { readProcess, type Stat } from '../../toolkit/observe/process.ts'
import { readUts } from '../../toolkit/observe/uts.ts'
import { no, type Scene, type Task } from '../lesson.ts'
import { labProcesses } from '../look.ts'

/** What a process has of its own, apart from the lab. */
function ownOf(scene: Scene, { pid }: Stat): NamespaceType[] {
  const lab = readNamespaces(scene.lab.pid)
  const own = readNamespaces(pid)
  // what a process passes on to its children is said by `pid` already
  return lab && own ? compareNamespaces(lab, own).filter(type => type !== 'pid_for_children') : []
}

const sleeping = (scene: Scene, seconds: string): Stat | undefined =>
  labProcesses(scene).find(({ comm, pid }) => comm === 'sleep' && readProcess(pid)?.argv[1] === seconds)

const CONTAINER: readonly NamespaceType[] = ['mnt', 'uts', 'pid', 'net']

export const containerTask: Task = {
  id: 'container',
  title: 'A container is a process',
  check(scene) {
    const [outside, inside] = [scene.values.outside!, scene.values.inside!]
    const contained = sleeping(scene, inside)
    const ordinary = sleeping(scene, outside)
    if (!contained) return no(`there is no process sleep ${inside} in the lab yet`)
    const lacks = CONTAINER.filter(type => !ownOf(scene, contained).includes(type))
    if (lacks.length > 0) return no(`sleep ${inside} is no container: it shares with the lab ${lacks.join(', ')}`)
    if (!ordinary) return no(`sleep ${inside} runs in a container; there is no sleep ${outside} beside it`)
    if (ownOf(scene, ordinary).length > 0)
      return no(`sleep ${outside} runs in a container too; start it without 'toolkit run'`)
    return {
      passed: true,
      saw: `sleep ${outside} shares everything with the lab; sleep ${inside} has its own ${ownOf(scene, contained).join(', ')}`,
    }
  },
  hints: [
    'Two lines, each with an `&` at its end. The text has both.',
    '`sleep {{outside}} &`, then `toolkit run --rm busybox sleep {{inside}} &`.',
  ],
  solution: ['sleep {{outside}} &', 'toolkit run --rm busybox sleep {{inside}} &'],
  otherWays: [
    {
      name: 'the container in the foreground of a shell of its own',
      commands: ['setsid sleep {{outside}} &', '(toolkit run busybox sh -c "sleep {{inside}}" &)'],
    },
  ],
  wrongWays: [
    {
      name: 'both without a container',
      commands: ['sleep {{outside}} &', 'sleep {{inside}} &'],
      saw: /is no container: it shares with the lab/,
    },
    {
      name: 'only the container',
      commands: ['toolkit run --rm busybox sleep {{inside}} &'],
      saw: /runs in a container; there is no sleep \d+ beside it/,
    },
    {
      name: 'two containers',
      commands: ['toolkit run --rm busybox sleep {{outside}} &', 'toolkit run --rm busybox sleep {{inside}} &'],
      saw: /runs in a container too/,
    },
  ],
}

const FIRST: readonly NamespaceType[] = ['uts', 'pid', 'net']

export const moduleTask: Task = {
  id: 'module',
  title: 'The module',
  check(scene) {
    const mine = scene.values.mine!
    const named = labProcesses(scene)
      .filter(stat => ownOf(scene, stat).includes('uts') && readUts(stat.pid)?.hostname === mine)
      .map(stat => ({ stat, lacks: FIRST.filter(type => !ownOf(scene, stat).includes(type)) }))
    const [best] = named.toSorted((a, b) => a.lacks.length - b.lacks.length)
    if (best && best.lacks.length === 0)
      return { passed: true, saw: `${best.stat.comm} has a name, process numbers and a network of its own` }
    if (best) return no(`${best.stat.comm} is called ${mine}, and shares with the lab: ${best.lacks.join(', ')}`)
    if (readUts(scene.lab.pid)?.hostname === mine)
      return no(`the lab itself is called ${mine} now: the shell that was started had no name of its own`)
    return no(`no process in the lab is called ${mine}`)
  },
  hints: [
    'Edit the line `namespaces: [],` of `first.ts`.',
    'The line is to read `namespaces: [net.namespace, pid.namespace, uts.namespace],`. Then `node first.ts`.',
  ],
  solution: ["sed -i 's/\\[\\]/[net.namespace, pid.namespace, uts.namespace]/' first.ts", 'node first.ts'],
  otherWays: [
    {
      name: 'with unshare',
      commands: ['unshare --uts --pid --net --fork bash', 'hostname {{mine}}'],
    },
  ],
  wrongWays: [
    { name: 'not completed', commands: ['node first.ts'], saw: /^the lab itself is called/ },
    {
      name: 'not all of it',
      commands: ["sed -i 's/\\[\\]/[uts.namespace]/' first.ts", 'node first.ts'],
      saw: /^bash is called .*, and shares with the lab: pid, net/,
    },
    {
      name: 'not run',
      commands: ["sed -i 's/\\[\\]/[net.namespace, pid.namespace, uts.namespace]/' first.ts"],
      saw: /^no process in the lab is called/,
    },
  ],
}
