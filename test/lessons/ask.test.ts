import { PassThrough } from 'node:stream'
import { expect, test } from 'vitest'
import { ask } from '../../lessons/cli/ask.ts'

const prediction = { line: 1, question: 'What does `{{name}}` show?', options: ['**Nothing**', 'All'], answer: 1 }

async function answer(typed: string | null) {
  const [stdin, stdout] = [new PassThrough(), new PassThrough()]
  const chosen = ask(prediction, { name: 'ps' }, { stdin, stdout })
  if (typed === null) stdin.end()
  else stdin.write(typed)
  return { chosen: await chosen, asked: String(stdout.read()) }
}

test('asks in plain words, and takes a number', async () => {
  const { chosen, asked } = await answer('2\n')
  expect(chosen).toBe(1)
  expect(asked).toBe('Predict. What does `ps` show?\n  1. Nothing\n  2. All\nYour choice, 1 to 2, or Enter for none: ')
})

test.each(['\n', '3\n', '0\n', 'all\n', '1.5\n', null])('%j is no choice', async typed => {
  expect((await answer(typed)).chosen).toBeUndefined()
})
