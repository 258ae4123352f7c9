// .HostConfig of a container: what was asked for, in docker's words.
import { readlinkSync } from 'node:fs'
import { basename } from 'node:path'
import type { RunOptions, SharedMode } from '../engine/options.ts'
import { findContainer } from '../engine/state/list.ts'
import { UsageError } from '../kernel/usage-error.ts'
import { thermalPaths } from '../observe/masks.ts'
import type { Throttle } from '../primitives/limits.ts'
import { MASKED_PATHS, READONLY_PATHS } from '../primitives/masks.ts'
import { binds, mountsAsked, tmpfs } from './inspect-mounts.ts'
import { byPort } from './inspect-networks.ts'
import { freeMap, NIL_LIST, omitEmpty, orNil } from './text/template/values.ts'

/** Another container by its whole id; by what it was called where it is gone. */
function idOf(container: string): string {
  try {
    return findContainer(container).state?.id ?? container
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    return container
  }
}

/** The network as --network has it. */
function networkMode({ network }: RunOptions): string {
  const { mode, endpoints = [], container, path } = network
  if (container !== undefined) return `container:${idOf(container)}`
  if (path !== undefined) return `ns:${path}`
  return (mode === 'bridge' && endpoints[0]?.name) || mode
}

function namespaceMode(mode: SharedMode | 'shareable' | 'none'): string {
  if (typeof mode === 'string') return mode
  return 'container' in mode ? `container:${idOf(mode.container)}` : `ns:${mode.path}`
}

const unlessPrivate = (mode: SharedMode): string => (mode === 'private' ? '' : namespaceMode(mode))

/** Those of -p; what -P adds is .Config.ExposedPorts. */
function wishedPorts({ network, wording }: RunOptions) {
  const exposed = new Set(wording?.publishAll ? network.expose : [])
  return byPort(
    network.publish
      .filter(({ text }) => !exposed.has(text))
      .map(({ container, protocol, address, host }) => [
        `${container}/${protocol}`,
        { HostIp: address === '0.0.0.0' ? '' : address, HostPort: [...new Set(host)].join('-') },
      ]),
  )
}

/** The host's path of each is what was given; of an older toolkit's nobody knows it. */
const devicesOf = ({ devices, resources, wording }: RunOptions) =>
  devices.map(({ path }, i) => ({
    PathOnHost: wording?.devices?.[i]?.split(':')[0] ?? path,
    PathInContainer: path,
    CgroupPermissions: resources.devices?.[i]?.access ?? 'rwm',
  }))

const PERIOD = 100_000 // microseconds: that of --cpus

/** --cpus is a quota of a period of 100 ms, and nobody has to write down which flag has said so. */
function processors({ resources: { cpu } }: RunOptions) {
  const { quota = 0, period = 0 } = cpu ?? {}
  if (quota > 0 && period === PERIOD) return { NanoCpus: Math.round((quota / period) * 1e9), CpuPeriod: 0, CpuQuota: 0 }
  return { NanoCpus: 0, CpuPeriod: period, CpuQuota: quota }
}

/** By the name that the kernel has for a disk. */
const throttled = (disks: readonly Throttle[] = []) =>
  orNil(disks.map(({ major, minor, rate }) => ({ Path: diskOf(`${major}:${minor}`), Rate: rate })))

function diskOf(number: string): string {
  try {
    return `/dev/${basename(readlinkSync(`/sys/dev/block/${number}`))}`
  } catch {
    return number // it is gone
  }
}

function masksOf({ masks, capabilities }: RunOptions) {
  if (masks) return { MaskedPaths: [...MASKED_PATHS, ...thermalPaths()], ReadonlyPaths: READONLY_PATHS }
  const none = capabilities.privileged ? NIL_LIST : []
  return { MaskedPaths: none, ReadonlyPaths: none }
}

/** Nothing of a container that an older toolkit has made. */
export function hostConfig(name: string, options: RunOptions | undefined, autoRemove: boolean) {
  if (!options) return { AutoRemove: autoRemove }
  const { network, capabilities, resources, namespaces, mounts, care, wording } = options
  const { memory, cpu, pids, blockIO } = resources
  const shm = mounts.mounts.find(({ destination }) => destination === '/dev/shm')
  const [, size] = /(?:^|,)size=(\d+)/.exec(shm?.options.join(',') ?? '') ?? []
  const about = {
    Binds: binds(options),
    ContainerIDFile: wording?.cidfile ?? '',
    LogConfig: {
      Type: options.log?.driver ?? 'toolkit',
      Config: freeMap(Object.entries(options.log?.options ?? {}).toSorted()),
    },
    NetworkMode: networkMode(options),
    PortBindings: wishedPorts(options),
    RestartPolicy: { Name: care?.restart?.name ?? 'no', MaximumRetryCount: care?.restart?.most ?? 0 },
    AutoRemove: autoRemove,
    VolumeDriver: wording?.volumeDriver ?? '',
    VolumesFrom: orNil(mounts.from.map(({ container, access }) => (access ? `${container}:${access}` : container))),
    CapAdd: orNil(capabilities.add),
    CapDrop: orNil(capabilities.drop),
    CgroupnsMode: namespaces.cgroup,
    Dns: network.names.dns,
    DnsOptions: network.names.options,
    DnsSearch: network.names.search,
    ExtraHosts: orNil(network.names.hosts.map(({ name, address }) => `${name}:${address}`)),
    GroupAdd: orNil(options.groupAdd),
    IpcMode: namespaceMode(namespaces.ipc),
    Cgroup: '',
    Links: orNil((network.links ?? []).map(link => `/${link.name}:/${name}/${link.alias}`)),
    OomScoreAdj: options.oomScoreAdj ?? 0,
    PidMode: unlessPrivate(namespaces.pid),
    Privileged: capabilities.privileged,
    PublishAllPorts: wording?.publishAll ?? false,
    ReadonlyRootfs: options.readOnly,
    SecurityOpt: orNil([
      ...(options.noNewPrivileges ? ['no-new-privileges'] : []),
      ...(options.seccomp === 'default' ? [] : [`seccomp=${options.seccomp}`]),
      ...(options.masks || capabilities.privileged ? [] : ['systempaths=unconfined']),
    ]),
    Tmpfs: tmpfs(options),
    UTSMode: unlessPrivate(namespaces.uts),
    UsernsMode: namespaces.users ? 'private' : wording?.users === 'host' ? 'host' : '',
    ShmSize: size === undefined ? 67_108_864 : Number(size),
    Sysctls: freeMap(Object.entries(options.sysctl)),
    Runtime: 'toolkit',
    ConsoleSize: [0, 0],
    Isolation: wording?.isolation ?? '',
    CpuShares: cpu?.shares ?? 0,
    Memory: memory?.limit ?? 0,
    ...processors(options),
    CgroupParent: options.cgroupParent ?? '',
    BlkioWeight: blockIO?.weight ?? 0,
    BlkioWeightDevice: (blockIO?.weightDevice ?? []).map(({ major, minor, weight }) => ({
      Path: diskOf(`${major}:${minor}`),
      Weight: weight,
    })),
    BlkioDeviceReadBps: throttled(blockIO?.throttleReadBpsDevice),
    BlkioDeviceWriteBps: throttled(blockIO?.throttleWriteBpsDevice),
    BlkioDeviceReadIOps: throttled(blockIO?.throttleReadIOPSDevice),
    BlkioDeviceWriteIOps: throttled(blockIO?.throttleWriteIOPSDevice),
    CpuRealtimePeriod: cpu?.realtimePeriod ?? 0,
    CpuRealtimeRuntime: cpu?.realtimeRuntime ?? 0,
    CpusetCpus: cpu?.cpus ?? '',
    CpusetMems: cpu?.mems ?? '',
    Devices: devicesOf(options),
    DeviceCgroupRules: orNil(wording?.deviceRules ?? []),
    DeviceRequests: NIL_LIST,
    MemoryReservation: memory?.reservation ?? 0,
    MemorySwap: memory?.swap ?? 2 * (memory?.limit ?? 0),
    MemorySwappiness: memory?.swappiness ?? null,
    OomKillDisable: memory?.disableOOMKiller ?? false,
    PidsLimit: pids && pids.limit > 0 ? pids.limit : null,
    Ulimits: options.rlimits.map(({ type, soft, hard }) => ({
      Name: type.replace('RLIMIT_', '').toLowerCase(),
      ...{ Hard: hard, Soft: soft },
    })),
    CpuCount: 0, // these four are Windows's
    CpuPercent: 0,
    IOMaximumIOps: 0,
    IOMaximumBandwidth: 0,
    Mounts: mountsAsked(options),
    Init: options.init || undefined,
    ...(options.annotations && { Annotations: freeMap(Object.entries(options.annotations).toSorted()) }),
    ...masksOf(options),
  }
  return omitEmpty(about, 'Tmpfs', 'Sysctls', 'Mounts', 'Init')
}
