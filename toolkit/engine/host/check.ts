// What all checks of the host share. A check looks, or tries something in a process and namespaces of its own that are
// gone a moment later; it changes nothing that anybody else could see.
import { attempt } from '../../kernel/call.ts'
import { errnoName } from '../../kernel/errno.ts'
import { start } from '../../kernel/start.ts'
import { type Arg, type Namespace, step } from '../../kernel/step.ts'
import type { SyscallName } from '../../kernel/syscalls.ts'
import type { Particulars } from '../host.ts'

export interface Finding extends Particulars {
  /** unchecked: we could not even look; `detail` says why. */
  readonly state: 'ok' | 'missing' | 'unchecked'
  /** Missing, and nothing can be done without it here, though it can elsewhere. */
  readonly fatal?: true
}

export type Check = () => Finding

export const ok = (detail?: string): Finding => ({ state: 'ok', detail })
export const missing = (detail?: string, remedy?: string): Finding => ({ state: 'missing', detail, remedy })
export const unchecked = (why: string): Finding => ({ state: 'unchecked', detail: why })

export const isRoot = (): boolean => process.getuid!() === 0
export const NEEDS_ROOT = unchecked('only root can tell')

/** The name of the error that a call fails with; undefined where it succeeds. What it opens is left open. */
export function errorOf(name: SyscallName, args: readonly Arg[]): string | undefined {
  const result = attempt(name, args)
  return result < 0 ? errnoName(-result) : undefined
}

const GATE = 'look'

/**
 * Runs `look` while a process waits in new namespaces, which end with it. It ends by itself if we are killed: the gate
 * then lets it go on to a program that is a directory. Throws a KernelError where it cannot be made.
 */
export function inThrowaway<T>(flags: readonly number[], look: (pid: number) => T): T {
  const about = { why: 'to see whether it can be done', lesson: '20-engine', shell: '' } as const
  const namespaces = flags.map((flag): Namespace => ({ flag, ...about }))
  const waiting = start({ namespaces, steps: [{ gate: GATE }, step('execve', ['/', ['/'], []], about)] })
  try {
    waiting.next()
    return look(waiting.pid)
  } finally {
    waiting.abort()
  }
}
