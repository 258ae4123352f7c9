// The network stacks of the lab, and who listens where: what the checks of this lesson look at.
import { type Link, readLinks } from '../../toolkit/observe/links.ts'
import { formatNamespace, type NamespaceId, readNamespaces } from '../../toolkit/observe/namespaces.ts'
import { rootOf, type Stat } from '../../toolkit/observe/process.ts'
import { list, readLink } from '../../toolkit/observe/read.ts'
import { readSockets, type Socket } from '../../toolkit/observe/sockets.ts'
import { BOX } from '../box.ts'
import type { Scene } from '../lesson.ts'
import { find, idOf, isFound, labProcesses } from '../look.ts'

export interface Stack {
  readonly namespace: NamespaceId
  /** The one that the lab began with. */
  readonly ofLab: boolean
  /** Those of the lab's processes that are in it; never none. */
  readonly processes: readonly Stat[]
}

/** Every network stack that a process of the lab is in. */
export function stacks(scene: Scene): Stack[] {
  const ofLab = readNamespaces(scene.lab.pid)?.net.inode
  const found = new Map<number, Stack & { processes: Stat[] }>()
  for (const process of labProcesses(scene)) {
    const namespace = readNamespaces(process.pid)?.net
    if (!namespace) continue
    const { inode } = namespace
    if (!found.has(inode)) found.set(inode, { namespace, ofLab: inode === ofLab, processes: [] })
    found.get(inode)!.processes.push(process)
  }
  return [...found.values()]
}

/** Those that are not the lab's own. */
export const ownStacks = (scene: Scene): Stack[] => stacks(scene).filter(({ ofLab }) => !ofLab)

export const nameOf = ({ namespace }: Stack): string => formatNamespace(namespace)

const linksOf = ({ processes }: Stack): Link[] => readLinks(processes[0]!.pid) ?? []

export const loopbackIsUp = (stack: Stack): boolean => linksOf(stack).some(({ loopback, up }) => loopback && up)

const socketsOf = ({ processes }: Stack): Socket[] => readSockets(processes[0]!.pid) ?? []

export interface Server {
  readonly stack: Stack
  readonly process: Stat
  readonly port: number
}

/** Which processes of the lab listen on TCP ports, whatever the address. */
export function servers(scene: Scene): Server[] {
  const holders = new Map<number, Stat>()
  for (const process of labProcesses(scene)) {
    for (const fd of list(`/proc/${process.pid}/fd`)) {
      const [, inode] = /^socket:\[(\d+)\]$/.exec(readLink(`/proc/${process.pid}/fd/${fd}`) ?? '') ?? []
      if (inode !== undefined) holders.set(Number(inode), process)
    }
  }
  return stacks(scene).flatMap(stack =>
    socketsOf(stack).flatMap(socket => {
      const process = holders.get(socket.inode)
      if (!process || socket.protocol === 'unix' || socket.state !== 'LISTEN') return []
      return [{ stack, process, port: socket.local.port }]
    }),
  )
}

/** Whether a process has the box as its root directory. */
export function isInBox(scene: Scene, { pid }: Stat): boolean {
  const box = find(scene, BOX)
  return isFound(box) && rootOf(pid)?.id === idOf(box)
}

/** Whether somebody waits at a UNIX socket of this abstract name in a stack. */
export const listensAt = (stack: Stack, name: string): boolean =>
  socketsOf(stack).some(
    socket => socket.protocol === 'unix' && socket.state === 'LISTEN' && socket.path?.replace(/@+$/, '') === `@${name}`,
  )
