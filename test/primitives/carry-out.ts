// Carries a whole plan out, with what the engine does outside, and tells what its program wrote.
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import type { Context } from '../../toolkit/kernel/action.ts'
import { KernelError } from '../../toolkit/kernel/error.ts'
import { start } from '../../toolkit/kernel/start.ts'
import { isGate, type Plan, step } from '../../toolkit/kernel/step.ts'
import { exitStatus, wait } from '../../toolkit/kernel/wait.ts'

const about = { why: 'to be tested', lesson: '20-engine', shell: '' } as const

/** As long as a test wants: what happens outside while the process waits at a gate of this name. */
export type AtGate = (gate: string, pid: number) => void

export interface Outcome {
  readonly status: number
  readonly output: string
}

/** The step that failed: the error in a test's eyes. */
export const failure = async (outcome: Promise<Outcome>): Promise<KernelError> => {
  const error = await outcome.then(
    ({ status, output }) => new Error(`nothing failed: ${status} ${output}`),
    error => error,
  )
  if (!(error instanceof KernelError)) throw error
  return error
}

/** Runs the plan; its last step is a program, whose output and exit status are returned. */
export async function carryOut(plan: Plan, atGate?: AtGate): Promise<Outcome> {
  const directory = mkdtempSync('/tmp/out-')
  const context: { descriptors: Context['descriptors']; process?: Context['process'] } = { descriptors: new Map() }
  const output = openSync(`${directory}/output`, 'w')
  try {
    for (const action of plan.before ?? []) action.apply(context)
    context.descriptors.set('output', output)
    const put = [1, 2].map(fd => step('dup3', [{ descriptor: 'output' }, fd, 0], about))
    const process = start({ ...plan, steps: [...put, ...plan.steps] }, { descriptors: context.descriptors })
    context.process = process
    const gates = [...(plan.first ?? []), ...plan.steps].filter(isGate)
    for (let gate = process.next(); gate !== undefined; gate = process.next()) {
      try {
        for (const action of gates.find(({ gate: name }) => name === gate)!.actions ?? []) action.apply(context)
        atGate?.(gate, process.pid)
      } catch (error) {
        process.abort()
        throw error
      }
      process.open()
    }
    const exit = await wait(process.pid, process.pidfd)
    process.close()
    return { status: exitStatus(exit), output: readFileSync(`${directory}/output`, 'utf8') }
  } finally {
    for (const fd of context.descriptors.values()) closeSync(fd)
    if (!context.descriptors.has('output')) closeSync(output)
    rmSync(directory, { recursive: true })
  }
}
