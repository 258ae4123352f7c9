// Tasks 3 and 4: a proc of its own, and what the first process of a namespace is there for.
import { mountAt } from '../../toolkit/observe/mounts.ts'
import { formatNamespace, procNamespace, readNamespaces } from '../../toolkit/observe/namespaces.ts'
import { readProcess } from '../../toolkit/observe/process.ts'
import { no, type Task } from '../lesson.ts'
import { labProcesses } from '../look.ts'
import { apart, family, innerPid } from './family.ts'

export const procTask: Task = {
  id: 'proc',
  title: 'A proc that fits',
  check(scene) {
    const lab = readNamespaces(scene.lab.pid)?.pid
    if (!lab) return no('the lab has ended; reset it')
    const shown = procNamespace(scene.lab.pid)
    if (shown?.inode !== lab.inode)
      return no(
        `/proc of the whole lab has been covered: it shows ${shown ? formatNamespace(shown) : 'nobody'}; 'umount /proc' in the lab takes that away`,
      )
    const inside = apart(scene)
    const fits = inside.find(({ pid, pidNamespace }) => procNamespace(pid)?.inode === pidNamespace.inode)
    if (fits)
      return {
        passed: true,
        saw: `${fits.comm} is in ${formatNamespace(fits.pidNamespace)}, and its /proc shows that one; the lab's /proc is as it was`,
      }
    const sees = inside[0]
    if (!sees) return no('no process of yours is in a pid namespace of its own')
    const at = mountAt(sees.pid, '/proc')
    if (at?.fsType !== 'proc')
      return no(`${sees.comm} is in ${formatNamespace(sees.pidNamespace)}, and has no proc at /proc`)
    return no(
      `${sees.comm} is in ${formatNamespace(sees.pidNamespace)}, but the proc at its /proc shows the lab's processes`,
    )
  },
  hints: [
    'It has to be mounted by somebody in the new namespace, and nobody else may find it on /proc.',
    '`unshare --help`: one option mounts a proc, and gives the program a list of mounts of its own for it.',
    '`unshare --pid --fork --mount-proc bash --norc`',
  ],
  solution: ['unshare --pid --fork --mount-proc bash --norc'],
  otherWays: [
    {
      name: 'mounted by hand, in a mount namespace',
      commands: ['unshare --pid --fork --mount bash --norc', 'mount -t proc proc /proc'],
    },
    {
      name: 'the mount namespace later',
      commands: ['unshare --pid --fork bash --norc', 'unshare --mount bash --norc', 'mount -t proc none /proc'],
    },
  ],
  wrongWays: [
    {
      name: 'a pid namespace alone',
      commands: ['unshare --pid --fork bash --norc'],
      saw: /but the proc at its \/proc shows the lab's/,
    },
    {
      name: 'mounted for all',
      commands: ['unshare --pid --fork bash --norc', 'mount -t proc proc /proc'],
      saw: /\/proc of the whole lab has been covered: it shows pid:\[\d+\]/,
    },
    {
      name: 'mounted from outside',
      commands: ['mount -t proc proc /proc', 'ps -e'],
      saw: /^no process of yours is in a pid namespace/,
    },
    {
      name: 'unmounted only',
      commands: ['unshare --pid --fork --mount bash --norc', 'umount -l /proc'],
      saw: /and has no proc at \/proc/,
    },
  ],
}

export const zombieTask: Task = {
  id: 'zombie',
  title: 'The duties of number 1',
  check(scene) {
    const { guard, nap } = scene.values
    const found = family(scene)
    if (!found) {
      const left = labProcesses(scene)
        .map(({ pid }) => readProcess(pid))
        .find(process => process?.argv[0] === 'sleep' && process.argv[1] === nap)
      if (left) return no(`sleep ${guard} has ended, but a sleep ${nap} runs still`)
      return { passed: true, saw: `sleep ${guard} has ended, and all others of its namespace with it` }
    }
    const { first, others } = found
    const zombies = others.filter(({ state }) => state === 'Z').map(innerPid)
    if (first.state === 'T') return no(`number 1, sleep ${guard}, is stopped; it has not ended`)
    if (zombies.length > 0 && zombies.length === others.length)
      return no(`all of the six are zombies now: number ${zombies.join(', ')}; number 1 waits for none of them`)
    if (zombies.length > 0)
      return no(
        `number 1, sleep ${guard}, is alive; number ${zombies.join(', ')} is a zombie, for which it does not wait`,
      )
    return no(`number 1, sleep ${guard}, is alive, and so are the ${others.length} others`)
  },
  hints: [
    'Nobody can end a zombie, it has ended. And what is left of it goes when its parent waits for it, or ends.',
    'Its parent is number 1. Inside, that one is protected. Look for its number in the lab: `pgrep -f "sleep {{guard}}"`, or `ps -e`.',
    'From the lab, one signal goes through to a number 1 that has no handler: KILL. `kill -KILL PID`',
  ],
  solution: ["kill -KILL $(pgrep -x -f 'sleep {{guard}}')"],
  leaves: ["pkill -KILL -x -f 'sleep {{guard}}' || true"],
  otherWays: [
    {
      name: 'found by lsns',
      commands: ["kill -9 $(lsns -n -t pid -o PID,COMMAND | awk '/sleep {{guard}}/ { print $1 }')"],
    },
  ],
  wrongWays: [
    {
      name: 'KILL for the zombie',
      commands: ["kill -KILL $(awk '/NSpid/ && $3 == {{number}} { print $2 }' /proc/[0-9]*/status)"],
      saw: /is alive; number \d is a zombie, for which/,
    },
    {
      name: 'all of the six',
      commands: ["kill $(pgrep -x -f 'sleep {{nap}}')"],
      saw: /all of the six are zombies now/,
    },
    {
      name: 'STOP instead of KILL',
      commands: ["kill -STOP $(pgrep -x -f 'sleep {{guard}}')"],
      saw: /is stopped; it has not ended/,
    },
  ],
}
