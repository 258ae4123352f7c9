// /etc/hostname, /etc/hosts and /etc/resolv.conf of a container: written into its directory and mounted over those of its
// image, which so stay as they are. What they say is in names.ts.
import { existsSync, readFileSync } from 'node:fs'
import { type Action, writeAction } from '../kernel/action.ts'
import type { Step } from '../kernel/step.ts'
import * as bind from '../primitives/bind.ts'
import { isWayOut, type Lease } from './network/lease.ts'
import {
  asksResolved,
  fullName,
  hostnameFile,
  hostsFile,
  type NameWishes,
  RESOLVED,
  resolvConf,
  serversOf,
} from './network/names.ts'
import type { NetworkMode } from './network/ports.ts'

export interface EtcWish {
  /** Where the files are written. */
  readonly directory: string
  readonly hostname: string
  readonly domainname?: string | undefined
  readonly mode: NetworkMode
  readonly names: NameWishes
  /** Its networks. */
  readonly leases: readonly Lease[]
  /** The directory of a container whose network it shares, and so what that one knows of names. */
  readonly from: string | undefined
  /** Paths in the container that the user has mounted something at himself. */
  readonly taken: readonly string[]
  /** As its root: --read-only. */
  readonly readOnly: boolean
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

/** What a container's /etc/resolv.conf says. `named`: in a network that users have made. */
export const resolvText = (mode: NetworkMode | 'named', names: NameWishes): string =>
  resolvConf(hostResolvConf(mode === 'named' ? 'bridge' : mode), mode, names)

/** Writes the files, and mounts them. `steps` are for when the container's files are the root. */
export function planEtc({ directory, hostname, domainname, mode, names, leases, from, taken, readOnly }: EtcWish): {
  before: Action[]
  steps: Step[]
} {
  const addresses = leases.map(({ address }) => address)
  const { gateway } = leases.find(isWayOut) ?? leases[0] ?? {}
  const inherited = mode === 'host' ? { inherited: hostFile('/etc/hosts') } : {}
  const files = {
    hostname: hostnameFile(hostname),
    hosts: hostsFile({
      hostname: fullName(hostname, domainname),
      hosts: names.hosts,
      addresses,
      gateway,
      ...inherited,
    }),
    'resolv.conf': resolvText(leases.some(({ network }) => network !== 'bridge') ? 'named' : mode, names),
  }
  const wanted = Object.entries(files).filter(([name]) => !taken.includes(`/etc/${name}`))
  const options = ['bind', ...(readOnly ? ['ro'] : [])]
  const isShared = (name: string) => from !== undefined && existsSync(`${from}/${name}`)
  const placeOf = (name: string) => `${isShared(name) ? from : directory}/${name}`
  const write = (name: string, text: string) =>
    writeAction(placeOf(name), text, {
      why: `what /etc/${name} says to the container; its image is not changed`,
      lesson: '16-names',
      shell: '',
    })
  return {
    before: wanted.flatMap(([name, text]) => [
      ...(isShared(name) ? [] : [write(name, text)]),
      ...bind.tree(name, { source: placeOf(name), destination: `/etc/${name}`, options }),
    ]),
    steps: wanted.flatMap(([name]) => [...bind.mountPoint(`/etc/${name}`, 'file', 'cover'), ...bind.attach(name)]),
  }
}
