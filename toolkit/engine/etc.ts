// /etc/hostname, /etc/hosts and /etc/resolv.conf of a container: written into its directory and mounted over those of its
// image, which so stay as they are. What they say is in names.ts.
import { readFileSync } from 'node:fs'
import { type Action, writeAction } from '../kernel/action.ts'
import type { Step } from '../kernel/step.ts'
import * as bind from '../primitives/bind.ts'
import type { Lease } from './leases.ts'
import { asksResolved, hostnameFile, hostsFile, type NameWishes, RESOLVED, resolvConf, serversOf } from './names.ts'
import type { NetworkMode } from './ports.ts'

export interface EtcWish {
  /** Where the files are written. */
  readonly directory: string
  readonly hostname: string
  readonly mode: NetworkMode
  readonly names: NameWishes
  readonly lease: Lease | undefined
  /** Paths in the container that the user has mounted something at himself. */
  readonly taken: readonly string[]
}

/** A file of the host; empty where there is none. */
function hostFile(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

function hostResolvConf(mode: NetworkMode): string {
  const text = hostFile('/etc/resolv.conf')
  return mode !== 'host' && asksResolved(text) ? hostFile(RESOLVED) : text
}

/** The name servers that the host asks now. */
export const hostServers = (): readonly string[] => serversOf(hostResolvConf('bridge'))

/** Writes the files, and mounts them. `steps` are for when the container's files are the root. */
export function planEtc({ directory, hostname, mode, names, lease, taken }: EtcWish): {
  before: Action[]
  steps: Step[]
} {
  const inherited = mode === 'host' ? { inherited: hostFile('/etc/hosts') } : {}
  const files = {
    hostname: hostnameFile(hostname),
    hosts: hostsFile({ hostname, hosts: names.hosts, ...lease, ...inherited }),
    'resolv.conf': resolvConf(hostResolvConf(mode), lease && lease.network !== 'bridge' ? 'named' : mode, names),
  }
  const wanted = Object.entries(files).filter(([name]) => !taken.includes(`/etc/${name}`))
  return {
    before: wanted.flatMap(([name, text]) => [
      writeAction(`${directory}/${name}`, text, {
        why: `what /etc/${name} says to the container; its image is not changed`,
        lesson: '16-names',
        shell: '',
      }),
      ...bind.tree(name, { source: `${directory}/${name}`, destination: `/etc/${name}`, options: ['bind'] }),
    ]),
    steps: wanted.flatMap(([name]) => [...bind.mountPoint(`/etc/${name}`, 'file', 'cover'), ...bind.attach(name)]),
  }
}
