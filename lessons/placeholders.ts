// What stands for a lesson's values where there is no lab to have any: their names, `<hostname>`.
import { readHost } from './host.ts'
import type { Lesson } from './lesson.ts'
import { planText } from './plan-text.ts'

export function placeholders(lesson: Lesson): Record<string, string> {
  const names = Object.keys(lesson.values?.(readHost()) ?? {})
  const values = Object.fromEntries(names.map(name => [name, `<${name}>`]))
  return { ...values, plan: planText(lesson, values) }
}
