import { statusOf } from '../engine/lifecycle.ts'
import { type ContainerRow, findContainer, placeOf } from '../engine/list.ts'
import { UsageError } from '../kernel/usage-error.ts'
import { imageOf, leases } from './describe.ts'
import { needContainers } from './each.ts'
import { type Command, formatHelp, parse } from './options.ts'
import { print, printError } from './output.ts'
import { printable } from './printable.ts'
import { template } from './template.ts'

export const command: Command = {
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
      const about = describe(findContainer(word))
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

const NEVER = '0001-01-01T00:00:00Z' // of Go, where no time is

function describe(row: ContainerRow) {
  const { id, state } = row
  if (!state) throw new UsageError(`container ${id}: ${row.problem ?? 'its state cannot be read'}`, 1)
  const status = statusOf(row)
  const { options, args } = state
  const lease = leases().get(state.id)
  const directory = placeOf(row)
  return {
    Id: state.id,
    Created: state.created,
    Path: args[0],
    Args: args.slice(1),
    State: {
      Status: status,
      Running: row.running,
      Paused: status === 'paused',
      Restarting: false,
      OOMKilled: state.oomKilled ?? false,
      Dead: false,
      Pid: row.running ? (state.pid ?? 0) : 0,
      ExitCode: row.running || status === 'created' ? 0 : (state.exitCode ?? null), // null: nobody has seen it
      Error: '',
      StartedAt: state.started ?? NEVER,
      FinishedAt: (!row.running && state.finished) || NEVER,
    },
    Image: imageOf(row),
    HostnamePath: `${directory}/hostname`,
    HostsPath: `${directory}/hosts`,
    ResolvConfPath: `${directory}/resolv.conf`,
    LogPath: state.detached ? `${directory}/log` : '',
    Name: `/${state.name}`,
    RestartCount: 0,
    Driver: 'overlay',
    Platform: 'linux',
    Mounts: (options?.mounts.mounts ?? []).map(({ destination, source, type, options }) => ({
      Type: type,
      Source: source,
      Destination: destination,
      Mode: options.join(','),
      RW: !options.includes('ro'),
    })),
    Config: {
      Hostname: options?.hostname ?? id,
      User: options?.user ?? '',
      Tty: options?.terminal ?? false,
      OpenStdin: options?.interactive ?? false,
      Env: options?.env ?? [],
      Cmd: args,
      Image: imageOf(row),
      WorkingDir: options?.cwd ?? '',
    },
    HostConfig: {
      AutoRemove: state.autoRemove,
      NetworkMode: options?.network.mode ?? '',
      Privileged: options?.capabilities.privileged ?? false,
      ReadonlyRootfs: options?.readOnly ?? false,
      Init: options?.init ?? false,
      CapAdd: options?.capabilities.add ?? [],
      CapDrop: options?.capabilities.drop ?? [],
      Resources: options?.resources ?? {},
    },
    GraphDriver: {
      Name: 'overlay',
      Data: { LowerDir: state.rootfs, UpperDir: `${directory}/upper`, WorkDir: `${directory}/work` },
    },
    NetworkSettings: {
      IPAddress: lease?.address ?? '',
      MacAddress: lease?.mac ?? '',
      Gateway: lease?.gateway ?? '',
      Ports: Object.fromEntries(
        (lease?.ports ?? []).map(({ container, protocol, address, host }) => [
          `${container}/${protocol}`,
          [{ HostIp: address, HostPort: String(host) }],
        ]),
      ),
    },
  }
}
