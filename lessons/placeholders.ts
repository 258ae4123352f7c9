// What stands for a lesson's values where there is no lab to have any: their names, `<hostname>`.
import { readHost } from './host.ts'
import type { Lesson } from './lesson.ts'
import { planText } from './plan-text.ts'

type Values = Readonly<Record<string, string>>

export function placeholders(lesson: Lesson): Record<string, string> {
  const samples = lesson.values?.(readHost()) ?? {}
  const names = namesOf(samples)
  return { ...names, plan: namedPlan(lesson, names, samples) }
}

/** The plan for a lab's values; for their names, where there are none. */
export const planFor = (lesson: Lesson, values: Values): string =>
  Object.keys(values).length > 0 ? planText(lesson, values) : placeholders(lesson).plan!

/** The steps of the plan as data, with names for values. */
export function namedSteps(lesson: Lesson): unknown {
  const samples = lesson.values?.(readHost()) ?? {}
  try {
    return lesson.plan(namesOf(samples))
  } catch {
    const name = naming(samples)
    const rename = (_: string, value: unknown) => (typeof value === 'string' ? name(value) : value)
    return JSON.parse(JSON.stringify(lesson.plan(samples)), rename)
  }
}

const namesOf = (samples: Values): Values => Object.fromEntries(Object.keys(samples).map(name => [name, `<${name}>`]))

/** Some plans are made of addresses and numbers, and refuse a name: there, samples are planned and then named. */
function namedPlan(lesson: Lesson, names: Values, samples: Values): string {
  try {
    return planText(lesson, names)
  } catch {
    return naming(samples)(planText(lesson, samples))
  }
}

/** Puts names in the place of the samples in a text. */
function naming(samples: Values): (text: string) => string {
  const longestFirst = Object.entries(samples)
    .filter(([, value]) => value.length > 2) // a shorter one may stand for something else
    .sort(([, a], [, b]) => b.length - a.length)
  return text => longestFirst.reduce((named, [name, value]) => named.replaceAll(value, `<${name}>`), text)
}
