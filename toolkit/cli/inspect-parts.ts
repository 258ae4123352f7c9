// Parts of a container in docker's words: what was asked for (HostConfig), its mounts, its networks.
import { readEndpoints } from '../engine/network/endpoints.ts'
import type { Lease } from '../engine/network/leases.ts'
import { listNetworks } from '../engine/network/networks.ts'
import type { RunOptions } from '../engine/options.ts'
import { type ContainerRow, placeOf } from '../engine/state/list.ts'
import { dataOf } from '../engine/volume/store.ts'
import { mountsOf } from '../engine/volume/uses.ts'
import { UsageError } from '../kernel/usage-error.ts'
import type { Mount } from '../primitives/mount.ts'
import { leases as leasesByContainer } from './text/describe.ts'
import { freeMap } from './text/template/values.ts'

const isReadOnly = ({ options }: Mount): boolean => options.includes('ro') || options.includes('rotop')
const PROPAGATION = /^r?(private|shared|slave)$/

/** What it has mounted; of one that was never started what it asks for. */
function mountsKnown(row: ContainerRow): readonly Mount[] {
  try {
    const found = mountsOf(row)
    if (found.length > 0) return found
  } catch (error) {
    if (!(error instanceof UsageError)) throw error // its list is damaged; `system check` says so
  }
  return row.state?.options?.mounts.mounts ?? []
}

export const mounts = (row: ContainerRow) =>
  mountsKnown(row).map(mount => ({
    Type: mount.type,
    ...(mount.type === 'volume' && { Name: mount.source, Driver: 'local' }),
    Source: mount.type === 'volume' ? mount.source && dataOf(mount.source) : mount.type === 'bind' ? mount.source : '',
    Destination: mount.destination,
    Mode: mount.options.filter(word => !/^(nocopy|r?bind|rprivate)$/.test(word)).join(','),
    RW: !isReadOnly(mount),
    Propagation: mount.type === 'bind' ? (mount.options.find(word => PROPAGATION.test(word)) ?? 'rprivate') : '',
  }))

const bindText = (mount: Mount): string => `${mount.source}:${mount.destination}${isReadOnly(mount) ? ':ro' : ''}`

/** The network as --network has it. */
function networkMode({ network }: RunOptions): string {
  const { mode, endpoints = [], container, path } = network
  const name = mode === 'bridge' ? endpoints[0]?.name : undefined
  if (name !== undefined) return name
  if (container !== undefined) return `container:${container}`
  return path === undefined ? mode : `ns:${path}`
}

interface Binding {
  readonly HostIp: string
  readonly HostPort: string
}

/** By 80/tcp and the like, all that lead there. */
const byPort = (rows: readonly (readonly [string, Binding])[]) =>
  freeMap(rows.map(([port]) => [port, rows.filter(([other]) => other === port).map(([, binding]) => binding)]))

const portsOf = (ports: Lease['ports']) =>
  byPort(
    ports.map(({ container, protocol, address, host }) => [
      `${container}/${protocol}`,
      { HostIp: address, HostPort: String(host) },
    ]),
  )

const wishedPorts = ({ network }: RunOptions) =>
  byPort(
    network.publish.map(({ container, protocol, address, host }) => [
      `${container}/${protocol}`,
      { HostIp: address === '0.0.0.0' ? '' : address, HostPort: [...new Set(host)].join('-') },
    ]),
  )

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
  ids: new Map(listNetworks().map(network => [network.name, network.state?.id ?? ''])),
})

/** Where it is, network by network; of one that does not run only in which it would be. */
export function networkSettings(row: ContainerRow, known = readNetworks()) {
  const { state } = row
  const { ids } = known
  const leases = known.leases.get(state?.id ?? '') ?? []
  const endpoints = readEndpoints(placeOf(row)) ?? state?.options?.network.endpoints
  const wished = new Map(endpoints?.map(({ name, ip }) => [name, ip]))
  const endpoint = (name: string, lease?: Lease) => ({
    IPAMConfig: wished.get(name) === undefined ? null : { IPv4Address: wished.get(name) },
    Links: lease?.links?.map(({ name, alias }) => `${name}:${alias}`) ?? null,
    Aliases: lease?.names?.slice(1) ?? null,
    DNSNames: lease?.names ? [...lease.names, lease.id.slice(0, 12)] : null,
    MacAddress: lease?.mac ?? '',
    NetworkID: lease ? (ids.get(lease.network) ?? '') : '',
    EndpointID: lease?.link ?? '',
    Gateway: lease?.gateway ?? '',
    IPAddress: lease?.address ?? '',
    IPPrefixLen: lease ? Number(lease.subnet.split('/')[1]) : 0,
    IPv6Gateway: '',
    GlobalIPv6Address: '',
    GlobalIPv6PrefixLen: 0,
  })
  const asked = state?.options && state.options.network.container === undefined ? [networkMode(state.options)] : []
  const own = leases.find(({ network }) => network === 'bridge')
  const { IPAddress, IPPrefixLen, Gateway, MacAddress, EndpointID } = endpoint('bridge', own)
  return {
    ...{ Bridge: '', IPAddress, IPPrefixLen, Gateway, MacAddress, EndpointID },
    Ports: portsOf(leases.flatMap(({ ports }) => ports)),
    SandboxKey: state?.pid === undefined || state.finished !== undefined ? '' : `/proc/${state.pid}/ns/net`,
    Networks: freeMap([
      ...asked.filter(name => !name.startsWith('ns:')).map(name => [name, endpoint(name)] as const),
      ...leases.map(lease => [lease.network, endpoint(lease.network, lease)] as const),
    ]),
  }
}

/** What was asked for; nothing of a container that an older toolkit has made. */
export function hostConfig(options: RunOptions | undefined, autoRemove: boolean) {
  if (!options) return { AutoRemove: autoRemove }
  const { network, capabilities, resources, namespaces, mounts, care } = options
  const { memory, cpu, pids, blockIO } = resources
  const shm = mounts.mounts.find(({ destination }) => destination === '/dev/shm')
  const [, size] = /(?:^|,)size=(\d+)/.exec(shm?.options.join(',') ?? '') ?? []
  const lasting = mounts.mounts.filter(({ type, source }) => type === 'bind' || (type === 'volume' && source !== ''))
  return {
    Binds: lasting.map(bindText),
    LogConfig: { Type: 'toolkit', Config: freeMap([]) },
    NetworkMode: networkMode(options),
    PortBindings: wishedPorts(options),
    AutoRemove: autoRemove,
    RestartPolicy: { Name: care?.restart?.name ?? 'no', MaximumRetryCount: care?.restart?.most ?? 0 },
    VolumesFrom: mounts.from.map(({ container, access }) => (access ? `${container}:${access}` : container)),
    Tmpfs: freeMap(
      mounts.mounts
        .filter(({ type, destination }) => type === 'tmpfs' && destination !== '/dev/shm')
        .map(({ destination, options }) => [destination, options.join(',')]),
    ),
    CapAdd: capabilities.add,
    CapDrop: capabilities.drop,
    Privileged: capabilities.privileged,
    SecurityOpt: [
      ...(options.noNewPrivileges ? ['no-new-privileges'] : []),
      ...(options.seccomp === 'default' ? [] : [`seccomp=${options.seccomp}`]),
      ...(options.masks || capabilities.privileged ? [] : ['systempaths=unconfined']),
    ],
    Dns: network.names.dns,
    DnsOptions: network.names.options,
    DnsSearch: network.names.search,
    ExtraHosts: network.names.hosts.map(({ name, address }) => `${name}:${address}`),
    GroupAdd: options.groupAdd,
    IpcMode: namespaces.ipc,
    PidMode: namespaces.pid === 'private' ? '' : namespaces.pid,
    UTSMode: namespaces.uts === 'private' ? '' : namespaces.uts,
    CgroupnsMode: namespaces.cgroup,
    UsernsMode: namespaces.users ? 'private' : '',
    ReadonlyRootfs: options.readOnly,
    Init: options.init,
    OomScoreAdj: options.oomScoreAdj ?? 0,
    ShmSize: size === undefined ? 67_108_864 : Number(size),
    Sysctls: freeMap(Object.entries(options.sysctl)),
    Ulimits: options.rlimits.map(({ type, soft, hard }) => ({
      Name: type.replace('RLIMIT_', '').toLowerCase(),
      ...{ Soft: soft, Hard: hard },
    })),
    Devices: options.devices.map(({ path }) => path),
    Memory: memory?.limit ?? 0,
    MemorySwap: memory?.swap ?? 2 * (memory?.limit ?? 0),
    MemoryReservation: memory?.reservation ?? 0,
    NanoCpus: cpu?.quota && cpu.period ? Math.round((cpu.quota / cpu.period) * 1e9) : 0,
    CpuShares: cpu?.shares ?? 0,
    CpuPeriod: cpu?.period ?? 0,
    CpuQuota: cpu?.quota ?? 0,
    CpusetCpus: cpu?.cpus ?? '',
    CpusetMems: cpu?.mems ?? '',
    PidsLimit: pids?.limit ?? null,
    BlkioWeight: blockIO?.weight ?? 0,
    Runtime: 'toolkit',
  }
}

/** Files of the container that the engine keeps. */
export const filesOf = (row: ContainerRow) => {
  const directory = placeOf(row)
  return {
    HostnamePath: `${directory}/hostname`,
    HostsPath: `${directory}/hosts`,
    ResolvConfPath: `${directory}/resolv.conf`,
    LogPath: row.state?.detached ? `${directory}/log` : '',
  }
}
