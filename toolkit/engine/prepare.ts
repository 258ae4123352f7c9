// Everything about a container that can be known before it exists: its description, and each part of its plan.
import { statSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Plan } from '../kernel/step.ts'
import { UsageError } from '../kernel/usage-error.ts'
import { utsName } from '../observe/hostname.ts'
import { inInitialUsers } from '../observe/id-maps.ts'
import { planCgroup } from './cgroup/cgroup.ts'
import { planEtc } from './etc.ts'
import type { Lease } from './network/lease.ts'
import type { Linked } from './network/links.ts'
import type { NameWishes } from './network/names.ts'
import type { RunOptions } from './options.ts'
import { type ContainerPlan, planContainer } from './plan.ts'
import { planRootfs } from './rootfs.ts'
import { seccompSteps } from './seccomp.ts'
import type { SharedNamespaces } from './shared-namespaces.ts'
import { makeSpec } from './spec.ts'
import type { Resources } from './state/resources.ts'
import { newId, pathsOf } from './state/store.ts'
import { planSystem } from './system-mounts.ts'
import { ownPipes } from './terminal/own-pipes.ts'
import type { Volumes } from './volume/mounts.ts'
import { planMounts } from './volume/volumes.ts'
import { askedDevices } from './wishes.ts'

/** All of a plan but the network, whose address nobody knows before it is taken. */
export interface Prepared extends Omit<ContainerPlan, 'network'> {
  /** Volumes that go with it: those without a name, of a container of which nothing is kept. */
  readonly ownVolumes: readonly string[]
  /** Where the names are of a container whose network it shares. */
  readonly namesFrom: string | undefined
  /** Lines of /etc/hosts for the containers that it is linked with. */
  readonly linked: NameWishes['hosts']
}

/** Looks at the host and at the rootfs, changes nothing. Throws a UsageError for what cannot be. */
export async function prepare(options: RunOptions, id: string, { livesOn = false } = {}): Promise<Prepared> {
  checkRootfs(options.rootfs)
  const volumes = await volumesOf(options, id)
  const shared =
    options.network.container === undefined
      ? undefined
      : (await import('./network/shared-network.ts')).shareNetwork(options)
  const linked = await linksOf(options, id)
  const env = [...linked.env, ...options.env]
  const mounted = { ...options.mounts, mounts: volumes.mounts, asked: { ...volumes.asked, ...options.mounts.asked } }
  const others = await othersOf(options)
  const { namespaces: asked } = others
  const spec = makeSpec({ ...options, ...shared?.options, env, mounts: mounted, namespaces: asked }, id)
  const { uidMappings, gidMappings, resources, namespaces, cgroupsPath: path } = spec.linux
  const { upper, work, merged } = pathsOf(id)
  const cgroup = await planCgroup({
    id,
    resources,
    path,
    privateNamespace: namespaces.some(({ type, path }) => type === 'cgroup' && !path),
  })
  const layers = {
    lower: [spec.root.path],
    upper,
    work,
    volatile: options.autoRemove,
    userAttributes: !inInitialUsers(),
  }
  const mappings = uidMappings && gidMappings && { uidMappings, gidMappings }
  const cgroupShown = spec.mounts.flatMap(mount => (mount.type === 'cgroup' ? cgroup.view(mount) : [mount]))
  const { system, ...mounts } = planMounts(cgroupShown, { ...mounted, volumes: volumes.sources })
  return {
    spec,
    cgroup,
    rootfs: planRootfs({ layers, target: merged, ...(mappings && { mappings }) }),
    mounts: {
      before: [...volumes.before, ...mounts.before, ...others.before],
      early: mounts.early,
      late: [...others.steps, ...mounts.late],
    },
    ownVolumes: options.autoRemove ? volumes.anonymous : [],
    namesFrom: shared?.directory,
    linked: linked.hosts,
    system: planSystem(system, {
      extras: spec.linux.devices,
      asked: askedDevices(options.wording?.devices),
      mappings,
      sharesNetwork: !namespaces.some(({ type, path }) => type === 'network' && !path),
    }),
    seccomp: await seccompSteps({ profile: options.seccomp, capabilities: spec.process.capabilities.bounding }),
    streams: livesOn || options.terminal ? [] : ownPipes(spec, options.interactive),
    stdin: options.interactive,
    init: options.init,
    livesOn,
  }
}

/** What is going to be made outside of its directory. */
export const outsideOf = ({ cgroup, ownVolumes: volumes }: Prepared, { network }: RunOptions): Resources => ({
  volumes,
  cgroups: cgroup.directories,
  ...(cgroup.above.length > 0 && { cgroupsAbove: cgroup.above }),
  network: network.mode === 'bridge',
})

/** Whose namespaces it has, where they are another container's. */
const othersOf = async ({ namespaces }: RunOptions): Promise<SharedNamespaces> =>
  [namespaces.ipc, namespaces.pid].some(mode => typeof mode === 'object' && 'container' in mode)
    ? (await import('./shared-namespaces.ts')).shareNamespaces(namespaces)
    : { namespaces, before: [], steps: [] }

const linksOf = async (options: RunOptions, id: string): Promise<Linked> =>
  options.network.links?.length ? (await import('./network/links.ts')).planLinks(options, id) : { hosts: [], env: [] }

/** Most containers have none. */
export const volumesOf = async (options: RunOptions, id: string): Promise<Volumes> =>
  options.mounts.mounts.length + options.mounts.from.length === 0
    ? { mounts: [], sources: [], anonymous: [], before: [] }
    : (await import('./volume/mounts.ts')).planVolumes(options, id)

/** The whole plan, now that it is known where the container is in the network. */
export async function complete(
  parts: Prepared,
  options: RunOptions,
  id: string,
  leases: readonly Lease[],
): Promise<Plan> {
  const { mode, names } = options.network
  const etc = planEtc({
    directory: pathsOf(id).directory,
    hostname: parts.spec.hostname ?? utsName('hostname'),
    domainname: parts.spec.domainname,
    mode,
    names: { ...names, hosts: [...names.hosts, ...parts.linked] },
    leases,
    from: parts.namesFrom,
    taken: parts.spec.mounts.map(({ destination }) => destination),
    readOnly: options.readOnly,
  })
  const { mounts } = parts
  return planContainer({
    ...parts,
    mounts: { ...mounts, before: [...mounts.before, ...etc.before], early: [...mounts.early, ...etc.steps] },
    network: leases.length > 0 ? await wires(leases) : [],
  })
}

async function wires(leases: readonly Lease[]) {
  const [{ wireAll }, { bridgeNetwork }] = await Promise.all([
    import('./network/wiring.ts'),
    import('./network/network.ts'),
  ])
  return wireAll(leases, bridgeNetwork())
}

/** What would be done for these options, as far as one can know without doing any of it. Needs no rights. */
export async function preview(options: RunOptions, id = newId()): Promise<Plan> {
  const parts = await prepare(options, id)
  const { mode } = options.network
  const leases = mode === 'bridge' ? (await import('./network/networks.ts')).preview(options.network, id, []) : []
  return complete(parts, options, id, leases)
}

function checkRootfs(rootfs: string): void {
  const stat = statSync(rootfs, { throwIfNoEntry: false })
  if (!stat) throw new UsageError(`no root file system at ${resolve(rootfs)}; give a directory, or 'busybox'`)
  if (!stat.isDirectory()) throw new UsageError(`${resolve(rootfs)} is not a directory; a root file system is one`)
}
