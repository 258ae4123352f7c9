import { expect, test } from 'vitest'
import { lessons } from '../../lessons/index.ts'
import { namedSteps, placeholders } from '../../lessons/placeholders.ts'

test.each(lessons)('lesson $name can be read without a lab', lesson => {
  const { plan, ...names } = placeholders(lesson)
  for (const [name, text] of Object.entries(names)) expect(text).toBe(`<${name}>`)
  expect(plan).toMatch(/^```text\n.+\n```$/s)
  expect(namedSteps(lesson)).not.toHaveLength(0)
})

test('a plan that needs an address has a name in its place', () => {
  const { plan } = placeholders(lessons.find(({ name }) => name === '14-veth')!)
  expect(plan).toMatch(/<net>\.1/)
})

test('the steps as data have the same names', () => {
  const steps = namedSteps(lessons.find(({ name }) => name === '15-bridge')!)
  expect(JSON.stringify(steps)).toMatch(/<bridge>.*<net>\.0/)
})
