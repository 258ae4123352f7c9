// A container's description as others take it: config.json of the OCI runtime specification 1.2, complete enough for
// `runc run --bundle`. Our own spec is the same but for what the engine fills in by itself, and that is written out here.
// https://github.com/opencontainers/runtime-spec/blob/main/config.md
import { existsSync } from 'node:fs'
import { release } from 'node:os'
import { defaultRules } from '../primitives/device-rules.ts'
import { type Mount, propagationFlags } from '../primitives/mount.ts'
import type { Seccomp } from '../primitives/seccomp.ts'
import { type AllResources, PIDS_LIMIT } from './cgroup/cgroup.ts'
import type { IpcMode, RunOptions } from './options.ts'
import { volumesOf } from './prepare.ts'
import { plainProfile } from './seccomp.ts'
import { makeSpec, type Spec } from './spec.ts'
import { newId } from './state/store.ts'
import { planMounts, SUBPATH } from './volume/volumes.ts'

/** A limit as the specification has it: unsigned, and no limit is 2**64 - 1, which is no number of JavaScript. */
interface OciRlimit {
  readonly type: string
  readonly soft: bigint
  readonly hard: bigint
}

export interface OciConfig extends Omit<Spec, 'process' | 'linux'> {
  readonly process: Omit<Spec['process'], 'rlimits'> & { readonly rlimits: readonly OciRlimit[] }
  readonly linux: Spec['linux'] & { readonly rootfsPropagation: string; readonly seccomp?: Seccomp }
}

/** `seccomp`: the filter in its plain form; without one every call is let through. */
export function toOci(spec: Spec, seccomp: Seccomp | undefined): OciConfig {
  const { process, mounts, linux } = spec
  return {
    ...spec,
    process: {
      ...process,
      rlimits: process.rlimits.map(({ type, soft, hard }) => ({ type, soft: unsigned(soft), hard: unsigned(hard) })),
    },
    mounts: mounts.toSorted((a, b) => depth(a) - depth(b)).map(saidInFull),
    linux: {
      ...linux,
      namespaces: linux.namespaces.filter(namespace => namespace.type !== 'time' || saysMore(spec, namespace)),
      resources: complete(linux.resources),
      rootfsPropagation: linux.rootfsPropagation ?? 'private',
      ...(seccomp && { seccomp }),
    },
  }
}

/** A time namespace with the host's own clocks is left out: to a program it is none, and runc before 1.2 refuses it. */
const saysMore = ({ linux }: Spec, { path }: { path?: string }): boolean =>
  path !== undefined || linux.timeOffsets !== undefined

const unsigned = (limit: number): bigint => BigInt.asUintN(64, BigInt(limit))

/** Others mount in the order of the list: what lies below something else comes after it. */
const depth = ({ destination }: Mount): number => destination.split('/').filter(Boolean).length

/** What every bind mount of ours is unless told otherwise: cut off from the host’s, and read-only in all that is below. */
function saidInFull(mount: Mount): Mount {
  const { options } = mount
  const all = options.includes('rbind')
  if (!all && !options.includes('bind')) return mount
  const spreads = options.some(word => propagationFlags(word) !== undefined)
  const more = [...(spreads ? [] : ['rprivate']), ...(all && options.includes('ro') ? ['rro'] : [])]
  const below = options.find(word => word.startsWith(SUBPATH))?.slice(SUBPATH.length)
  const words = options.filter(word => !word.startsWith(SUBPATH)).map(word => (word === 'rotop' ? 'ro' : word))
  return {
    ...mount,
    ...(below !== undefined && { source: `${mount.source}/${below}` }),
    options: [...words, ...more],
  }
}

/** With the limits and devices that nobody needs to ask for. */
function complete({ memory, pids, devices = [], ...others }: AllResources): AllResources {
  const limit = memory?.limit ?? -1
  return {
    ...others,
    ...(memory && { memory: limit > 0 ? { ...memory, swap: memory.swap ?? 2 * limit } : memory }),
    pids: pids ?? { limit: PIDS_LIMIT },
    devices: [{ allow: false, access: 'rwm' }, ...devices, ...defaultRules],
  }
}

/** A config.json, and what `run` would do that cannot be said in one: a line each. */
export interface Description {
  readonly config: OciConfig
  readonly unsaid: readonly string[]
}

/** What `run` would carry out. Looks at the host and at the rootfs, changes nothing, needs no rights. Throws UsageError. */
export async function ociConfig(options: RunOptions, id = newId()): Promise<Description> {
  const volumes = await volumesOf(options, id)
  const { ipc, pid } = options.namespaces
  const namespaces = {
    ...options.namespaces,
    ipc: joins(ipc) ? 'private' : ipc,
    pid: joins(pid) ? 'private' : pid,
  } as const
  const spec = makeSpec({ ...options, namespaces, mounts: { ...options.mounts, mounts: volumes.mounts } }, id)
  planMounts(spec.mounts, { ...options.mounts, volumes: volumes.sources }) // refuses what cannot be mounted
  const seccomp = await plainProfile({
    profile: options.seccomp,
    capabilities: spec.process.capabilities.bounding,
    kernel: release(),
  })
  return { config: toOci(spec, seccomp), unsaid: unsaid(options, spec, volumes.sources) }
}

/** Of a container whose process has another number each time. */
const joins = (mode: IpcMode): mode is { container: string } => typeof mode === 'object' && 'container' in mode

const OWN_FILES = ['/etc/hostname', '/etc/hosts', '/etc/resolv.conf']

function unsaid(
  { network, namespaces, init, readOnly, care, log, mounts: { create } }: RunOptions,
  { root, mounts }: Spec,
  volumes: readonly string[],
): string[] {
  const files = OWN_FILES.filter(path => !mounts.some(({ destination }) => destination === path))
  const missing = [...create, ...volumes].filter(path => !existsSync(path))
  return [
    ...(readOnly ? [] : [`the layer over ${root.path}: whoever runs this writes into that directory`]),
    ...(files.length > 0 ? [`${files.join(', ')}: the image’s own are seen`] : []),
    ...missing.map(path => `${path}, the source of a volume: it is not there, and has to be made`),
    ...(network.mode === 'bridge' ? ['the bridge: the network namespace has a loopback and no way out'] : []),
    ...(network.container
      ? [`the network of container ${network.container}: it has a new one, with a loopback only`]
      : []),
    ...(['ipc', 'pid'] as const).flatMap(type => {
      const mode = namespaces[type]
      return joins(mode) ? [`the ${type} namespace of container ${mode.container}: it has a new one`] : []
    }),
    ...new Set(network.publish.map(({ text }) => `the published port ${text}`)),
    ...(init ? ['--init: the command itself is PID 1'] : []),
    ...(care?.restart ? ['--restart: nobody starts it again'] : []),
    ...(care?.health ? ['--health-cmd: nobody looks after its health'] : []),
    ...(log ? ['--log-driver, --log-opt: whoever runs it keeps what it writes'] : []),
    ...(care?.stopSignal || care?.stopTimeout ? ['--stop-signal, --stop-timeout: whoever stops it chooses'] : []),
  ]
}

const json = JSON as typeof JSON & { rawJSON(text: string): unknown }

/** The text of a config.json. A bigint becomes a plain number with all its digits. */
export const formatConfig = (config: OciConfig): string =>
  JSON.stringify(config, (_, value) => (typeof value === 'bigint' ? json.rawJSON(String(value)) : value), 2)
