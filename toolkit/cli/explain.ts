// The plan as a person reads it: each call, its result, why it is made, and the command one would type instead.
import { closeSync, openSync } from 'node:fs'
import type { Observer } from '../engine/run.ts'
import { errnoMeaning, errnoName } from '../kernel/errno.ts'
import { KernelError } from '../kernel/error.ts'
import { formatCall, formatFlags } from '../kernel/format.ts'
import { cloneFlags, type Gate, isGate, type Plan, type Step, stepsOf } from '../kernel/step.ts'
import { makeRaw } from '../kernel/tty.ts'
import { UsageError } from '../kernel/usage-error.ts'
import { print, printError } from './output.ts'

const GATE = 'explain'

const say = printError

/** The call, and below it why it is made and what a person would type. `number` counts from 1; clone3 is 0. */
export function formatStep(number: number, { call, args, why, lesson, shell, allow }: Step): string {
  return [
    `${String(number).padStart(3)}  ${formatCall(call, args)}`,
    `     ${why}  [${lesson}]`,
    ...(shell ? [`     $ ${shell}`] : []),
    ...(allow ? [`     (${allow} is as good as success here)`] : []),
  ].join('\n')
}

/** clone3, with a line for each namespace. */
function formatClone({ namespaces, steps }: Plan, pid?: number): string {
  return [
    `  0  clone3({flags=${formatFlags('CLONE', cloneFlags({ namespaces, steps }))}, exit_signal=SIGCHLD})`,
    '     a new process, born in new namespaces:',
    ...namespaces.map(({ flag, why, lesson }) => `     ${formatFlags('CLONE', flag)}: ${why}  [${lesson}]`),
    `     $ unshare ${namespaces.map(({ shell }) => shell).join(' ')}`,
    ...(pid === undefined ? [] : [`     = ${pid}`]),
  ].join('\n')
}

/** `--dry-run`. */
export function printPlan(plan: Plan): void {
  print([formatClone(plan), ...stepsOf(plan).map((step, i) => formatStep(i + 1, step))].join('\n'))
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
  const fd = openTerminal()
  if (fd === undefined) return false
  const { ReadStream } = process.getBuiltinModule('node:tty') // loaded only here: it costs milliseconds
  const stream = new ReadStream(fd)
  const restore = makeRaw(fd)
  const pressed = await new Promise<string>(resolve => {
    const end = () => resolve('q')
    stream.once('data', data => resolve(data.toString()))
    stream.once('end', end)
    stream.once('error', end) // the terminal has hung up
    leave.then(end)
  })
  restore()
  stream.destroy()
  return !/[q\x03\x04]/.test(pressed) // also behind keys that were typed ahead
}

function checkTerminal(): void {
  const fd = openTerminal()
  if (fd === undefined) throw new UsageError('run: --step needs a terminal to read keys from; --explain does not')
  closeSync(fd)
}

/** `--explain` and `--step`: gates in the plan stop the process where something is to be said. */
export function explain({ stepwise }: { stepwise: boolean }): Observer {
  if (stepwise) checkTerminal()
  let leave = () => {}
  const left = new Promise<void>(resolve => {
    leave = resolve
  })
  let plan: Plan
  let steps: Step[]
  let announced = 0 // steps whose call is printed
  let shown = 0 // steps whose result is printed
  const announce = () => {
    say(formatStep(announced + 1, steps[announced++]!))
  }
  const show = (results: readonly (number | undefined)[]) => {
    for (; shown < results.length && results[shown] !== undefined; shown++) {
      if (shown === announced) announce()
      say(`     ${formatResult(results[shown]!)}`)
    }
  }
  return {
    instrument(wanted) {
      plan = wanted
      steps = stepsOf(wanted)
      const program = wanted.steps.findIndex(entry => !isGate(entry) && entry.call === 'execve')
      const gateBefore = (entry: Step | Gate, i: number) => i === program || (stepwise && !isGate(entry))
      return {
        ...wanted,
        steps: wanted.steps.flatMap((entry, i) => (gateBefore(entry, i) ? [{ gate: GATE }, entry] : [entry])),
      }
    },
    async atGate(_gate, process) {
      if (announced === 0) say(formatClone(plan, process.pid))
      show(process.results())
      announce()
      return !stepwise || (await key(left))
    },
    done(process, error) {
      leave()
      if (process) show(process.results())
      if (!error) say(`     the program runs, as ${process!.pid} on the host`)
      else if (error instanceof KernelError) say(error.long)
    },
  }
}
