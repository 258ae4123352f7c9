// The flags that say which namespaces a container has of its own, and which users.
import type { NamespaceMode } from '../../engine/options.ts'
import { UsageError } from '../../kernel/usage-error.ts'
import type { Flag, Parsed } from '../options.ts'

export const flags = {
  uts: { value: 'host|private|ns:PATH', help: 'whose host name it has (default: private)' },
  ipc: { value: 'host|private|ns:PATH', help: 'whose shared memory and queues it has (default: private)' },
  pid: { value: 'host|private|ns:PATH', help: 'whose processes it sees (default: private)' },
} satisfies Record<string, Flag>

type Type = keyof typeof flags

/** Reads the flags. Throws a UsageError that names the flag, the value and what is allowed. */
export function namespaces(given: Parsed['flags']): Record<Type, NamespaceMode> {
  const mode = (type: Type): NamespaceMode => {
    const value = (given[type] ?? 'private') as string
    if (value === 'host' || value === 'private') return value
    if (value.startsWith('ns:/')) return { path: value.slice(3) }
    if (value.startsWith('container:'))
      throw new UsageError(`run: --${type} ${value}: sharing with a container is not there yet; use host or private`)
    throw new UsageError(
      `run: --${type} ${JSON.stringify(value)}: allowed: host, private, or ns: and a path such as /proc/PID/ns/${type}`,
    )
  }
  return { uts: mode('uts'), ipc: mode('ipc'), pid: mode('pid') }
}
