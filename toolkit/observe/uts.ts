// The host name that a process sees, uts_namespaces(7). No file under /proc/PID has it: one has to go and look.
import { CLONE } from '../kernel/constants.ts'
import { utsName } from './hostname.ts'
import { visit } from './visit.ts'

export interface Uts {
  readonly hostname: string
  /** The NIS domain name, which hardly anybody sets: '(none)'. */
  readonly domain: string
}

/** Host and domain name of a process's UTS namespace; undefined where it is gone or we may not enter. */
export function readUts(pid: number): Uts | undefined {
  return visit(pid, CLONE.NEWUTS, () => ({ hostname: utsName('hostname'), domain: utsName('domainname') }))
}
