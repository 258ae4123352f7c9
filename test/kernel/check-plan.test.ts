// Slips of a plan written by hand: each is said before anything is made.
import { describe, expect, test } from 'vitest'
import { start } from '../../toolkit/kernel/start.ts'
import type { Plan } from '../../toolkit/kernel/step.ts'
import { UsageError } from '../../toolkit/kernel/usage-error.ts'
import { waitSync } from '../../toolkit/kernel/wait.ts'
import * as chroot from '../../toolkit/primitives/chroot.ts'
import * as uts from '../../toolkit/primitives/uts.ts'
import { call, shell } from './plans.ts'

/** What `start` says of a plan as it comes from a file without types. */
function refusal(plan: unknown): string {
  try {
    start(plan as Plan).abort()
  } catch (error) {
    if (error instanceof UsageError) return error.message
    throw error
  }
  return 'started'
}

describe('a plan written by hand', () => {
  const program = shell('true')
  const steps = uts.plan({ hostname: 'box' })

  test.each([
    ['the three dots forgotten', { namespaces: [], steps: [steps, program] }, /^steps, item 1: a list stands where/],
    ['before the gate, too', { namespaces: [], first: [steps], steps: [program] }, /^first, item 1: a list stands/],
    ['the module for its namespace', { namespaces: [uts], steps: [program] }, /is MODULE\.namespace$/],
    ['the function for what it returns', { namespaces: [], steps: [uts.plan, program] }, /is no step$/],
    ['a call that does not exist', { namespaces: [], steps: [{ call: 'exec', args: [] }] }, /no system call 'exec'/],
    ['no arguments', { namespaces: [], steps: [{ call: 'execve' }] }, /^steps, item 1: execve has no list of/],
    [
      'a path where an object should be',
      { namespaces: [], steps: [program, ...chroot.plan('/tmp' as never)] },
      /^steps, item 2: argument 1 of chroot is undefined$/,
    ],
  ])('%s', (_, plan, said) => {
    expect(refusal(plan)).toMatch(said)
  })

  test('a right one starts', () => {
    const child = start({ namespaces: [uts.namespace], steps: [...steps, call('chdir', '/'), program] })
    expect(child.next()).toBeUndefined()
    expect(waitSync(child.pid)).toEqual({ code: 0 })
    child.close()
  })
})
