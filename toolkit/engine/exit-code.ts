// What went wrong, as docker's exit codes count it.
import { KernelError } from '../kernel/error.ts'
import { UsageError } from '../kernel/usage-error.ts'

/** 127: the program was not found; 126: it is there, and cannot be executed; 125: the engine itself. */
export function exitCodeFor(error: unknown): number {
  if (error instanceof UsageError) return error.exitCode
  if (error instanceof KernelError && error.call === 'execve') return error.code === 'ENOENT' ? 127 : 126
  return 125
}
