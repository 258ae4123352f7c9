// The table at the end of the course has every call that `toolkit run --explain` prints.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { afterAll, expect, test } from 'vitest'
import { parse } from '../../toolkit/cli/options.ts'
import { command, wishOf } from '../../toolkit/cli/run.ts'
import { preview } from '../../toolkit/engine/prepare.ts'
import { isGate, stepsOf } from '../../toolkit/kernel/step.ts'

const rootfs = mkdtempSync(`${tmpdir()}/toolkit-rootfs-`)
afterAll(() => rmSync(rootfs, { recursive: true }))

const text = readFileSync(new URL('../../lessons/20-engine/lesson.md', import.meta.url), 'utf8')
const table = /^These are all calls[\s\S]*?```text\n([\s\S]*?)```/m.exec(text)![1]!

/** The calls of a plan by their names, those of the engine outside too. */
async function callsOf(flags: readonly string[]): Promise<string[]> {
  const plan = await preview({ ...wishOf(parse(command, flags).flags), rootfs, args: ['true'] })
  const gates = plan.steps.filter(isGate)
  const actions = [...(plan.before ?? []), ...gates.flatMap(gate => gate.actions ?? [])]
  const outside = actions.flatMap(action => action.text.match(/\b[a-z_]+(?=\()|\bRTM_\w+|\bnfnetlink/g) ?? [])
  return [...new Set(['clone3', ...outside, ...stepsOf(plan).map(({ call }) => call)])]
}

test.each([
  [['--net', 'none']],
  [['--net', 'bridge', '-it', '-p', '8080:80', '-m', '64m', '-u', '1000']],
  [['--net', 'none', '--read-only', '-v', '/usr:/mnt:ro', '--tmpfs', '/tmp', '-w', '/a/b']],
])('%j', async flags => {
  const calls = await callsOf(flags)
  expect(calls.length).toBeGreaterThan(30)
  const known = new Set(table.match(/\w+/g))
  expect(calls.filter(call => !known.has(call))).toEqual([])
})
