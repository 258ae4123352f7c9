// The System V objects of an IPC namespace, as ipcs(1) lists them: the files of /proc/sysvipc, proc_sysvipc(5). They
// answer for the thread that opens them.
import { CLONE } from '../kernel/constants.ts'
import { readText } from './read.ts'
import { visit } from './visit.ts'

/** A shared memory segment, a message queue or a set of semaphores. */
export interface IpcObject {
  /** What programs agree upon, 32 bits. 0 (IPC_PRIVATE): found by its id only. */
  readonly key: number
  /** The kernel's own number for it, from 0 in each namespace. */
  readonly id: number
}

export interface SharedMemory extends IpcObject {
  readonly bytes: number
  /** How often it is attached to the memory of a process. */
  readonly attached: number
}

export interface Ipc {
  readonly sharedMemory: readonly SharedMemory[]
  readonly messageQueues: readonly IpcObject[]
  readonly semaphores: readonly IpcObject[]
}

/** The lines of a table below its heading, each by the names of the columns; the numbers are decimal, the key signed. */
function rows(file: 'shm' | 'msg' | 'sem'): (IpcObject & { columns: ReadonlyMap<string, number> })[] {
  const [head = '', ...lines] = (readText(`/proc/sysvipc/${file}`) ?? '').trimEnd().split('\n')
  const names = head.trim().split(/\s+/)
  return lines.map(line => {
    const fields = line.trim().split(/\s+/).map(Number)
    const columns = new Map(names.map((name, i) => [name, fields[i]!]))
    return { key: fields[0]! >>> 0, id: fields[1]!, columns }
  })
}

const object = ({ key, id }: IpcObject): IpcObject => ({ key, id })

/** All objects of a process's IPC namespace; undefined where it is gone or we may not enter. */
export function readIpc(pid: number): Ipc | undefined {
  return visit(pid, CLONE.NEWIPC, () => ({
    sharedMemory: rows('shm').map(({ key, id, columns }) => ({
      key,
      id,
      bytes: columns.get('size')!,
      attached: columns.get('nattch')!,
    })),
    messageQueues: rows('msg').map(object),
    semaphores: rows('sem').map(object),
  }))
}

/** The keys of the shared memory segments that a process has in its memory: /proc/PID/maps calls them /SYSV and the key. */
export function attachedKeys(pid: number): number[] {
  const maps = readText(`/proc/${pid}/maps`) ?? ''
  return [...maps.matchAll(/ \/SYSV([0-9a-f]{8})\b/g)].map(([, key]) => Number.parseInt(key!, 16))
}
