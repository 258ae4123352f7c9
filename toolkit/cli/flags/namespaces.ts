// The flags that say which namespaces a container has of its own, and which users.
import type { IpcMode, NamespaceMode, SharedMode } from '../../engine/options.ts'
import type { Flag, Parsed } from '../options.ts'
import { refuseValue } from './refuse.ts'

export const flags = {
  uts: { value: 'host|private|ns:PATH', help: 'whose host name it has (default: private)', blank: true },
  ipc: {
    value: 'MODE',
    help: 'whose shared memory and queues it has: private, shareable (others may join), none (no /dev/shm), host, container:NAME or ns:PATH (default: private)',
    blank: true,
  },
  pid: {
    value: 'host|private|container:NAME|ns:PATH',
    help: 'whose processes it sees (default: private)',
    blank: true,
  },
} satisfies Record<string, Flag>

type Type = keyof typeof flags

const ALLOWED: Record<Type, readonly string[]> = {
  uts: ['host', 'private'],
  ipc: ['host', 'private', 'shareable', 'none'],
  pid: ['host', 'private'],
}

/** Reads the flags. Throws a UsageError that names the flag, the value and what is allowed. */
export function namespaces(given: Parsed['flags']): { uts: NamespaceMode; ipc: IpcMode; pid: SharedMode } {
  const mode = (type: Type): IpcMode => {
    const value = (given[type] ?? 'private') as string
    if (ALLOWED[type].includes(value)) return value as IpcMode
    if (value.startsWith('ns:/')) return { path: value.slice(3) }
    const [, container] = /^container:([a-zA-Z0-9][a-zA-Z0-9_.-]*)$/.exec(value) ?? []
    if (container !== undefined && type !== 'uts') return { container }
    const words = [...ALLOWED[type], ...(type === 'uts' ? [] : ['container: and the name of one'])].join(', ')
    throw refuseValue(type, value, `allowed: ${words}, or ns: and a path such as /proc/PID/ns/${type}`)
  }
  return { uts: mode('uts') as NamespaceMode, ipc: mode('ipc'), pid: mode('pid') as SharedMode }
}
