// The course without a screen, where it acts: commands are typed into a fresh lab and the check gives its verdict.
import { readFileSync } from 'node:fs'
import { startLab } from '../../toolkit/engine/lab/lab.ts'
import { UsageError } from '../../toolkit/kernel/usage-error.ts'
import { readHost } from '../host.ts'
import { type Lesson, linesFor, type Verdict } from '../lesson.ts'
import { fill } from '../parse.ts'
import { look } from '../play.ts'
import { openLab } from '../stage.ts'
import { Stuck, Typist } from '../verify/typist.ts'
import { waitForVerdict } from '../verify/wait.ts'
import { stopOnSignal } from './hold-signals.ts'
import { findLesson, findTask, parse, prepareForLab, print, printJson, taskAt } from './options.ts'
import { printSolution } from './read.ts'

export async function check(argv: readonly string[]): Promise<number> {
  const options = { json: { type: 'boolean' }, script: { type: 'string' } } as const
  const { flags, words } = parse('lessons check', argv, options, 2)
  const lesson = findLesson(words[0], 'lessons check')
  const task = findTask(lesson, words[1], 'lessons check')
  if (flags.script === undefined)
    throw new UsageError(
      `lessons check: give the commands with --script FILE (or - for stdin), or work in 'toolkit lessons shell ${lesson.name} ${task + 1}'`,
    )
  const script = flags.script as string
  const read = script === '-' ? undefined : readScript(script) // before anything is made
  await prepareForLab(`lessons check ${words.join(' ')} --script ${script}`, busybox())
  const commands = read ?? readScript(script) // stdin goes to who carries it out
  return play(lesson, task, commands, flags.json === true)
}

export async function solve(argv: readonly string[]): Promise<number> {
  const options = { json: { type: 'boolean' }, run: { type: 'boolean' } } as const
  const { flags, words } = parse('lessons solve', argv, options, 2)
  const lesson = findLesson(words[0], 'lessons solve')
  const task = findTask(lesson, words[1], 'lessons solve')
  if (!flags.run) {
    printSolution(lesson, task, flags.json === true)
    return 0
  }
  await prepareForLab(`lessons solve --run ${words.join(' ')}`, busybox())
  return play(lesson, task, linesFor(taskAt(lesson, task).solution, readHost()), flags.json === true)
}

/** A command a line; empty lines and comments are left out. */
function readScript(file: string): string[] {
  let text: string
  try {
    text = readFileSync(file === '-' ? 0 : file, 'utf8')
  } catch (error) {
    throw new UsageError(`lessons check: cannot read ${file} (${(error as NodeJS.ErrnoException).code})`)
  }
  return text.split(/\r?\n/).filter(line => line.trim() !== '' && !line.startsWith('#'))
}

const busybox = () => ({ yes: false, interactive: process.stdin.isTTY === true })

async function play(lesson: Lesson, index: number, commands: readonly string[], json: boolean): Promise<number> {
  const task = taskAt(lesson, index)
  const stage = await openLab(lesson, index, startLab)
  const { lab, values } = stage
  const release = stopOnSignal(lab)
  const typed: { command: string; status: number; output: string }[] = []
  let verdict: Verdict
  try {
    const typist = new Typist(lab)
    const scene = () => ({ ...stage, shellPid: typist.pid })
    try {
      await typist.ready()
      for (const line of commands) {
        const command = fill(line, values)
        const { status, output } = await typist.type(command)
        typed.push({ command, status, output })
        if (!json) print(output.trimEnd().split(/\r?\n/).slice(0, -1).join('\n'))
      }
      verdict = await waitForVerdict(task, scene, ({ passed }) => passed)
    } catch (error) {
      if (!(error instanceof Stuck)) throw error
      verdict = { passed: false, saw: `${error.message}; the check sees: ${look(task, scene()).saw}` }
    }
  } finally {
    await lab.stop()
    release()
  }
  if (json) printJson({ lesson: lesson.name, task: task.id, ...verdict, values, commands: typed })
  else print(`${verdict.passed ? 'passed' : 'not passed'}: ${verdict.saw}`)
  return verdict.passed ? 0 : 1
}
