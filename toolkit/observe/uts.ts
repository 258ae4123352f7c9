// The host name that a process sees, uts_namespaces(7). No file under /proc/PID has it: one has to go and look.
import { CLONE } from '../kernel/constants.ts'
import { inNamespaces } from '../kernel/enter.ts'
import { KernelError } from '../kernel/error.ts'
import { orGone, readText } from './read.ts'

export interface Uts {
  readonly hostname: string
  /** The NIS domain name, which hardly anybody sets: '(none)'. */
  readonly domain: string
}

const name = (file: string): string => readText(`/proc/sys/kernel/${file}`)?.replace(/\n$/, '') ?? ''

/** Host and domain name of a process's UTS namespace; undefined where it is gone or we may not enter. */
export function readUts(pid: number): Uts | undefined {
  return visit(pid, CLONE.NEWUTS, () => ({ hostname: name('hostname'), domain: name('domainname') }))
}

/** `inNamespaces` that answers undefined where the process is gone or may not be visited. */
export function visit<T>(pid: number, flags: number, read: () => T): T | undefined {
  try {
    return orGone(() => inNamespaces(pid, flags, read))
  } catch (error) {
    if (error instanceof KernelError && error.call === 'setns' && error.code === 'EPERM') return undefined
    throw error
  }
}
