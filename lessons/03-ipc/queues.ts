// Tasks 5 and 6: POSIX message queues, which a mount shows; and the module.
import { mountAt } from '../../toolkit/observe/mounts.ts'
import { formatNamespace, readNamespaces } from '../../toolkit/observe/namespaces.ts'
import { no, type Scene, type Task } from '../lesson.ts'
import { findEntry, labProcesses } from '../look.ts'
import { checkOwn } from './objects.ts'

/** A process that has an mqueue on a directory where the lab has none: its mount table is its own. */
const withOwnView = (scene: Scene, directory: string) => {
  const lab = readNamespaces(scene.lab.pid)?.mnt.inode
  return labProcesses(scene).find(
    ({ pid }) => mountAt(pid, directory)?.fsType === 'mqueue' && readNamespaces(pid)?.mnt.inode !== lab,
  )
}

/**
 * What is wrong with a view of the queues of another IPC namespace than the lab's; undefined: nothing. It is looked for
 * in the mount table of the lab, or of another process.
 */
function wrongView(scene: Scene, directory: string, table = scene.lab.pid): string | undefined {
  const view = mountAt(table, directory)
  if (!view) {
    const alone = withOwnView(scene, directory)
    if (alone)
      return `only ${alone.comm} has an mqueue on ${directory}: it has mounts of its own as well; leave out --mount`
    const there = findEntry(scene, directory)
    return there ? `nothing is mounted on ${directory}` : `there is no directory ${directory} yet`
  }
  if (view.fsType !== 'mqueue') return `what is mounted on ${directory} is a ${view.fsType}, not an mqueue`
  // one file system for each IPC namespace, however often it is mounted
  const shared = readNamespaces(scene.lab.pid)?.ipc
  if (view.device === mountAt(scene.lab.pid, '/dev/mqueue')?.device)
    return `${directory} shows the queues of ${shared ? formatNamespace(shared) : 'the lab'}, the namespace of the lab: it was mounted from there`
  return undefined
}

export const queuesTask: Task = {
  id: 'queues',
  title: 'Queues with names',
  check(scene) {
    const { queue } = scene.values
    const saw = wrongView(scene, '/lab/queues')
    if (saw !== undefined) return no(saw)
    if (!findEntry(scene, `/lab/queues/${queue}`))
      return no(`/lab/queues shows the queues of a namespace of its own, and none is called ${queue}`)
    if (!findEntry(scene, `/dev/mqueue/${queue}`))
      return no(`the lab has lost its queue ${queue}: 'touch /dev/mqueue/${queue}' at the lab’s prompt makes it again`)
    return { passed: true, saw: `/lab/queues and /dev/mqueue show two namespaces, each with a queue ${queue}` }
  },
  hints: [
    'First the shell in a new namespace, then the directory, then the mount: all from inside.',
    'The form is `mount -t TYPE WORD DIRECTORY`. The type is `mqueue`, and the word means nothing.',
    '`unshare --ipc bash`, `mkdir queues`, `mount -t mqueue mqueue queues`, `touch queues/{{queue}}`',
  ],
  solution: ['unshare --ipc bash', 'mkdir -p queues', 'mount -t mqueue mqueue queues', 'touch queues/{{queue}}'],
  otherWays: [
    {
      name: 'all in one line, and gone again',
      commands: ['mkdir queues', 'unshare -i sh -c "mount -t mqueue none /lab/queues && >/lab/queues/{{queue}}"'],
    },
    {
      name: 'by way of nsenter',
      commands: [
        'mkdir queues; unshare --ipc sleep 5000 & pid=$!',
        'until [ $(cat /proc/$pid/comm) = sleep ]; do sleep 0.1; done',
        'nsenter -t $pid -i mount -t mqueue none queues',
        'cp /dev/null queues/{{queue}}',
      ],
    },
  ],
  wrongWays: [
    {
      name: 'mounted from the lab’s own',
      commands: ['mkdir queues', 'mount -t mqueue mqueue queues', 'unshare --ipc bash', 'touch queues/{{queue}}'],
      saw: /^\/lab\/queues shows the queues of ipc:\[\d+\], the namespace of the lab/,
    },
    {
      name: 'with mounts of one’s own',
      commands: [
        'unshare --ipc --mount bash',
        'mkdir queues',
        'mount -t mqueue mqueue queues',
        'touch queues/{{queue}}',
      ],
      saw: /^only bash has an mqueue on \/lab\/queues/,
    },
    {
      name: 'a plain directory',
      commands: ['unshare --ipc bash', 'mkdir queues', 'touch queues/{{queue}}'],
      saw: /^nothing is mounted on \/lab\/queues/,
    },
    {
      name: 'no queue in it',
      commands: ['unshare --ipc bash', 'mkdir queues', 'mount -t mqueue mqueue queues'],
      saw: /and none is called/,
    },
    {
      name: 'another file system',
      commands: ['unshare --ipc bash', 'mkdir queues', 'mount -t tmpfs mqueue queues', 'touch queues/{{queue}}'],
      saw: /is a tmpfs, not an mqueue/,
    },
  ],
}

const BORN = "sed -i 's/namespaces: .*/namespaces: [ipc.namespace],/' box.ts"
const STEP = "sed -i 's/.*TODO: the steps that.*/    ...mount.plan({ mounts: [queues] }),/' box.ts"

export const moduleTask: Task = {
  id: 'module',
  title: 'The module',
  check(scene) {
    const own = checkOwn(scene, Number(scene.values.size))
    if (!own.passed) return own
    const saw = wrongView(scene, '/lab/view', withOwnView(scene, '/lab/view')?.pid)
    if (saw !== undefined) return no(`the segment is in a namespace of its own, but ${saw}`)
    return { passed: true, saw: `${own.saw}; /lab/view shows its queues` }
  },
  hints: [
    'The flag of the module is `ipc.namespace`. It goes into the list `namespaces`.',
    'The steps come from `mount.plan`. Three dots put the items of its list into the list `steps`.',
    '`namespaces: [ipc.namespace],` and, before `shell`, `...mount.plan({ mounts: [queues] }),`',
  ],
  solution: [BORN, STEP, 'node box.ts'],
  otherWays: [
    {
      name: 'mounted from the shell',
      commands: [BORN, 'node box.ts', 'mkdir /lab/view', 'mount -t mqueue none /lab/view'],
    },
    {
      name: 'with mounts of its own as well',
      commands: [
        "sed -i 's/namespaces: .*/namespaces: [ipc.namespace, mount.namespace],/' box.ts",
        "sed -i 's/.*TODO: the steps that.*/    ...mount.makePrivate(), ...mount.plan({ mounts: [queues] }),/' box.ts",
        'node box.ts',
      ],
    },
    {
      name: 'the mount in the script',
      commands: [
        BORN,
        "sed -i 's/exec bash/mkdir view; mount -t mqueue q view; exec bash/' box.ts",
        'setsid -w node box.ts',
      ],
    },
  ],
  wrongWays: [
    { name: 'no namespace', commands: [STEP, 'node box.ts'], saw: /lies in the IPC namespace of the lab/ },
    { name: 'no view', commands: [BORN, 'node box.ts'], saw: /namespace of its own, but there is no directory/ },
    {
      name: 'the view of the lab',
      commands: [BORN, 'mkdir view; mount --bind /dev/mqueue view', 'node box.ts'],
      saw: /^the segment is .*, but \/lab\/view shows the queues of ipc:/,
    },
    { name: 'not run', commands: [BORN, STEP], saw: /^all processes share the IPC namespace/ },
  ],
}
