// Why a call fails, in the places where containers are made. The first row that fits wins, so the special ones come
// first. These tables are part of the course: a lesson that provokes an error on purpose quotes its row, and
// test/kernel/causes.test.ts provokes for real all that can be provoked.
import { anyCallCauses } from './causes/any-call.ts'
import { cgroupCauses } from './causes/cgroups.ts'
import { detachedMountCauses } from './causes/detached-mounts.ts'
import { fileCauses } from './causes/files.ts'
import { mountCauses } from './causes/mounts.ts'
import { namespaceCauses } from './causes/namespaces.ts'
import { processCauses } from './causes/processes.ts'
import type { Cause, CauseRow } from './causes/row.ts'
import { ERRNO } from './errno.ts'
import type { Arg } from './step.ts'
import type { SyscallName } from './syscalls.ts'

/** All rows, in the order in which they are tried. Made when asked for: most runs have no error to explain. */
export const causes = (): readonly CauseRow[] => [
  ...cgroupCauses(),
  ...detachedMountCauses(),
  ...namespaceCauses(),
  ...processCauses(),
  ...mountCauses(),
  ...fileCauses(),
  ...anyCallCauses(),
]

const concerns = ({ call }: CauseRow, name: SyscallName): boolean =>
  call === undefined || (typeof call === 'string' ? call === name : call.includes(name))

/** The likely cause of a failed call, or undefined. */
export function findCause(call: SyscallName, args: readonly Arg[], errno: number): Cause | undefined {
  return causes().find(row => concerns(row, call) && ERRNO[row.errno] === errno && (row.when?.(args) ?? true))
}
