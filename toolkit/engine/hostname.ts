// What a container is called: its host name, and the domain of that.
import { quoteValue, UsageError } from '../kernel/usage-error.ts'
import { utsName } from '../observe/hostname.ts'
import { MAX_HOSTNAME } from '../primitives/uts.ts'
import type { RunOptions } from './options.ts'

type Wish = Pick<RunOptions, 'hostname' | 'domainname' | 'namespaces'>

/** The host name; by default from its id. Throws a UsageError. */
export function hostnameOf({ hostname, namespaces }: Wish, id: string): string {
  if (hostname === undefined) return namespaces.uts === 'host' ? utsName('hostname') : id.slice(0, 12)
  check('hostname', hostname, namespaces)
  return hostname
}

/** The domain name; nothing where none is wished for. Throws a UsageError. */
export function domainOf({ domainname, namespaces }: Wish): { readonly domainname?: string } {
  if (domainname === undefined) return {}
  check('domainname', domainname, namespaces)
  return { domainname }
}

function check(flag: 'hostname' | 'domainname', name: string, { uts }: Wish['namespaces']): void {
  const refuse = (why: string) => new UsageError(`run: --${flag} ${quoteValue(name)}: ${why}`)
  if (uts !== 'private') throw refuse('only with --uts private: any other has a name already')
  const length = Buffer.byteLength(name)
  if (length > MAX_HOSTNAME)
    throw refuse(`${length} bytes are too many for a host name, the kernel takes ${MAX_HOSTNAME}`)
  if (!/^[a-zA-Z0-9]([a-zA-Z0-9_.-]*[a-zA-Z0-9])?$/.test(name))
    throw refuse("not a host name; use letters, digits, '-' and '.'")
}
