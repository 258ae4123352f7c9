// An error of the kernel, said in other words: in the doctor's (host.ts), where it has a reason in the host.
import type { Action, Context } from '../kernel/action.ts'

/** The same action, whose errors `otherwise` says in other words. What it is in words itself stays unread. */
export function saying(action: Action, otherwise: (error: unknown) => unknown): Action {
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
