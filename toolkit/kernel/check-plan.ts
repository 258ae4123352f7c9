// Looks at a plan that a person has written, where no compiler did: `node box.ts` takes the types away unread. What is
// refused here would else fail far from the slip, or do nothing at all, as a namespace without a flag.
import type { Gate, Monitor, Plan, Step } from './step.ts'
import { isGate, isJump, isStruct } from './step.ts'
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

/** A label that nothing has, of those that the steps of a monitor name. */
function missingLabel({ steps }: Monitor): string | undefined {
  const labels = new Set(steps.flatMap(entry => (isJump(entry) ? [] : (entry.label ?? []))))
  const named = steps.flatMap(entry => {
    if (isJump(entry)) return [entry.to, entry.of]
    return entry.args.flatMap(arg => (arg !== null && isStruct(arg) ? (arg.results ?? []).map(({ of }) => of) : []))
  })
  return named.find(label => !labels.has(label))
}

/** Throws a UsageError that says what to write instead. Nothing has been made by then. */
export function checkPlan({ namespaces, first = [], steps, monitor }: Plan): void {
  const missing = monitor && missingLabel(monitor)
  if (missing !== undefined) throw new UsageError(`monitor: no step has the label ${JSON.stringify(missing)}`)
  for (const namespace of namespaces)
    if (typeof namespace?.flag !== 'number')
      throw new UsageError(`what stands in namespaces is no namespace: of a module it is MODULE.namespace`)
  for (const [list, entries] of Object.entries({ first, steps }))
    for (let i = 0; i < entries.length; i++) {
      const slip = slipIn(entries[i])
      if (slip !== undefined) throw new UsageError(`${list}, item ${i + 1}: ${slip}`)
    }
}
