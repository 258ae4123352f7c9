// The flags that say which namespaces a container has of its own, and which users.
import { UsageError } from '../../kernel/usage-error.ts'
import type { Flag, Parsed } from '../options.ts'

export const flags = {
  uts: { value: 'host|private', help: 'whose host name it has (default: private)' },
  ipc: { value: 'host|private', help: 'whose shared memory and queues it has (default: private)' },
  pid: { value: 'host|private', help: 'whose processes it sees (default: private)' },
} satisfies Record<string, Flag>

type Type = keyof typeof flags

/** Reads the flags. Throws a UsageError that names the flag, the value and what is allowed. */
export function namespaces(given: Parsed['flags']): Record<Type, 'host' | 'private'> {
  const mode = (type: Type): 'host' | 'private' => {
    const value = (given[type] ?? 'private') as string
    if (value === 'host' || value === 'private') return value
    if (value.startsWith('container:'))
      throw new UsageError(`run: --${type} ${value}: sharing with a container is not there yet; use host or private`)
    throw new UsageError(`run: --${type} ${JSON.stringify(value)}: allowed: host, private`)
  }
  return { uts: mode('uts'), ipc: mode('ipc'), pid: mode('pid') }
}
