// The plan as a person reads it: each call, its result, why it is made, and the command one would type instead.
import { closeSync, openSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Observer } from '../engine/carry-out.ts'
import type { Watcher } from '../engine/life/stop.ts'
import type { Action } from '../kernel/action.ts'
import { errnoMeaning, errnoName } from '../kernel/errno.ts'
import { KernelError } from '../kernel/error.ts'
import { formatCall, formatFlags } from '../kernel/format.ts'
import type { Starting } from '../kernel/start.ts'
import { cloneFlags, type Gate, isGate, type LessonName, type Plan, type Step, stepsOf } from '../kernel/step.ts'
import { makeRaw } from '../kernel/tty.ts'
import { UsageError } from '../kernel/usage-error.ts'
import { readStat } from '../observe/process.ts'
import { print, printError } from './text/output.ts'
import { printableLines } from './text/printable.ts'

const GATE = 'explain'

const say = printError

type About = Pick<Step, 'why' | 'shell' | 'allow'>

/** What is done, and below it why, and what a person would type. */
const format = (mark: string, text: string, { why, shell, allow }: About): string =>
  [
    `${mark.padStart(3)}  ${text}`,
    `     ${why}`,
    ...(shell ? [`     $ ${shell}`] : []),
    ...(allow ? [`     (${allow} is as good as success here)`] : []),
  ].join('\n')

/** A call of the new process. `number` counts from 1; clone3 is 0. */
const formatStep = (number: number, step: Step): string =>
  format(String(number), formatCall(step.call, step.args), step)

/** What the engine does outside. */
const formatAction = (action: Omit<Action, 'apply'>): string => format('·', action.text, action)

/** clone3, with a line for each namespace. */
function formatClone({ namespaces, cgroup, ...plan }: Plan, pid?: number): string {
  const flags = [formatFlags('CLONE', cloneFlags({ namespaces, ...plan })), ...(cgroup ? ['CLONE_INTO_CGROUP'] : [])]
  const known = namespaces.length > 0
  const joined = plan.pidNamespace ? ', born in the pid namespace of another' : ''
  return [
    `  0  clone3({flags=${flags.join('|')}, exit_signal=SIGCHLD})`,
    known ? '     a new process, born in new namespaces:' : `     a new process${joined}`,
    ...namespaces.map(({ flag, why, lesson }) => `     ${formatFlags('CLONE', flag)}: ${why}  [${lesson}]`),
    ...(known ? [`     $ unshare ${namespaces.map(({ shell }) => shell).join(' ')}`] : []),
    ...(pid === undefined ? [] : [`     = ${pid}`]),
  ].join('\n')
}

/** Prints texts under the names of their lessons. */
function groupByLesson(print: (text: string) => void): (lesson: LessonName, text: string) => void {
  let current: LessonName | undefined
  return (lesson, text) => {
    if (lesson !== current) print(`── ${lesson} ${'─'.repeat(60 - lesson.length)}`)
    current = lesson
    print(text)
  }
}

/** For commands whose actions are done one after the other: says each before it is done. */
export function narrator(): (action: Action) => void {
  const group = groupByLesson(say)
  return action => group(action.lesson, formatAction(action))
}

/** `--dry-run`. */
export function printPlan(plan: Plan): void {
  const lines: string[] = []
  const add = groupByLesson(text => lines.push(text))
  const act = (actions: readonly Action[] = []) => {
    for (const action of actions) add(action.lesson, formatAction(action))
  }
  act(plan.before)
  add('20-engine', formatClone(plan))
  let number = 0
  for (const entry of [...(plan.first ?? []), ...plan.steps]) {
    if (isGate(entry)) act(entry.actions)
    else add(entry.lesson, formatStep(++number, entry))
  }
  print(printableLines(lines.join('\n')))
}

const formatResult = (result: number): string =>
  result < 0 ? `= -1 ${errnoName(-result)}, ${errnoMeaning(-result)}` : `= ${result}`

function openTerminal(): number | undefined {
  try {
    return openSync('/dev/tty', 'r+')
  } catch {
    return undefined
  }
}

/** Waits for a key on the user's terminal, or for `leave`. False for q, ^C, ^D and the terminal's end. */
async function key(leave: Promise<void>): Promise<boolean> {
  let left = false
  leave.then(() => {
    left = true
  })
  while (!left) {
    if (!inBackground()) {
      const pressed = await press(leave)
      if (pressed !== SUSPEND) return !/[q\x03\x04]/.test(pressed) // also behind keys that were typed ahead
    }
    process.kill(process.pid, 'SIGSTOP') // until the shell's `fg`
    await sleep(10) // a signal that came meanwhile is heard before anything else
  }
  return false
}

const SUSPEND = '\x1a' // ^Z

/** The keys are another's when a shell has started us with `&`; nobody's (-1, or 0) when the terminal has hung up. */
function inBackground(): boolean {
  const { pgrp, tpgid = 0 } = readStat(process.pid) ?? {}
  return tpgid > 0 && tpgid !== pgrp
}

async function press(leave: Promise<void>): Promise<string> {
  const fd = openTerminal()
  if (fd === undefined) return 'q'
  const restore = makeRaw(fd) // at once: before, ^Z would be a signal
  const { ReadStream } = process.getBuiltinModule('node:tty') // loaded only here: it costs milliseconds
  const stream = new ReadStream(fd)
  const pressed = await new Promise<string>(resolve => {
    const end = () => resolve('q')
    stream.once('data', data => resolve(data.toString()))
    stream.once('end', end)
    stream.once('error', end) // the terminal has hung up
    leave.then(end)
  })
  restore()
  stream.destroy()
  return pressed
}

function checkTerminal(): void {
  const fd = openTerminal()
  if (fd === undefined)
    throw new UsageError('run: --step and --until need a terminal to read keys from; --explain does not')
  closeSync(fd)
}

export interface Way {
  /** A key is waited for before each call. */
  readonly stepwise: boolean
  /** … but not before the first one that has these words in it. */
  readonly until?: string | undefined
}

function checkWords(words: string, { before = [], steps }: Plan): void {
  const actions = [...before, ...steps.flatMap(entry => (isGate(entry) ? (entry.actions ?? []) : []))]
  const calls = steps.flatMap(entry => (isGate(entry) ? [] : [formatCall(entry.call, entry.args)]))
  if (![...actions.map(({ text }) => text), ...calls].some(text => text.includes(words)))
    throw new UsageError(`run: --until ${JSON.stringify(words)}: no call has that in it; --dry-run shows them all`)
}

/** `--explain` of what the engine does itself, without a new process: what, why, and then what has come of it. */
export function explainActs(): Watcher {
  const group = groupByLesson(say)
  return {
    before: action => group(action.lesson, formatAction(action)),
    after: result => say(`     ${typeof result === 'number' ? formatResult(result) : result}`),
  }
}

/** `--explain`, `--step` and `--until`: gates in the plan stop the process where something is to be said. */
export function explain({ stepwise, until = '' }: Way): Observer {
  if (stepwise) checkTerminal()
  let running = stepwise && until !== '' // no key before we are there
  const mayGoOn = async (text: string): Promise<boolean> => {
    running &&= !text.includes(until)
    return !stepwise || running || key(left)
  }
  let leave = () => {}
  const left = new Promise<void>(resolve => {
    leave = resolve
  })
  let plan: Plan
  let steps: Step[]
  let announced = 0 // steps whose call is printed
  let shown = 0 // steps whose result is printed
  const group = groupByLesson(say)
  const announce = () => {
    const step = steps[announced]!
    group(step.lesson, formatStep(++announced, step))
  }
  const show = (results: readonly (number | undefined)[]) => {
    for (; shown < results.length && results[shown] !== undefined; shown++) {
      if (shown === announced) announce()
      say(`     ${formatResult(results[shown]!)}`)
    }
  }
  let born = false
  const catchUp = (process: Starting | undefined) => {
    if (process && !born) group('20-engine', formatClone(plan, process.pid))
    born ||= process !== undefined
    if (process) show(process.results())
  }
  return {
    instrument(wanted) {
      if (until) checkWords(until, wanted)
      plan = wanted
      steps = stepsOf(wanted)
      const program = wanted.steps.findIndex(entry => !isGate(entry) && entry.call === 'execve')
      const gateBefore = (entry: Step | Gate, i: number) => i === program || (stepwise && !isGate(entry))
      return {
        ...wanted,
        steps: wanted.steps.flatMap((entry, i) => (gateBefore(entry, i) ? [{ gate: GATE }, entry] : [entry])),
      }
    },
    async beforeAction(action, process) {
      catchUp(process)
      group(action.lesson, formatAction(action))
      return mayGoOn(action.text)
    },
    async atGate(_gate, process) {
      catchUp(process)
      announce()
      const { call, args } = steps[announced - 1]!
      return mayGoOn(formatCall(call, args))
    },
    done(process, error) {
      leave()
      catchUp(process)
      if (!error) say(`     the program runs, as ${process!.pid} on the host`)
      else if (error instanceof KernelError) say(error.long)
    },
  }
}
