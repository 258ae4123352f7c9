// A chosen part of the tests on the machine that most users have: systemd, cgroup v2, another kernel. TOOLKIT_VM names
// a program that makes such a machine: see guest.ts.
import { stripVTControlCharacters } from 'node:util'
import { expect, test } from 'vitest'
import { guest } from './guest.ts'

const { TOOLKIT_VM } = process.env
const chosen = [
  'test/kernel/start.test.ts',
  'test/kernel/runner.test.ts',
  'test/primitives/cgroups.test.ts',
  'test/primitives/device-rules.test.ts',
  'test/engine/lab/cgroup.test.ts',
  'test/engine/lab-machine.test.ts',
  'test/cli/run.isolation.test.ts',
  'test/observe/cgroups.test.ts',
]
/** Of these all but what takes long, and no kernel answers differently: the plain JavaScript, floods. */
const names = '^(?!.*(startTwin|^many|a fork bomb|busy ones))'
/** Of the lessons those that look at cgroups, where v1 and v2 differ. */
const lessons = ['10-memory', '11-limits', '20-engine']
/**
 * Of containers that live on: limits that change, memory that runs out, groups that a container makes itself, a kernel that
 * may not tell exit codes; and a clock that is set, which is nobody's there.
 */
const living = [
  'test/engine/life-crash.test.ts',
  'test/cli/update.test.ts',
  'test/cli/clock.test.ts',
  'test/cli/exec.test.ts',
  ...[
    '-t',
    '(kill -9 of the monitor(?! of one of many)|other limits at once|out of memory|given back|R23|passes its controllers on)',
  ],
]
const minutes = 40 // at most, where its host is busy, too
const inGuest = (...command: string[]) => guest(TOOLKIT_VM!, minutes, command)

/** A line a file, with its time, and the counts. */
const summaryOf = (output: string): string =>
  output
    .split('\n')
    .filter(line => /\S test\/\S+\.test\.tsx? |Test Files|Tests|Duration/.test(stripVTControlCharacters(line)))
    .map(line => `${line}\n`)
    .join('')

const reason = TOOLKIT_VM ? '' : ' (skipped: TOOLKIT_VM names no virtual machine)'

test.skipIf(reason)(`the chosen tests pass on cgroup v2 with systemd${reason}`, { timeout: minutes * 60_000 }, () => {
  const { status, output } = inGuest('bin/node', 'node_modules/vitest/vitest.mjs', 'run', ...chosen, '-t', names)
  expect(status, output.slice(-8000)).toBe(0)
  process.stdout.write(summaryOf(output))
})

test.skipIf(reason)(`containers that live on do so there${reason}`, { timeout: minutes * 60_000 }, () => {
  const { status, output } = inGuest('bin/node', 'node_modules/vitest/vitest.mjs', 'run', ...living)
  expect(status, output.slice(-8000)).toBe(0)
  process.stdout.write(summaryOf(output))
})

test.skipIf(reason)(
  `the text and the solutions of lessons work there: ${lessons.join(', ')}${reason}`,
  { timeout: minutes * 60_000 },
  () => {
    const { status, output } = inGuest(
      'bin/toolkit',
      'lessons',
      'verify',
      '--quick',
      ...lessons.map(name => `./lessons/${name}`),
    )
    expect(status, output.slice(-8000)).toBe(0)
  },
)
