// Tasks 2 and 4: a second syslogd with the same key, first in the lab's IPC namespace, then in one of its own.
import { attachedKeys, readIpc } from '../../toolkit/observe/ipc.ts'
import { formatNamespace, readNamespaces } from '../../toolkit/observe/namespaces.ts'
import type { Stat } from '../../toolkit/observe/process.ts'
import { BOX } from '../box.ts'
import { no, type Scene, type Task } from '../lesson.ts'
import { inhabitants, labProcesses } from '../look.ts'

/** That of busybox's syslogd and logread. */
const KEY = 0x414e4547
const KEY_TEXT = '0x414e4547'
const holdsKey = ({ pid }: Stat): boolean => attachedKeys(pid).includes(KEY)

interface Found {
  /** `ipc:[…]` of the lab. */
  readonly shared: string
  /** Processes whose root is the box, in that namespace. */
  readonly old: readonly Stat[]
  /** And in others. */
  readonly separate: readonly (Stat & { readonly namespace: string })[]
}

function boxes(scene: Scene): Found | undefined {
  const lab = readNamespaces(scene.lab.pid)?.ipc
  if (!lab) return undefined
  const all = inhabitants(scene, BOX).flatMap(stat => {
    const ipc = readNamespaces(stat.pid)?.ipc
    return ipc ? [{ ...stat, namespace: formatNamespace(ipc) }] : []
  })
  const shared = formatNamespace(lab)
  return {
    shared,
    old: all.filter(({ namespace }) => namespace === shared),
    separate: all.filter(({ namespace }) => namespace !== shared),
  }
}

export const daemonTask: Task = {
  id: 'daemon',
  title: 'One key, two programs',
  check(scene) {
    const found = boxes(scene)
    if (!found) return no('the lab has ended; reset it')
    const second = found.old.find(holdsKey)
    const segment = readIpc(scene.lab.pid)?.sharedMemory.find(({ key }) => key === KEY)
    if (second)
      return {
        passed: true,
        saw: `${second.comm}, whose root is ${BOX}, has the lab’s segment ${KEY_TEXT} in its memory; ${segment?.attached} processes have`,
      }
    const separate = found.separate.find(holdsKey)
    if (separate)
      return no(
        `${separate.comm} has a segment ${KEY_TEXT}, but in ${separate.namespace}; the lab is in ${found.shared}`,
      )
    const without = found.old[0]
    if (without) return no(`${without.comm} has the root ${BOX}, but no segment ${KEY_TEXT} in its memory`)
    const holders = labProcesses(scene).filter(holdsKey).length
    return no(`no process with the root ${BOX} has the segment ${KEY_TEXT} in its memory; others: ${holders}`)
  },
  hints: [
    '`chroot DIRECTORY PROGRAM` starts a program with another root, and what stands after it goes to the program.',
    '`chroot box syslogd -C16`',
  ],
  solution: ['chroot box syslogd -C16'],
  leaves: ['chroot box syslogd -C16'],
  otherWays: [
    { name: 'from a shell in the box', commands: ['chroot box sh', 'syslogd -C16', 'exit'] },
    { name: 'in the background by the shell', commands: ['unshare --root=box syslogd -n -C16 &'] },
  ],
  wrongWays: [
    {
      name: 'without a chroot',
      commands: ['busybox syslogd -C16'],
      saw: /^no process with the root .*; others: 2$/,
    },
    {
      name: 'in a namespace',
      commands: ['unshare --ipc chroot box syslogd -C16'],
      saw: /^syslogd has a segment 0x414e4547, but in ipc:\[\d+\]/,
    },
    { name: 'into a file', commands: ['chroot box syslogd'], saw: /^syslogd has the root .*, but no segment/ },
  ],
}

export const sidesTask: Task = {
  id: 'sides',
  title: 'The same key twice',
  check(scene) {
    const found = boxes(scene)
    if (!found) return no('the lab has ended; reset it')
    const old = found.old.find(holdsKey)
    const separate = found.separate.find(holdsKey)
    if (old && separate)
      return {
        passed: true,
        saw: `${old.comm} has the segment ${KEY_TEXT} of ${found.shared}, the lab’s; ${separate.comm} has one with the same key, in ${separate.namespace}`,
      }
    if (!old) return no(`no syslogd with the root ${BOX} has the segment ${KEY_TEXT} of ${found.shared}, the lab’s`)
    const idle = found.separate[0]
    if (idle) return no(`${idle.comm} is in ${idle.namespace}, and has no segment ${KEY_TEXT} in its memory`)
    const outside = labProcesses(scene).find(
      process => holdsKey(process) && formatNamespace(readNamespaces(process.pid)?.ipc ?? NOWHERE) !== found.shared,
    )
    if (outside) return no(`${outside.comm} has a segment ${KEY_TEXT} of its own, but its root is not ${BOX}`)
    return no(`there is a syslogd in the old box; no process with the root ${BOX} has an IPC namespace of its own`)
  },
  hints: [
    'If you have ended the old syslogd: `chroot box syslogd -C16`.',
    'The new box: `unshare --ipc`, followed by the command that starts a shell in `box`.',
    '`unshare --ipc chroot box sh`, and in there `syslogd -C16`.',
  ],
  solution: ['pgrep syslogd || chroot box syslogd -C16', 'unshare --ipc chroot box sh', 'syslogd -C16'],
  otherWays: [
    { name: 'without a shell', commands: ['unshare --ipc --root=box syslogd -C16'] },
    {
      name: 'the root first, then the namespace',
      commands: ['unshare --ipc bash', 'chroot box sh', 'syslogd -n -C16 &'],
    },
  ],
  wrongWays: [
    { name: 'without a namespace', commands: ['chroot box syslogd -C16'], saw: /^there is a syslogd in the old box/ },
    { name: 'without syslogd', commands: ['unshare --ipc chroot box sh'], saw: /^sh is in ipc:\[\d+\], and has no/ },
    {
      name: 'without the box',
      commands: ['unshare --ipc busybox syslogd -C16'],
      saw: /^busybox has a segment 0x414e4547 of its own, but its root/,
    },
    {
      name: 'the old one ended',
      commands: ['kill $(pgrep syslogd)', 'unshare --ipc chroot box sh', 'syslogd -C16'],
      saw: /^no syslogd with the root/,
    },
  ],
}

const NOWHERE = { type: 'ipc', inode: 0 }
