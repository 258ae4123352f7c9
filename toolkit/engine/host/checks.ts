// Looks at the host: for each requirement whether it is met. For `toolkit doctor`; no container pays for loading this.
import { GROUPS, type Requirement, type RequirementId, requirements } from '../host.ts'
import * as cgroups from './cgroups.ts'
import { type Check, type Finding, unchecked } from './check.ts'
import * as course from './course.ts'
import * as files from './files.ts'
import * as kernel from './kernel.ts'
import * as namespaces from './namespaces.ts'
import * as network from './network.ts'

const checks: Record<RequirementId, Check> = {
  processor: kernel.processor,
  surroundings: kernel.surroundings,
  linux: kernel.linux,
  'detached-mounts': kernel.detachedMounts,
  'mount-attributes': kernel.mountAttributes,
  seccomp: kernel.seccomp,
  'memfd-exec': kernel.memfdExec,
  root: kernel.root,
  capabilities: kernel.capabilities,
  'container-capabilities': kernel.containerCapabilities,
  'cap-sys-resource': kernel.sysResource,
  'open-files': kernel.openFiles,
  'ns-mnt': () => namespaces.namespace('mnt'),
  'ns-uts': () => namespaces.namespace('uts'),
  'ns-ipc': () => namespaces.namespace('ipc'),
  'ns-pid': () => namespaces.namespace('pid'),
  'ns-net': () => namespaces.namespace('net'),
  'ns-user': () => namespaces.namespace('user'),
  'ns-cgroup': () => namespaces.namespace('cgroup'),
  'ns-time': () => namespaces.namespace('time'),
  'ns-limit': namespaces.limits,
  'userns-for-users': namespaces.forUsers,
  overlay: files.overlay,
  'state-dir': files.state,
  'overlay-upper': files.upper,
  'disk-space': files.space,
  'idmapped-mounts': files.idMaps,
  cgroups: cgroups.mounted,
  'cgroup-write': cgroups.writable,
  'cgroup-memory': () => cgroups.controller('memory'),
  'cgroup-swap': cgroups.swap,
  'cgroup-cpu': () => cgroups.controller('cpu'),
  'cgroup-cpuset': () => cgroups.controller('cpuset'),
  'cgroup-pids': () => cgroups.controller('pids'),
  'cgroup-io': () => cgroups.controller('io'),
  'cgroup-io-weight': cgroups.weight,
  'cgroup-devices': cgroups.devices,
  'cgroup-freezer': cgroups.freezer,
  'cgroup-hugetlb': () => cgroups.controller('hugetlb'),
  veth: () => network.link('veth'),
  bridge: () => network.link('bridge'),
  macvlan: () => network.link('macvlan'),
  vxlan: () => network.link('vxlan'),
  nftables: network.nftables,
  'ip-forward': network.forwarding,
  'forward-policy': network.forwardPolicy,
  'bridge-filter': network.bridgeFilter,
  ip: () => course.programs('ip'),
  nft: () => course.programs('nft'),
  runc: () => course.programs('runc'),
  'util-linux': () => course.programs('unshare', 'nsenter', 'mount'),
  busybox: course.busybox,
  terminal: course.terminal,
  'utf-8': course.utf8,
}

/**
 * missing: no container can be made. warning: something is not there that only some need. unchecked: we could not
 * even look.
 */
export type State = 'ok' | 'warning' | 'missing' | 'unchecked'

export interface Result extends Requirement {
  readonly id: RequirementId
  readonly state: State
  /** What was found, what exactly is missing, or why we could not look. */
  readonly detail: string | undefined
}

const stateOf = ({ state, fatal }: Finding, { needed }: Requirement): State =>
  state === 'missing' && !needed && !fatal ? 'warning' : state

/** A check that goes wrong itself does not keep the others from being made. */
function run(id: RequirementId): Finding {
  try {
    return checks[id]()
  } catch (error) {
    return unchecked((error as Error).message)
  }
}

/** Whether one requirement is met. */
export function check(id: RequirementId): Result {
  const requirement = requirements()[id]
  const found = run(id)
  const { detail, remedy = requirement.remedy } = found
  return { id, ...requirement, remedy, state: stateOf(found, requirement), detail }
}

/** Runs every check, in the order in which they are to be read. */
export function checkHost(): Result[] {
  const results = (Object.keys(requirements()) as RequirementId[]).map(check)
  return GROUPS.flatMap(group => results.filter(result => result.group === group))
}
