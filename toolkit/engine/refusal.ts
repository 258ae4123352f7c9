// An error of the kernel, said in other words: in the doctor's (host.ts), where it has a reason in the host; in its user's,
// where it is about the value of one flag.
import type { Action, Context } from '../kernel/action.ts'
import { errnoMeaning } from '../kernel/errno.ts'
import { KernelError } from '../kernel/error.ts'
import { type Plan, type Step, stepsOf } from '../kernel/step.ts'
import { UsageError } from '../kernel/usage-error.ts'

/** The error in other words, or as it is. */
type Otherwise = (error: unknown) => unknown

/** The same action, whose errors `otherwise` says in other words. What it is in words itself stays unread. */
export function saying(action: Action, otherwise: Otherwise): Action {
  const apply = (context: Context) => {
    try {
      action.apply(context)
    } catch (error) {
      throw otherwise(error)
    }
  }
  return Object.defineProperties({} as Action, {
    ...Object.getOwnPropertyDescriptors(action),
    apply: { value: apply, enumerable: true },
  })
}

/** Which flag asked for what is at a place of the container: `--volume /a:/b` by `/b`. */
export type Asked = Readonly<Record<string, string>>

/** How an error begins that is about what is at a place; `otherwise` where no flag of this command asked for it. */
export function askedAt(asked: Asked | undefined, place: string, otherwise: string): string {
  const flag = asked?.[place]
  return flag ? `run: ${flag}` : otherwise
}

/** What of its user's wish a step carries out. */
export interface Wish {
  /** The flag and its value: `run: --workdir /etc/passwd`. */
  readonly asked: string
  /** What may be asked for. */
  readonly allowed: string
}

/** The same part of a plan, whose errors `otherwise` says in other words: whoever carries it out asks `inOtherWords`. */
export const saidOtherwise = <T extends object>(part: T, otherwise: Otherwise): T => ({ ...part, otherwise })

/** The same for steps. */
export const stepsSaying = (otherwise: Otherwise, steps: readonly Step[]): Step[] =>
  steps.map(step => saidOtherwise(step, otherwise))

/** What a plan has failed with, in the words of the part that it was: a step, or the pid namespace before the first. */
export function inOtherWords(error: unknown, plan: Plan): unknown {
  if (!(error instanceof KernelError) || error.step === undefined) return error
  const part = error.step > 0 ? stepsOf(plan)[error.step - 1] : error.call === 'setns' ? plan.pidNamespace : undefined
  const { otherwise } = (part ?? {}) as { readonly otherwise?: Otherwise }
  return otherwise ? otherwise(error) : error
}

/** Steps that carry out a wish: their errors name it. */
export const wishing = (wish: Wish, steps: readonly Step[]): Step[] => stepsSaying(refusing(wish), steps)

/** An error of the kernel as a UsageError that names the flag, its value and what is allowed; any other as it is. */
export function refusing(wish: Wish): Otherwise {
  return error => {
    const why = reasonOf(error)
    return why === undefined ? error : new UsageError(`${wish.asked}: ${why}; allowed: ${wish.allowed}`)
  }
}

/** Why the kernel has refused a call, of ours or of Node's; undefined for any other error. */
export function reasonOf(error: unknown): string | undefined {
  if (error instanceof KernelError) return `${error.cause ?? error.meaning} (${error.call}: ${error.code})`
  const { errno, syscall, code } = error as NodeJS.ErrnoException
  return errno === undefined ? undefined : `${errnoMeaning(Math.abs(errno))} (${syscall}: ${code})`
}
