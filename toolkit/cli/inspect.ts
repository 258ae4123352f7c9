import { type AllResources, oomKilled } from '../engine/cgroup.ts'
import { readHealth, tend } from '../engine/health.ts'
import type { Lease } from '../engine/leases.ts'
import { statusOf } from '../engine/lifecycle.ts'
import { type ContainerRow, findContainer, placeOf } from '../engine/list.ts'
import type { HealthCheck, RunOptions } from '../engine/options.ts'
import { sweep } from '../engine/orphans.ts'
import { dataOf } from '../engine/volume-store.ts'
import { mountsOf } from '../engine/volume-uses.ts'
import { UsageError } from '../kernel/usage-error.ts'
import { imageOf, leases } from './describe.ts'
import { needContainers } from './each.ts'
import { type Command, formatHelp, parse } from './options.ts'
import { print, printError } from './output.ts'
import { printable } from './printable.ts'
import { template } from './template.ts'

const command: Command = {
  usage: 'inspect [OPTIONS] CONTAINER…',
  summary: 'Print all about containers, as JSON in docker’s shape.',
  flags: {
    format: { short: 'f', value: 'TEMPLATE', help: "parts of it, as '{{.State.Status}}' or '{{json .Config}}'" },
    type: { value: 'container', help: 'what it is; only containers are known here' },
  },
  mixed: true,
}

export async function main(argv: string[]): Promise<number> {
  const { flags, rest } = parse(command, argv)
  if (flags.help) {
    print(formatHelp(command))
    return 0
  }
  if (flags.type !== undefined && flags.type !== 'container')
    throw new UsageError(`inspect: --type ${JSON.stringify(flags.type)}: only container is known here`)
  const words = needContainers('inspect', rest)
  const fill = typeof flags.format === 'string' && flags.format !== 'json' ? template(flags.format) : undefined
  const found: unknown[] = []
  let status = 0
  for (const word of words) {
    try {
      const about = describe(await carriedOn(word))
      if (fill) print(fill(about))
      else found.push(about)
    } catch (error) {
      if (!(error instanceof UsageError)) throw error
      printError(`toolkit: ${printable(error.message)}`)
      status = 1
    }
  }
  if (!fill) print(flags.format === 'json' ? JSON.stringify(found) : JSON.stringify(found, null, 4))
  return status
}

const networkOf = ({ address, subnet, gateway, mac, link, names = [], links = [], id }: Lease) => ({
  Links: links.length > 0 ? links.map(({ name, alias }) => `${name}:${alias}`) : null,
  Aliases: names.slice(1),
  MacAddress: mac,
  EndpointID: link,
  Gateway: gateway,
  IPAddress: address,
  IPPrefixLen: Number(subnet.split('/')[1]),
  DNSNames: names.length > 0 ? [...names, id.slice(0, 12)] : null,
})

/** Who waits for a restart policy may have been killed: then somebody else does. */
async function carriedOn(word: string): Promise<ContainerRow> {
  const row = findContainer(word)
  if (!row.restarting) return row
  await sweep()
  return findContainer(word)
}

/** docker has nanoseconds. */
const healthcheck = ({ args, interval, timeout, retries, startPeriod, startInterval }: HealthCheck) => ({
  Test: ['CMD-SHELL', args.at(-1)],
  Interval: interval * 1e6,
  Timeout: timeout * 1e6,
  Retries: retries,
  ...(startPeriod > 0 && { StartPeriod: startPeriod * 1e6 }),
  StartInterval: startInterval * 1e6,
})

/** 0 in docker's shape is no limit. */
const limitsOf = ({ memory, cpu, pids, blockIO }: AllResources) => ({
  Memory: memory?.limit ?? 0,
  MemorySwap: memory?.swap ?? 2 * (memory?.limit ?? 0),
  MemoryReservation: memory?.reservation ?? 0,
  CpuShares: cpu?.shares ?? 0,
  CpuPeriod: cpu?.period ?? 0,
  CpuQuota: cpu?.quota ?? 0,
  CpusetCpus: cpu?.cpus ?? '',
  CpusetMems: cpu?.mems ?? '',
  PidsLimit: pids?.limit ?? null,
  BlkioWeight: blockIO?.weight ?? 0,
})

const NEVER = '0001-01-01T00:00:00Z' // of Go, where no time is

/** What it has mounted; before its first start, what it has asked for. */
function mountsIn(row: ContainerRow) {
  const found = mountsOf(row)
  return (found.length > 0 ? found : (row.state?.options?.mounts.mounts ?? [])).map(
    ({ destination, source, type, options }) => ({
      Type: type,
      ...(type === 'volume' && { Name: source, Driver: 'local' }),
      Source: type === 'volume' && source !== '' ? dataOf(source) : type === 'tmpfs' ? '' : source,
      Destination: destination,
      Mode: options.filter(word => !/^r?(private|slave|shared|bind)$|^bind$/.test(word)).join(','),
      RW: !options.some(word => word === 'ro' || word === 'rotop'),
      Propagation: type === 'bind' ? (options.find(word => /^r?(private|slave|shared)$/.test(word)) ?? '') : '',
    }),
  )
}

const networkMode = ({ mode, container, endpoints = [] }: RunOptions['network']): string =>
  container !== undefined ? `container:${container}` : mode === 'bridge' ? (endpoints[0]?.name ?? 'bridge') : mode

function describe(row: ContainerRow) {
  const { id, state } = row
  if (!state) throw new UsageError(`container ${id}: ${row.problem ?? 'its state cannot be read'}`, 1)
  const status = statusOf(row)
  const { options, args } = state
  const places = leases().get(state.id) ?? []
  const [first] = places
  const { care = {} } = options ?? {}
  const directory = placeOf(row)
  if (row.running) tend(id, state)
  const health = readHealth(directory)
  return {
    Id: state.id,
    Created: state.created,
    Path: args[0],
    Args: args.slice(1),
    State: {
      Status: status,
      Running: row.running || status === 'restarting',
      Paused: status === 'paused',
      Restarting: status === 'restarting',
      OOMKilled: state.oomKilled ?? (row.running && oomKilled(state.resources?.cgroups ?? [])),
      Dead: false,
      Pid: row.running ? (state.pid ?? 0) : 0,
      ExitCode: row.running || status === 'created' ? 0 : (state.exitCode ?? null), // null: nobody has seen it
      Error: state.error ?? '',
      StartedAt: state.started ?? NEVER,
      FinishedAt: (!row.running && state.finished) || NEVER,
      ...(care.health && { Health: { Status: health.status, FailingStreak: health.failingStreak, Log: health.log } }),
    },
    Image: imageOf(row),
    HostnamePath: `${directory}/hostname`,
    HostsPath: `${directory}/hosts`,
    ResolvConfPath: `${directory}/resolv.conf`,
    LogPath: state.detached ? `${directory}/log` : '',
    Name: `/${state.name}`,
    RestartCount: state.restarts ?? 0,
    Driver: 'overlay',
    Platform: 'linux',
    Mounts: mountsIn(row),
    Config: {
      Hostname: options?.hostname ?? id,
      User: options?.user ?? '',
      Tty: options?.terminal ?? false,
      OpenStdin: options?.interactive ?? false,
      Env: options?.env ?? [],
      Cmd: args,
      Image: imageOf(row),
      WorkingDir: options?.cwd ?? '',
      StopSignal: care.stopSignal ?? 'SIGTERM',
      ...(care.stopTimeout !== undefined && { StopTimeout: care.stopTimeout }),
      ...(care.health && { Healthcheck: healthcheck(care.health) }),
    },
    HostConfig: {
      AutoRemove: state.autoRemove,
      NetworkMode: options ? networkMode(options.network) : '',
      RestartPolicy: { Name: care.restart?.name ?? 'no', MaximumRetryCount: care.restart?.most ?? 0 },
      Privileged: options?.capabilities.privileged ?? false,
      ReadonlyRootfs: options?.readOnly ?? false,
      Init: options?.init ?? false,
      CapAdd: options?.capabilities.add ?? [],
      CapDrop: options?.capabilities.drop ?? [],
      ...limitsOf(options?.resources ?? {}),
      Resources: options?.resources ?? {},
    },
    GraphDriver: {
      Name: 'overlay',
      Data: { LowerDir: state.rootfs, UpperDir: `${directory}/upper`, WorkDir: `${directory}/work` },
    },
    NetworkSettings: {
      IPAddress: first?.network === 'bridge' ? first.address : '', // docker: of that network only
      MacAddress: first?.network === 'bridge' ? first.mac : '',
      Gateway: first?.network === 'bridge' ? first.gateway : '',
      Networks: Object.fromEntries(places.map(lease => [lease.network, networkOf(lease)])),
      Ports: Object.fromEntries(
        places
          .flatMap(({ ports }) => ports)
          .map(({ container, protocol, address, host }) => [
            `${container}/${protocol}`,
            [{ HostIp: address, HostPort: String(host) }],
          ]),
      ),
    },
  }
}
