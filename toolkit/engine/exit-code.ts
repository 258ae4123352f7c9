// What went wrong, as docker's exit codes count it.
import { KernelError } from '../kernel/error.ts'
import { UsageError } from '../kernel/usage-error.ts'

/**
 * 127: the program was not found; 126: it is there, and cannot be executed; `failure`: all else. That is 125 where the exit
 * code is otherwise a program's, and 1 in other commands.
 */
export function exitCodeFor(error: unknown, failure: 1 | 125): number {
  if (error instanceof UsageError) return error.exitCode ?? failure
  if (error instanceof KernelError && error.call === 'execve') return error.code === 'ENOENT' ? 127 : 126
  return failure
}
