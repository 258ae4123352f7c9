// Checks: where cgroups can be made, and which controllers they have.
import { accessSync, closeSync, constants, existsSync } from 'node:fs'
import { attempt } from '../../kernel/call.ts'
import { BPF } from '../../kernel/constants.ts'
import { errnoName } from '../../kernel/errno.ts'
import { UsageError } from '../../kernel/usage-error.ts'
import { type CgroupLayout, cgroupsBelow, hierarchyOf, readLayout } from '../../observe/cgroups.ts'
import { inInitialUsers } from '../../observe/id-maps.ts'
import { prepareCgroup } from '../cgroup/cgroup.ts'
import { ownLayout } from '../cgroup/place.ts'
import { HostRefusal } from '../host.ts'
import { type Finding, isRoot, missing, NEEDS_ROOT, ok, unchecked } from './check.ts'
import { withoutController } from './controllers.ts'

/** Our own cgroups. A directory that another mount has covered is none: mountinfo lists it still. */
function layoutHere(): CgroupLayout {
  const { layout, hierarchies } = readLayout(process.pid) ?? { layout: 'v2', hierarchies: [] }
  const isThere = (directory: string | undefined) => directory !== undefined && existsSync(`${directory}/cgroup.procs`)
  return {
    layout,
    hierarchies: hierarchies.map(found => (isThere(found.directory) ? found : { ...found, directory: undefined })),
  }
}

const isMounted = ({ hierarchies }: CgroupLayout): boolean => hierarchies.some(({ directory }) => directory)

export function mounted(): Finding {
  const layout = layoutHere()
  return isMounted(layout) ? ok(layout.layout) : missing()
}

export function writable(): Finding {
  const { hierarchies } = layoutHere()
  if (hierarchies.every(({ directory }) => directory === undefined)) return unchecked('no hierarchy is mounted')
  const closed: string[] = []
  for (const { directory, writable } of hierarchies) {
    if (directory === undefined) continue
    try {
      accessSync(directory, constants.W_OK)
      if (!writable) closed.push(directory)
    } catch {
      closed.push(directory)
    }
  }
  if (closed.length === 0) return ok()
  if (!isRoot()) return NEEDS_ROOT
  return inInitialUsers()
    ? missing(closed.join(', '))
    : { ...missing('none is delegated to us'), remedy: 'sudo toolkit …' }
}

// A wish that takes the controller, and no other.
const WISHES = {
  memory: { memory: { limit: 2 ** 30 } },
  cpu: { cpu: { quota: 100_000, period: 100_000 } },
  cpuset: { cpu: { cpus: '0' } },
  pids: { pids: { limit: 100 } },
  io: { blockIO: { throttleReadBpsDevice: [{ major: 8, minor: 0, rate: 2 ** 20 }] } },
  hugetlb: { hugepageLimits: [{ pageSize: '2MB', limit: 2 ** 21 }] },
} as const

const onV1 = (name: string): string => (name === 'io' ? 'blkio' : name)

/** Plans a container with such a limit, which changes nothing: what the engine would refuse, it refuses here. */
export function controller(name: keyof typeof WISHES): Finding {
  const layout = layoutHere()
  if (!isMounted(layout)) return unchecked('no hierarchy is mounted')
  if (!inInitialUsers() && !ownLayout().hierarchies.some(({ writable }) => writable))
    return unchecked('no cgroup is delegated to us')
  try {
    prepareCgroup({ id: 'probe', resources: WISHES[name], privateNamespace: false }, layout)
    return ok(hierarchyOf(layout, onV1(name))?.version === 1 ? 'v1' : 'v2')
  } catch (error) {
    if (error instanceof HostRefusal) return { state: 'missing', ...error.particulars }
    if (!(error instanceof UsageError)) throw error
    return { state: 'missing', ...withoutController({ controller: name, isV2: layout.layout === 'v2' }).particulars }
  }
}

// r0 = 1; exit: the shortest program that answers, and it allows everything.
const ALLOW_ALL = Buffer.from('b700000001000000' + '9500000000000000', 'hex')
const CGROUP_DEVICE = 15 // BPF_PROG_TYPE_CGROUP_DEVICE

/** v2 has no files for devices: a program decides, bpf(2). This one is loaded, attached to nothing, and let go. */
function devicePrograms(): Finding {
  if (!isRoot()) return NEEDS_ROOT
  const bytes = Buffer.alloc(48) // union bpf_attr: type, count, instructions, license
  bytes.writeUInt32LE(CGROUP_DEVICE, 0)
  bytes.writeUInt32LE(ALLOW_ALL.length / 8, 4)
  const pointers = [
    { at: 8, to: ALLOW_ALL },
    { at: 16, to: Buffer.from('\0') },
  ]
  const fd = attempt('bpf', [BPF.PROG_LOAD, { bytes, pointers, text: '{r0 = 1; exit}' }, bytes.length])
  if (fd < 0) return missing(`${errnoName(-fd)} from bpf`)
  closeSync(fd)
  return ok('by a program')
}

export function devices(): Finding {
  const layout = layoutHere()
  if (!isMounted(layout)) return unchecked('no hierarchy is mounted')
  if (hierarchyOf(layout, 'devices')) return ok('v1')
  return layout.layout === 'v2' ? devicePrograms() : missing('not mounted')
}

export function freezer(): Finding {
  const layout = layoutHere()
  if (!isMounted(layout)) return unchecked('no hierarchy is mounted')
  if (hierarchyOf(layout, 'freezer')) return ok('v1')
  return layout.layout === 'v2' ? ok('v2') : missing('not mounted') // on v2 a file of every group, Linux 5.2
}

/** Whether a controller has one of these files. The root group has hardly any, so others are asked, too. */
function hasFile(name: string, files: readonly string[]): Finding {
  const layout = layoutHere()
  const found = hierarchyOf(layout, onV1(name)) ?? hierarchyOf(layout, name)
  if (!found?.directory) return unchecked(`no group here has the controller ${name}`)
  const groups = [found.directory, ...cgroupsBelow(found.mountPoint!)]
  if (groups.some(group => files.some(file => existsSync(`${group}/${file}`)))) return ok()
  return groups.every(group => group === found.mountPoint) ? unchecked('there is no cgroup to look at') : missing()
}

export const swap = (): Finding => hasFile('memory', ['memory.memsw.limit_in_bytes', 'memory.swap.max'])

export const weight = (): Finding => hasFile('io', ['blkio.weight', 'blkio.bfq.weight', 'io.weight', 'io.bfq.weight'])
