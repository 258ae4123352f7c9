import { oomKilled } from '../engine/cgroup/cgroup.ts'
import { readHealth, tend } from '../engine/life/health.ts'
import { statusOf } from '../engine/life/lifecycle.ts'
import { listNetworks } from '../engine/network/networks.ts'
import type { Attached, HealthCheck } from '../engine/options.ts'
import { PATH } from '../engine/spec.ts'
import { type ContainerRow, findContainer, placeOf } from '../engine/state/list.ts'
import { sweep } from '../engine/state/orphans.ts'
import { hasVolume } from '../engine/volume/store.ts'
import { UsageError } from '../kernel/usage-error.ts'
import { sizeOf } from '../observe/disk-usage.ts'
import { utsName } from '../observe/hostname.ts'
import { needContainers } from './each.ts'
import { hostConfig } from './inspect-host-config.ts'
import { anonymousVolumes, mounts } from './inspect-mounts.ts'
import { networkSettings } from './inspect-networks.ts'
import { type Command, mainOf } from './options.ts'
import { labelsOfContainer } from './prune.ts'
import { imageOf } from './text/describe.ts'
import { print, printError } from './text/output.ts'
import { printable, printableJson, printableLines } from './text/printable.ts'
import { freeMap, NIL_LIST, NIL_MAP, omitEmpty } from './text/template/values.ts'

export const command: Command = {
  usage: 'inspect [OPTIONS] CONTAINER…',
  summary: 'Print all about containers, as JSON in docker’s shape.',
  flags: {
    format: {
      short: 'f',
      value: 'TEMPLATE',
      blank: true,
      help: "parts of it, as '{{.State.Status}}' or '{{json .Config}}'",
    },
    type: {
      value: 'container|network|volume',
      help: 'what it is (default: a container, else a network, else a volume)',
    },
    size: { short: 's', help: 'how much space its files take, too' },
    json: { help: 'as JSON, which it is without this, too' },
  },
  mixed: true,
}

export const main = mainOf(command, async ({ flags, rest }) => {
  if (flags.type !== undefined && !['container', 'network', 'volume'].includes(String(flags.type)))
    throw new UsageError(`inspect: --type ${JSON.stringify(flags.type)}: there are container, network, volume`)
  const words = needContainers('inspect', rest)
  const fill =
    typeof flags.format === 'string' && flags.format !== 'json'
      ? (await import('./text/template/template.ts')).template(flags.format)
      : undefined
  const found: unknown[] = []
  let status = 0
  for (const word of words) {
    try {
      const about = await find(word, flags.type as string | undefined, flags.size === true)
      if (fill) print(printableLines(fill(about)))
      else found.push(about)
    } catch (error) {
      if (!(error instanceof UsageError)) throw error
      printError(`toolkit: ${printable(error.message)}`)
      status = 1
    }
  }
  if (!fill) print(printableJson(found, flags.format === 'json' ? 0 : 4))
  return status
})

const networkDetails = async (word: string) => (await import('./network.ts')).details(word)
const volumeDetails = async (word: string) => (await import('./volume.ts')).details(word)

/** As docker: whatever has this name. Throws a UsageError (exit code 1). */
async function find(word: string, type: string | undefined, size: boolean): Promise<object> {
  if (type === 'network') return networkDetails(word)
  if (type === 'volume') return volumeDetails(word)
  try {
    return describe(await carriedOn(word), size)
  } catch (error) {
    if (!(error instanceof UsageError) || type !== undefined) throw error
    if (listNetworks().some(({ name }) => name === word)) return networkDetails(word)
    if (hasVolume(word)) return volumeDetails(word)
    throw error
  }
}

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

const NEVER = '0001-01-01T00:00:00Z' // of Go, where no time is

function describe(row: ContainerRow, size: boolean) {
  const { id, state } = row
  if (!state) throw new UsageError(`container ${id}: ${row.problem ?? 'its state cannot be read'}`, 1)
  const status = statusOf(row)
  const { options, args } = state
  const { care = {} } = options ?? {}
  const directory = placeOf(row)
  const { attach, entrypoint } = options?.wording ?? {}
  const stdin = options?.interactive ?? false
  const isAttached = (stream: Attached) => attach?.includes(stream) ?? (stream !== 'stdin' || stdin)
  if (row.running) tend(id, state)
  const health = readHealth(directory)
  const about = {
    Id: state.id,
    Created: nanoseconds(state.created),
    Path: args[0],
    Args: args.slice(1),
    State: omitEmpty(
      {
        Status: status,
        Running: row.running || status === 'restarting',
        Paused: status === 'paused',
        Restarting: status === 'restarting',
        OOMKilled: state.oomKilled ?? (row.running && oomKilled(state.resources?.cgroups ?? [])),
        Dead: false,
        Pid: row.running ? (state.pid ?? 0) : 0,
        ExitCode: row.running || status === 'created' ? 0 : (state.exitCode ?? null), // null: nobody has seen it
        Error: state.error ?? '',
        StartedAt: nanoseconds(state.started ?? NEVER),
        FinishedAt: nanoseconds((!row.running && state.finished) || NEVER),
        Health:
          care.health && status !== 'created'
            ? { Status: health.status, FailingStreak: health.failingStreak, Log: health.log }
            : undefined,
      },
      'Health',
    ),
    Image: imageOf(row),
    ...filesOf(row, status === 'created' ? undefined : directory),
    Name: `/${state.name}`,
    RestartCount: state.restarts ?? 0,
    Driver: 'overlay',
    Platform: 'linux',
    MountLabel: '', // of SELinux
    ProcessLabel: '',
    AppArmorProfile: '',
    ExecIDs: NIL_LIST,
    Mounts: mounts(row),
    Config: omitEmpty(
      {
        Hostname: options?.hostname ?? (options?.namespaces.uts === 'host' ? utsName('hostname') : id),
        Domainname: options?.domainname ?? '',
        User: options?.user ?? '',
        AttachStdin: isAttached('stdin'),
        AttachStdout: isAttached('stdout'),
        AttachStderr: isAttached('stderr'),
        ExposedPorts: setOf([
          ...(options?.network.publish ?? []).map(({ container, protocol }) => `${container}/${protocol}`),
          ...(options?.network.expose ?? []),
        ]),
        Tty: options?.terminal ?? false,
        OpenStdin: stdin,
        StdinOnce: stdin && isAttached('stdin'),
        Env: environment(options?.env ?? []),
        Cmd: entrypoint === undefined ? args : args.slice(1),
        Healthcheck: options?.wording?.noHealthcheck ? { Test: ['NONE'] } : care.health && healthcheck(care.health),
        Image: imageOf(row),
        Volumes: setOf(options ? anonymousVolumes(options) : []),
        WorkingDir: options?.cwd ?? '',
        Entrypoint: entrypoint === undefined ? NIL_LIST : [entrypoint],
        OnBuild: NIL_LIST,
        Labels: freeMap(Object.entries(labelsOfContainer(row))),
        StopSignal: care.stopSignal ?? '',
        StopTimeout: care.stopTimeout,
      },
      'ExposedPorts',
      'Healthcheck',
      'StopSignal',
      'StopTimeout',
    ),
    HostConfig: hostConfig(state.name, options, state.autoRemove),
    GraphDriver: {
      Name: 'overlay',
      Data: {
        LowerDir: state.rootfs,
        MergedDir: '', // mounted nowhere that the host sees
        UpperDir: `${directory}/upper`,
        WorkDir: `${directory}/work`,
      },
    },
    NetworkSettings: networkSettings(row),
    SizeRw: size ? sizeOf(`${directory}/upper`) : undefined,
    SizeRootFs: size ? sizeOf(`${directory}/upper`) + sizeOf(state.rootfs) : undefined,
  }
  return omitEmpty(about, 'SizeRw', 'SizeRootFs')
}

/** A time with all the digits that docker's have; ours are milliseconds. */
const nanoseconds = (time: string): string => time.replace(/(\.\d{3})Z$/, '$1000000Z')

/** The last of a name wins. */
const environment = (env: readonly string[]): string[] => [
  ...new Map([PATH, ...env].map(text => [text.split('=')[0], text])).values(),
]

/** Go's way to write a set. */
const setOf = (words: readonly string[]) =>
  words.length > 0 ? freeMap(words.map(word => [word, {}] as const)) : NIL_MAP

/** Files of the container that the engine keeps; there are none before it is started. */
function filesOf(row: ContainerRow, directory: string | undefined) {
  const at = (name: string) => (directory === undefined ? '' : `${directory}/${name}`)
  return {
    HostnamePath: at('hostname'),
    HostsPath: at('hosts'),
    ResolvConfPath: at('resolv.conf'),
    LogPath: row.state?.detached && row.state.options?.log?.driver !== 'none' ? at('log') : '',
  }
}
