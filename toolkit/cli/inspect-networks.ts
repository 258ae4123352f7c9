// .NetworkSettings of a container, in docker's words: the networks that it is in, and its ports.
import { BUILT_IN, builtInId } from '../engine/network/built-in.ts'
import { type Endpoint, readEndpoints } from '../engine/network/endpoints.ts'
import type { Lease } from '../engine/network/lease.ts'
import { listNetworks } from '../engine/network/networks.ts'
import { type ContainerRow, placeOf } from '../engine/state/list.ts'
import { exposedBy, leases as leasesByContainer, portsOf } from './text/describe.ts'
import { freeMap, NIL_LIST, NIL_MAP, orNil } from './text/template/values.ts'

interface Binding {
  readonly HostIp: string
  readonly HostPort: string
}

/** By 80/tcp and the like, all that lead there. */
export const byPort = (rows: readonly (readonly [string, Binding])[]) =>
  freeMap(rows.map(([port]) => [port, rows.filter(([other]) => other === port).map(([, binding]) => binding)]))

/** Reads it when it is first asked for, and no more. */
export function once<T>(read: () => T): () => T {
  let found: { readonly value: T } | undefined
  return () => {
    found ??= { value: read() }
    return found.value
  }
}

/** What the networks say of all containers; whoever describes several reads it once. */
export const readNetworks = () => ({
  leases: leasesByContainer(),
  ids: new Map([
    ...listNetworks().map(({ name, state }) => [name, state?.id ?? ''] as const),
    ...BUILT_IN.map(name => [name, builtInId(name)] as const),
  ]),
})

type Known = ReturnType<typeof readNetworks>

/** The networks that a container shall be in, by their names: an endpoint may have the id instead. */
function endpointsOf(row: ContainerRow, { ids }: Known): ReadonlyMap<string, Endpoint> {
  const endpoints = readEndpoints(placeOf(row)) ?? row.state?.options?.network.endpoints ?? []
  const nameOf = ({ name = 'bridge' }: Endpoint) =>
    ids.has(name) ? name : ([...ids].find(([, id]) => id.startsWith(name))?.[0] ?? name)
  return new Map(endpoints.map(endpoint => [nameOf(endpoint), endpoint]))
}

function endpoint(id: string, lease: Lease | undefined, wish: Endpoint | undefined) {
  const links = lease?.links ?? wish?.links ?? []
  return {
    IPAMConfig: wish?.ip === undefined ? null : { IPv4Address: wish.ip },
    Links: orNil(links.map(({ name, alias }) => `${name}:${alias}`)),
    Aliases: orNil(lease?.names?.slice(1) ?? wish?.aliases ?? []),
    DNSNames: lease?.names ? [...lease.names, lease.id.slice(0, 12)] : NIL_LIST,
    MacAddress: lease?.mac ?? '',
    NetworkID: id,
    EndpointID: lease?.link ?? '',
    Gateway: lease?.gateway ?? '',
    IPAddress: lease?.address ?? '',
    IPPrefixLen: lease ? Number(lease.subnet.split('/')[1]) : 0,
    IPv6Gateway: '',
    GlobalIPv6Address: '',
    GlobalIPv6PrefixLen: 0,
    DriverOpts: NIL_MAP,
  }
}

/** Where it is, network by network; of one that does not run only in which it would be. */
export function networkSettings(row: ContainerRow, known = readNetworks()) {
  const { state, running } = row
  const { mode, container, path } = state?.options?.network ?? {}
  const leases = running ? (known.leases.get(state?.id ?? '') ?? []) : [] // who has just ended may hold them still
  const wishes = mode === 'bridge' ? endpointsOf(row, known) : new Map<string, Endpoint>()
  const fixed = mode === undefined || mode === 'bridge' || container !== undefined || path !== undefined ? [] : [mode]
  const isThere = running && state?.pid !== undefined && fixed.length === 0 // while it is started it has not all of them
  const names = isThere ? leases.map(({ network }) => network) : [...fixed, ...wishes.keys()]
  const idOf = (name: string) => (state?.started === undefined ? '' : (known.ids.get(name) ?? ''))
  const leaseOf = (name: string) => leases.find(({ network }) => network === name)
  const own = endpoint('', leaseOf('bridge'), undefined)
  return {
    Bridge: '',
    SandboxID: '',
    HairpinMode: false,
    LinkLocalIPv6Address: '',
    LinkLocalIPv6PrefixLen: 0,
    Ports: ports(row, known),
    SandboxKey: running && state?.pid !== undefined ? `/proc/${state.pid}/ns/net` : '',
    SecondaryIPAddresses: NIL_LIST,
    SecondaryIPv6Addresses: NIL_LIST,
    EndpointID: own.EndpointID,
    Gateway: own.Gateway,
    GlobalIPv6Address: '',
    GlobalIPv6PrefixLen: 0,
    IPAddress: own.IPAddress,
    IPPrefixLen: own.IPPrefixLen,
    IPv6Gateway: '',
    MacAddress: own.MacAddress,
    Networks: freeMap(names.map(name => [name, endpoint(idOf(name), leaseOf(name), wishes.get(name))])),
  }
}

/** Those that lead to it; one that is only exposed has none. */
function ports(row: ContainerRow, { leases }: Known) {
  const published = byPort(
    portsOf(row, leases).map(({ container, protocol, address, host }) => [
      `${container}/${protocol}`,
      { HostIp: address, HostPort: String(host) },
    ]),
  )
  const exposed = exposedBy(row).map(port => [port, NIL_LIST] as const)
  return freeMap<readonly Binding[]>([...exposed, ...Object.entries(published)].toSorted(byNumber))
}

const byNumber = ([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number =>
  Number.parseInt(a, 10) - Number.parseInt(b, 10)
