// What no file under /proc/PID has must be looked at from inside the process's namespaces.
import { inNamespaces } from '../kernel/enter.ts'
import { KernelError } from '../kernel/error.ts'
import { orGone } from './read.ts'

/** `inNamespaces` that answers undefined where the process is gone or may not be visited. */
export function visit<T>(pid: number, flags: number, read: () => T): T | undefined {
  try {
    return orGone(() => inNamespaces(pid, flags, read))
  } catch (error) {
    if (error instanceof KernelError && error.call === 'setns' && error.code === 'EPERM') return undefined
    throw error
  }
}
