// What is opened for a monitor before there is one: the container's pipes and its log (monitor.ts says what they are).
import { chownSync, closeSync, openSync, writeFileSync } from 'node:fs'
import type { Action } from '../../kernel/action.ts'
import { invoke, pipe } from '../../kernel/call.ts'
import { AT, F, O, S } from '../../kernel/constants.ts'
import { socketPair } from '../../kernel/pass-descriptor.ts'
import { outside } from '../../primitives/user.ts'
import { mendLog } from '../log/mend.ts'
import type { Spec } from '../spec.ts'
import { writing } from '../state/store.ts'
import { EXIT_RECORD } from './exit-record.ts'
import { SOCKET } from './monitor-terminal.ts'

export interface Monitored {
  /** In live/. */
  readonly directory: string
  readonly spec: Spec
  /** The descriptor that holds the container's lock. */
  readonly lock: number
  /** Sockets that hold the host's ports. */
  readonly ports: readonly number[]
  /** It has a stdin, into which others may write. */
  readonly stdin: boolean
  /** Bytes of each of the two parts of its log. */
  readonly most: number
  /** Its stdin ends with whoever starts it: gets the pipe's other end. Without it, it never ends. */
  readonly onStdin?: ((writer: number) => void) | undefined
  /** A pipe of somebody who stays, with a byte for each part of the log that it has begun to read: see monitor.ts. */
  readonly pace?: number | undefined
}

/** Our end of the socket by which the monitor gets the terminal. */
export const OURS = 'our terminal socket'

/** What every monitor needs. */
export function openCommon(directory: string, descriptors: Map<string, number>, pace?: number): void {
  mendLog(directory)
  writeFileSync(`${directory}/exit.new`, Buffer.alloc(EXIT_RECORD)) // its place on a disk that may be full by then
  descriptors.set('null', openSync('/dev/null', O.RDWR))
  descriptors.set('pace', pace === undefined ? hungUp() : again(pace))
  descriptors.set('container', openSync(directory, O.RDONLY + O.DIRECTORY))
  for (const name of ['log', 'log.index']) descriptors.set(name, openLog(`${directory}/${name}`))
}

export function openFiles({ directory, spec, lock, ports, stdin, onStdin, pace }: Monitored): Action {
  const { terminal } = spec.process
  const names = terminal ? ['stdout'] : [...(stdin ? ['stdin'] : []), 'stdout', 'stderr']
  return {
    text: `open("${directory}", "/dev/null", ${names.join(', ')}, log, log.index)`,
    why: 'pipes and a log for what the container writes: they outlast this command, and even the monitor',
    lesson: '20-engine',
    shell: `mkfifo ${names.map(name => `${directory}/${name}`).join(' ')}`,
    apply({ descriptors }) {
      writing(() => openCommon(directory, descriptors, pace))
      for (const name of names) descriptors.set(name, openPipe(`${directory}/${name}`, spec))
      if (stdin && !terminal && onStdin) readOnly(descriptors, `${directory}/stdin`, onStdin)
      if (terminal) {
        const [ours, its] = socketPair()
        descriptors.set(OURS, ours).set(SOCKET, its)
      }
      share(descriptors, lock, ports)
    },
  }
}

/** The end of a pipe that nobody writes into any more. */
export function hungUp(): number {
  const [reader, writer] = pipe()
  closeSync(writer)
  return reader
}

/** The same open file under another number. */
const again = (fd: number): number => invoke('fcntl', [fd, F.DUPFD_CLOEXEC, 0])

/** The same open files, and so the same lock and the same ports: they are let go when the last has closed them. */
export function share(descriptors: Map<string, number>, lock: number, ports: readonly number[]): void {
  descriptors.set('lock', again(lock))
  for (const [i, fd] of ports.entries()) descriptors.set(`port ${i}`, again(fd))
}

/** A pipe at whose end its reader comes when the last writer has closed it: whoever has the other end decides when. */
function readOnly(descriptors: Map<string, number>, path: string, onWriter: (fd: number) => void): void {
  const both = descriptors.get('stdin')!
  descriptors.set('stdin', openSync(path, O.RDONLY + O.NONBLOCK))
  onWriter(openSync(path, O.WRONLY))
  closeSync(both)
  invoke('fcntl', [descriptors.get('stdin')!, F.SETFL, 0]) // its program may wait for input
}

/** A pipe that belongs to the user of the container: programs open /dev/stdout by its name. */
function openPipe(path: string, { process, linux }: Spec): number {
  invoke('mknodat', [AT.FDCWD, path, S.IFIFO + 0o600, 0])
  const { uid, gid } = process.user
  const on = (map: Spec['linux']['uidMappings'], id: number) => (map && outside(map, id)) ?? id
  chownSync(path, on(linux.uidMappings, uid), on(linux.gidMappings, gid))
  return openSync(path, O.RDWR) // both ends: nobody waits for another to open it, and no writer gets a SIGPIPE
}

/** A log goes on where it ended: with its place at the end, because splice(2) does not append. */
function openLog(path: string): number {
  const fd = openSync(path, O.CREAT + O.WRONLY, 0o600)
  try {
    invoke('lseek', [fd, 0, 2])
    return fd
  } catch (error) {
    closeSync(fd)
    throw error
  }
}
