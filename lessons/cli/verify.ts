// `toolkit lessons verify`: runs the gate and prints its table.
import fs from 'node:fs'
import * as modules from 'node:module'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { startLab } from '../../toolkit/engine/lab/lab.ts'
import { UsageError } from '../../toolkit/kernel/usage-error.ts'
import { lessons } from '../index.ts'
import type { Lesson } from '../lesson.ts'
import type { Result } from '../verify/cases.ts'
import { formatReport } from '../verify/report.ts'
import { ruleProblems } from '../verify/rules.ts'
import { verifyLesson } from '../verify/verify.ts'
import { findLesson, parse, prepareForLab, print, printJson } from './options.ts'

const MANY = 1000

export async function verify(argv: readonly string[]): Promise<number> {
  const { flags, words } = parse(
    'lessons verify',
    argv,
    { json: { type: 'boolean' }, quick: { type: 'boolean' } },
    MANY,
  )
  const chosen = words.length === 0 ? lessons : await Promise.all(words.map(load))
  await prepareForLab(['lessons verify', ...words].join(' '), { yes: true, interactive: false })
  const begun = performance.now()
  const results: Result[] = []
  for (const lesson of chosen) {
    const rules = ruleProblems(lesson)
    if (rules.length > 0) results.push(rulesBroken(lesson, rules))
    results.push(...(await verifyLesson(lesson, { startLab, quick: flags.quick === true })))
  }
  const passed = results.every(({ problem }) => problem === undefined)
  const seconds = (performance.now() - begun) / 1000
  if (flags.json) printJson({ passed, seconds, results })
  else print(formatReport(results, seconds))
  return passed ? 0 : 1
}

const rulesBroken = ({ name }: Lesson, problems: readonly string[]): Result => ({
  lesson: name,
  task: '',
  case: 'the rules of the course',
  problem: problems.join('\n'),
  seconds: 0,
})

/** A lesson of the course by its name, or any lesson by its directory. */
async function load(word: string): Promise<Lesson> {
  if (!word.includes('/')) return findLesson(word, 'lessons verify')
  const file = path.resolve(word, 'lesson.ts')
  if (!fs.existsSync(file)) throw new UsageError(`lessons verify: there is no ${file}`)
  readMarkdownAsText()
  const module = (await import(pathToFileURL(file).href)) as { lesson?: Lesson }
  if (!module.lesson) throw new UsageError(`lessons verify: ${file} does not export a lesson`)
  return module.lesson
}

/** What the bundler does for the lessons of the course. */
function readMarkdownAsText(): void {
  modules.registerHooks({
    load(url, context, next) {
      if (!url.endsWith('.md')) return next(url, context)
      const text = fs.readFileSync(new URL(url), 'utf8')
      return { format: 'module', source: `export default ${JSON.stringify(text)}`, shortCircuit: true }
    },
  })
}
