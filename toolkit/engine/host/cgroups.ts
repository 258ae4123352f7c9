// Checks: where cgroups can be made, and which controllers they have.
import { accessSync, closeSync, constants, existsSync } from 'node:fs'
import { dirname } from 'node:path'
import { attempt } from '../../kernel/call.ts'
import { BPF } from '../../kernel/constants.ts'
import { errnoName } from '../../kernel/errno.ts'
import { type CgroupLayout, cgroupsBelow, controllerState, hierarchyOf, readLayout } from '../../observe/cgroups.ts'
import { requirement } from '../host.ts'
import { type Finding, isRoot, missing, NEEDS_ROOT, ok, unchecked } from './check.ts'

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
  return isRoot() ? missing(closed.join(', ')) : NEEDS_ROOT
}

type Controller = 'memory' | 'cpu' | 'cpuset' | 'pids' | 'io' | 'devices' | 'freezer' | 'hugetlb'

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

function absent(controller: Controller, layout: CgroupLayout): Finding {
  const state = controllerState(controller)
  if (state === 'absent') return missing('not built into this kernel', requirement('linux').remedy)
  if (state === 'disabled')
    return missing('switched off when the machine was started', requirement('cgroup-memory').remedy)
  const directory = layout.hierarchies.find(({ version }) => version === 2)?.directory
  if (layout.layout !== 'v2' || !directory) return missing('not mounted')
  return missing(
    'our cgroup has not got it',
    `echo +${controller} | sudo tee ${dirname(directory)}/cgroup.subtree_control`,
  )
}

/** Whether a hierarchy that is mounted has a controller for our own cgroup. */
export function controller(name: Controller): Finding {
  const layout = layoutHere()
  if (!isMounted(layout)) return unchecked('no hierarchy is mounted')
  const found = hierarchyOf(layout, name) ?? (name === 'io' ? hierarchyOf(layout, 'blkio') : undefined)
  if (found) return ok(`v${found.version}`)
  const isV2 = layout.hierarchies.some(({ version, directory }) => version === 2 && directory)
  if (isV2 && layout.layout === 'v2') {
    if (name === 'devices') return devicePrograms()
    if (name === 'freezer') return ok('v2') // a file of every cgroup, Linux 5.2
  }
  return absent(name, layout)
}

/** The files of the controller tell. The root cgroup of v2 has none, so there we ask any other one. */
export function swap(): Finding {
  const memory = hierarchyOf(layoutHere(), 'memory')
  if (!memory?.directory) return unchecked('there is no memory controller')
  if (memory.version === 1) return existsSync(`${memory.directory}/memory.memsw.limit_in_bytes`) ? ok() : missing()
  const group = [memory.directory, ...cgroupsBelow(memory.directory)].find(path => existsSync(`${path}/memory.max`))
  if (!group) return unchecked('there is no cgroup to look at')
  return existsSync(`${group}/memory.swap.max`) ? ok() : missing()
}
