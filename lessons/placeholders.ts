// What stands for a lesson's values where there is no lab to have any: their names, `<hostname>`.
import { readHost } from './host.ts'
import type { Lesson } from './lesson.ts'
import { planText } from './plan-text.ts'

type Values = Readonly<Record<string, string>>

export function placeholders(lesson: Lesson): Record<string, string> {
  const samples = lesson.values?.(readHost()) ?? {}
  const names = Object.fromEntries(Object.keys(samples).map(name => [name, `<${name}>`]))
  return { ...names, plan: namedPlan(lesson, names, samples) }
}

/** The plan for a lab's values; for their names, where there are none. */
export const planFor = (lesson: Lesson, values: Values): string =>
  Object.keys(values).length > 0 ? planText(lesson, values) : placeholders(lesson).plan!

/** Some plans are made of addresses and numbers, and refuse a name: there, samples are planned and then named. */
function namedPlan(lesson: Lesson, names: Values, samples: Values): string {
  try {
    return planText(lesson, names)
  } catch {
    const longestFirst = Object.entries(samples).sort(([, a], [, b]) => b.length - a.length)
    return longestFirst
      .filter(([, value]) => value.length > 2) // a shorter one may stand for something else
      .reduce((text, [name, value]) => text.replaceAll(value, `<${name}>`), planText(lesson, samples))
  }
}
