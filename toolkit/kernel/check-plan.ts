// Looks at a plan that a person has written, where no compiler did: `node box.ts` takes the types away unread. What is
// refused here would else fail far from the slip, or do nothing at all, as a namespace without a flag.
import type { Gate, Plan, Step } from './step.ts'
import { isGate } from './step.ts'
import { syscalls } from './syscalls.ts'
import { UsageError } from './usage-error.ts'

function slipIn(entry: Step | Gate | undefined): string | undefined {
  if (Array.isArray(entry))
    return `a list stands where a step should be; three dots put its items there: ...MODULE.plan({ … })`
  if (typeof entry !== 'object' || entry === null) return `${String(entry)} is no step`
  if (isGate(entry)) return undefined
  const { call, args } = entry
  if (!Object.hasOwn(syscalls, call)) return `there is no system call '${call}'`
  if (!Array.isArray(args)) return `${call} has no list of arguments: args: […]`
  const missing = args.indexOf(undefined)
  return missing < 0 ? undefined : `argument ${missing + 1} of ${call} is undefined`
}

/** Throws a UsageError that says what to write instead. Nothing has been made by then. */
export function checkPlan({ namespaces, first = [], steps }: Plan): void {
  for (const namespace of namespaces)
    if (typeof namespace?.flag !== 'number')
      throw new UsageError(`what stands in namespaces is no namespace: of a module it is MODULE.namespace`)
  for (const [list, entries] of Object.entries({ first, steps }))
    for (const [index, entry] of entries.entries()) {
      const slip = slipIn(entry)
      if (slip !== undefined) throw new UsageError(`${list}, item ${index + 1}: ${slip}`)
    }
}
