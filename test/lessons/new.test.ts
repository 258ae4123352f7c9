// A new lesson has the right format, and the gate says what is still to be written.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import path from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { bin, skipped } from '../cli/toolkit.ts'

const repo = path.resolve(import.meta.dirname, '../..')
const parent = mkdtempSync(`${repo}/lessons/new-`)
afterAll(() => rmSync(parent, { recursive: true }))

const toolkit = (...words: string[]) => {
  const { status, stdout, stderr } = spawnSync(bin, ['lessons', ...words], { cwd: parent, encoding: 'utf8' })
  return { status, stdout, stderr }
}

test('makes the two files, and says how to go on', () => {
  const { status, stdout, stderr } = toolkit('new', '21-my-idea')
  expect([status, stderr]).toEqual([0, ''])
  expect(stdout).toContain('sudo toolkit lessons verify ./21-my-idea')
  expect(stdout).toContain('../README.md')
  expect(readdirSync(`${parent}/21-my-idea`).sort()).toEqual(['lesson.md', 'lesson.ts'])
})

test.each([
  [[], /new: where\?/],
  [['21-my-idea'], /cannot make .*21-my-idea \(EEXIST\)/],
  [['idea'], /idea is no name of a lesson; two digits and a word/],
  [['nowhere/21-idea'], /cannot make .*nowhere\/21-idea \(ENOENT\)/],
])('new %j is one clear line and 125', (words, line) => {
  const { status, stdout, stderr } = toolkit('new', ...words)
  expect(stderr).toMatch(line)
  expect(stderr).toMatch(/^toolkit: [^\n]+\n$/)
  expect([status, stdout]).toEqual([125, ''])
})

describe.skipIf(skipped)(`the gate${skipped}`, () => {
  test('names what is missing', () => {
    const { status, stdout } = toolkit('verify', './21-my-idea')
    expect(status).toBe(1)
    expect(stdout).not.toContain('the format\n') // that is right
    for (const words of [
      'a lesson has 4 to 8 tasks',
      "a lesson has a last task 'module'",
      'a lesson has a file to complete',
      "a task that shows both sides; there is no task ''",
      'passes after the solution',
      'TODO: tell a file from a directory',
      'wrong: a directory',
    ])
      expect(stdout).toContain(words)
    // what the template does right, the gate does not complain of
    expect(stdout).not.toMatch(/FAILED.*(leaves nothing behind|fails on a fresh lab|fails as announced|works)/)
  })
})
