// The programs of a v2 group that are asked at each mknod and open of a device. The group has no file that shows them:
// only BPF_PROG_QUERY in bpf(2) tells, to root.
import { closeSync, constants, openSync } from 'node:fs'
import { attempt } from '../kernel/call.ts'
import { BPF } from '../kernel/constants.ts'
import { orGone } from './read.ts'

const CGROUP_DEVICE = 6 // BPF_CGROUP_DEVICE of enum bpf_attach_type
const COUNT_AT = 24 // prog_cnt in union bpf_attr for a query

/** How many are attached to a group itself, not to those above; undefined where there is no such group or no bpf(2). */
export function countDevicePrograms(directory: string): number | undefined {
  const group = orGone(() => openSync(directory, constants.O_RDONLY | constants.O_DIRECTORY))
  if (group === undefined) return undefined
  try {
    const bytes = Buffer.alloc(32) // target_fd, attach_type, query_flags, attach_flags, prog_ids, prog_cnt
    bytes.writeUInt32LE(group, 0)
    bytes.writeUInt32LE(CGROUP_DEVICE, 4)
    const result = attempt('bpf', [BPF.PROG_QUERY, bytes, bytes.length]) // the kernel writes the answer into them
    return result < 0 ? undefined : bytes.readUInt32LE(COUNT_AT)
  } finally {
    closeSync(group)
  }
}
