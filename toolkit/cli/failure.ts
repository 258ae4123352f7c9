// What is said of an error: one line for what we know, a stack for what is our own fault.
import type { RunOptions } from '../engine/options.ts'
import { errnoMeaning } from '../kernel/errno.ts'
import { KernelError } from '../kernel/error.ts'
import { inQuotes, UsageError } from '../kernel/usage-error.ts'
import { printable } from './text/printable.ts'

/** What the kernel refuses the root of a user namespace it often does not refuse root. */
async function withoutRoot({ code }: KernelError): Promise<string> {
  const { inInitialUsers } = await import('../observe/id-maps.ts')
  return ['EPERM', 'EACCES'].includes(code) && !inInitialUsers() ? '; it may need root; try: sudo toolkit …' : ''
}

const isRefusedFile = (error: unknown): boolean =>
  error instanceof Error && (error as NodeJS.ErrnoException).errno !== undefined

/** Whether it is the user's, the kernel's or the disk's, and not our own fault. */
export const isExpected = (error: unknown): boolean =>
  error instanceof UsageError || error instanceof KernelError || isRefusedFile(error)

/** One line for what we know; a stack for what is our own fault. */
export async function explainError(error: Error): Promise<string> {
  if (error instanceof KernelError && error.call === 'execve')
    return `cannot start ${inQuotes((error.args[1] as string[])[0]!)} in the container: ${error.cause ?? error.meaning}`
  if (error instanceof KernelError) return printable(error.message) + (await withoutRoot(error))
  if (error instanceof UsageError) return printable(error.message)
  if (!isRefusedFile(error)) return (await import('./stack.ts')).readableStack(String(error.stack))
  const { syscall, path, code, errno } = error as NodeJS.ErrnoException // a file that Node was refused
  return `${syscall}(${JSON.stringify(path ?? '')}): ${code}, ${errnoMeaning(Math.abs(errno!))}`
}

/** Of an end by SIGKILL. */
export const outOfMemory = ({ resources }: Pick<RunOptions, 'resources'>): string =>
  `toolkit: killed by the kernel: its memory limit was reached${resources.memory ? ' (--memory)' : ''}`

/** The next command tries again. */
export const notAllUndone = (why: string): string => `toolkit: the container has ended, but ${why}`

/** As docker's client says why it does not wait any more. */
export const INSISTED = 'got 3 SIGTERM/SIGINTs'
