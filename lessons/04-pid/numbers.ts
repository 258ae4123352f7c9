// Tasks 1 and 2: the first process of a pid namespace, and the two numbers of each.
import { formatNamespace, readNamespaces } from '../../toolkit/observe/namespaces.ts'
import { isAlive, type Stat } from '../../toolkit/observe/process.ts'
import { no, type Scene, type Task } from '../lesson.ts'
import { labProcesses } from '../look.ts'
import { apart, family, innerPid, labPid } from './family.ts'

const isShell = ({ comm }: Stat): boolean => /^(ba|da|a|z|k)?sh$|^busybox$/.test(comm)

/** What unshare --pid alone does to a shell, before and after its first child has ended. */
function unmoved(scene: Scene): string | undefined {
  for (const stat of labProcesses(scene).filter(isShell)) {
    const own = readNamespaces(stat.pid)
    if (!own || own.pid.inode === own.pid_for_children.inode) continue
    if (own.pid_for_children.inode === 0)
      return `${stat.comm} has asked for a pid namespace, and is still in the lab's itself; its first child will be number 1`
    return `the children of ${stat.comm} belong to ${formatNamespace(own.pid_for_children)}, where number 1 has ended: nobody can be born there any more`
  }
  return undefined
}

export const firstTask: Task = {
  id: 'first',
  title: 'A process with number 1',
  check(scene) {
    const inside = apart(scene)
    const first = inside.find(process => innerPid(process) === 1 && isShell(process))
    if (first)
      return {
        passed: true,
        saw: `${first.comm} is number 1 in ${formatNamespace(first.pidNamespace)}, and number ${labPid(scene, first)} in the lab`,
      }
    const saw = unmoved(scene)
    if (saw !== undefined) return no(saw)
    const other = inside[0]
    if (other)
      return no(`number ${innerPid(other)} of ${formatNamespace(other.pidNamespace)} is ${other.comm}, and no shell`)
    return no('every shell in the lab is in the pid namespace of the lab')
  },
  hints: [
    '`unshare` has an option to start the program as a child, and not by itself. `unshare --help` lists it.',
    'The option is `--fork`. It belongs in front of the program.',
    '`unshare --pid --fork bash --norc`',
  ],
  solution: ['unshare --pid --fork bash --norc'],
  otherWays: [
    { name: 'two shells, the first only to start the second', commands: ['unshare --pid bash --norc', 'bash --norc'] },
    { name: 'with a proc of its own at once', commands: ['unshare -p -f --mount-proc sh'] },
    { name: 'the static shell', commands: ['unshare --pid --fork busybox sh'] },
  ],
  wrongWays: [
    {
      name: 'without --fork',
      commands: ['unshare --pid bash --norc'],
      saw: /has asked for a pid namespace, and is still in the lab's itself/,
    },
    {
      name: 'without --fork, and a command',
      commands: ['unshare --pid bash --norc', 'ls'],
      saw: /where number 1 has ended: nobody can be born there/,
    },
    {
      name: 'another kind of namespace',
      commands: ['unshare --uts --fork bash --norc'],
      saw: /^every shell in the lab is in the pid namespace of the lab/,
    },
    {
      name: 'another program',
      commands: ['unshare --pid --fork sleep 1d &'],
      saw: /number 1 of pid:\[\d+\] is sleep, and no shell/,
    },
  ],
}

export const numbersTask: Task = {
  id: 'numbers',
  title: 'Two numbers for one process',
  check(scene) {
    const { guard, nap, number } = scene.values
    const found = family(scene)
    if (!found) return no(`sleep ${guard} has ended, and with it all of its namespace; reset the lab to try again`)
    const { others } = found
    const wanted = others.find(process => innerPid(process) === Number(number))
    const ended = others.filter(({ state }) => state === 'Z').map(innerPid)
    const wrong = ended.filter(inner => inner !== Number(number))
    if (wrong.length > 0)
      return no(
        `ended inside: number ${wrong.join(', ')}; the task asks for number ${number} alone. Reset the lab to try again`,
      )
    if (wanted?.state === 'T') return no(`number ${number} is stopped, not ended`)
    if (wanted && isAlive(wanted.pid, wanted.startTime))
      return no(`all six sleep ${nap} are alive; the one that is number ${number} inside has another number in the lab`)
    return { passed: true, saw: `number ${number} inside has ended, and the five others live` }
  },
  hints: [
    'Each process has a file `/proc/PID/status`. The line `NSpid` has its numbers, the outermost first.',
    '`grep NSpid /proc/[0-9]*/status` shows that line for all. Look for two numbers, the second {{number}}.',
    'The first of the two is for `kill`.',
  ],
  solution: [
    'grep NSpid /proc/[0-9]*/status',
    "kill $(awk '/NSpid/ && $3 == {{number}} { print $2 }' /proc/[0-9]*/status)",
  ],
  leaves: [
    "kill $(awk '/NSpid/ && $3 == {{number}} { print $2 }' /proc/[0-9]*/status 2>/dev/null) 2>/dev/null || true",
  ],
  otherWays: [
    {
      name: 'by the inner number, from inside',
      commands: ["nsenter --pid --target $(pgrep -x -f 'sleep {{guard}}') kill {{number}}"],
    },
    {
      name: 'found with ps, which knows namespaces; number 2 is the first of the six',
      commands: ['ps -e -o pid,pidns,args', "kill -9 $(pgrep -x -f 'sleep {{nap}}' | sed -n $(({{number}} - 1))p)"],
    },
  ],
  wrongWays: [
    {
      name: 'one of the six',
      commands: ["kill $(pgrep -x -f 'sleep {{nap}}' | head -n 1)"],
      saw: /ended inside: number 2;/,
    },
    {
      name: 'stopped',
      commands: ["kill -STOP $(awk '/NSpid/ && $3 == {{number}} { print $2 }' /proc/[0-9]*/status)"],
      saw: /is stopped, not ended/,
    },
    { name: 'the first', commands: ["kill -9 $(pgrep -x -f 'sleep {{guard}}')"], saw: /^sleep \d+ has ended/ },
    {
      name: 'the number inside taken for one in the lab',
      commands: ['kill {{number}}'],
      saw: /has another number in the lab/,
    },
  ],
}
