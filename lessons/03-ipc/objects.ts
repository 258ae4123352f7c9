// Tasks 1 and 3: an object of the lab, and one in an IPC namespace of its own.
import { type Ipc, readIpc } from '../../toolkit/observe/ipc.ts'
import { formatNamespace, readNamespaces } from '../../toolkit/observe/namespaces.ts'
import type { Stat } from '../../toolkit/observe/process.ts'
import { no, type Scene, type Task, type Verdict } from '../lesson.ts'
import { labProcesses } from '../look.ts'

/** A process whose IPC namespace is not the lab's. */
export interface Resident {
  readonly process: Stat
  /** As `readlink` prints it. */
  readonly namespace: string
  readonly ipc: Ipc
}

export function apart(scene: Scene): Resident[] {
  const shared = readNamespaces(scene.lab.pid)?.ipc.inode
  return labProcesses(scene).flatMap(process => {
    const own = readNamespaces(process.pid)?.ipc
    const ipc = own && own.inode !== shared ? readIpc(process.pid) : undefined
    return own && ipc ? [{ process, namespace: formatNamespace(own), ipc }] : []
  })
}

const has = (ipc: Ipc | undefined, bytes: number): boolean =>
  ipc?.sharedMemory.some(segment => segment.bytes === bytes) ?? false

const sizes = ({ sharedMemory }: Ipc): string =>
  sharedMemory.length === 0 ? 'no segment' : `segments of ${sharedMemory.map(({ bytes }) => bytes).join(', ')} bytes`

export const objectTask: Task = {
  id: 'object',
  title: 'An object without a file',
  check(scene) {
    const bytes = Number(scene.values.bytes)
    const lab = readIpc(scene.lab.pid)
    if (!lab) return no('the lab has ended; reset it')
    const segment = lab.sharedMemory.find(segment => segment.bytes === bytes)
    if (segment)
      return {
        passed: true,
        saw: `the lab has a segment of ${bytes} bytes, which ${segment.attached} processes have in their memory`,
      }
    const elsewhere = apart(scene).find(({ ipc }) => has(ipc, bytes))
    if (elsewhere)
      return no(
        `the segment of ${bytes} bytes is in ${elsewhere.namespace} of ${elsewhere.process.comm}, not in that of the lab`,
      )
    if (lab.messageQueues.length > 0)
      return no(`the lab has a new message queue, and ${sizes(lab)}; none of them has ${bytes}`)
    return no(`the lab has ${sizes(lab)}; none of them has ${bytes}`)
  },
  hints: [
    'The command stands in the text. It needs root, which you are.',
    '`ipcmk --shmem {{bytes}}`; then `ipcs --shmems` lists it.',
  ],
  solution: ['ipcmk --shmem {{bytes}}'],
  otherWays: [
    { name: 'from the namespace of pid 1, short', commands: ['nsenter -t 1 -i ipcmk -M {{bytes}}'] },
    { name: 'for everybody', commands: ['ipcmk --shmem {{bytes}} --mode 0666'] },
  ],
  wrongWays: [
    { name: 'a queue', commands: ['ipcmk --queue'], saw: /^the lab has a new message queue/ },
    { name: 'another size', commands: ['ipcmk --shmem 4096'], saw: /^the lab has segments of 16384, 4096 bytes/ },
    {
      name: 'in another namespace',
      commands: ['unshare --ipc bash', 'ipcmk --shmem {{bytes}}'],
      saw: /is in ipc:\[\d+\] of bash, not in that of the lab/,
    },
  ],
}

/** Whether a segment of this size lies in an IPC namespace that is not the lab's. */
export function checkOwn(scene: Scene, bytes: number): Verdict {
  const all = apart(scene)
  const found = all.find(({ ipc }) => has(ipc, bytes))
  if (found)
    return {
      passed: true,
      saw: `${found.process.comm} is in ${found.namespace}, apart from the lab, and has a segment of ${bytes} bytes there`,
    }
  if (has(readIpc(scene.lab.pid), bytes))
    return no(`the segment of ${bytes} bytes lies in the IPC namespace of the lab, where all can find it`)
  // a syslogd of another task is none of those who were to make the segment
  const last = all.filter(({ ipc }) => ipc.semaphores.length === 0).at(-1) ?? all.at(-1)
  if (last)
    return no(`${last.process.comm} is in ${last.namespace}, which has ${sizes(last.ipc)}, and none of ${bytes}`)
  return no('all processes share the IPC namespace of the lab')
}

export const ownTask: Task = {
  id: 'own',
  title: "A table of one's own",
  check: scene => checkOwn(scene, Number(scene.values.own)),
  hints: [
    'Two commands: one starts a shell in a new namespace, the other is that of the first task.',
    '`unshare --ipc bash`, then `ipcmk --shmem {{own}}`.',
  ],
  solution: ['unshare --ipc bash', 'ipcmk --shmem {{own}}'],
  otherWays: [
    { name: 'all in one line', commands: ['unshare -i sh -c "ipcmk -M {{own}}; exec sh"'] },
    { name: 'with a host name of its own, too', commands: ['unshare --uts --ipc bash', 'ipcmk --shmem {{own}}'] },
  ],
  wrongWays: [
    { name: 'without a namespace', commands: ['ipcmk --shmem {{own}}'], saw: /lies in the IPC namespace of the lab/ },
    { name: 'without a segment', commands: ['unshare --ipc bash'], saw: /^bash is in .*, which has no segment/ },
    {
      name: 'ended with the command',
      commands: ['unshare --ipc ipcmk --shmem {{own}}'],
      saw: /^all processes share the IPC namespace of the lab/,
    },
  ],
}
