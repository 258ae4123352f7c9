// A guest whose kernel panics is tried once more; nothing else is.
import fs from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, expect, test, vi } from 'vitest'
import { guest } from './guest.ts'

const directory = fs.mkdtempSync(path.join(tmpdir(), 'toolkit-guest-'))
afterAll(() => fs.rmSync(directory, { recursive: true }))

/** A program that counts its runs, and does what is said in the first and in those after it. */
function answersOf(first: string, then: string) {
  const vm = `${directory}/vm`
  const runs = `${directory}/runs`
  const script = `#!/bin/sh\necho >> ${runs}\nif [ $(wc -l < ${runs}) = 1 ]; then ${first}; else ${then}; fi\n`
  fs.rmSync(runs, { force: true })
  fs.writeFileSync(vm, script, { mode: 0o755 })
  const tell = vi.spyOn(process.stdout, 'write').mockReturnValue(true)
  try {
    const { status, output } = guest(vm, 1, ['true'])
    return { status, output, runs: fs.readFileSync(runs, 'utf8').length, told: tell.mock.calls.join('\n') }
  } finally {
    tell.mockRestore()
  }
}

const panic = 'echo "[   68.427632] Kernel panic - not syncing: Fatal exception in interrupt" >&2; exit 125'

test.each([
  ['one that panics is tried again', panic, 'echo well', { status: 0, output: 'well\n', runs: 2 }],
  ['what the second says counts', panic, 'echo 1 failed; exit 1', { status: 1, output: '1 failed\n', runs: 2 }],
  ['two that panic are a failure', panic, panic, { status: 125, runs: 2 }],
  ['a command that fails is not tried again', 'exit 1', 'exit 0', { status: 1, runs: 1 }],
  ['nor is a guest that ends otherwise', 'exit 125', 'exit 0', { status: 125, runs: 1 }],
  ['nor is a command that only speaks of it', panic.replace('125', '1'), 'exit 0', { status: 1, runs: 1 }],
])('%s', (_, first, then, expected) => {
  const { told, ...answers } = answersOf(first, then)
  expect(answers).toMatchObject(expected)
  expect(told.includes('panicked; once more')).toBe(answers.runs > 1) // nobody shall think that all went well
})
