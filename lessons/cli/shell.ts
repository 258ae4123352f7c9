// `toolkit lessons shell`: the lab's shell on the learner's own terminal, nothing drawn around it. Fit for a screen
// reader and a slow line. When the task is passed, one line says so; at the end comes the verdict.
import { startLab } from '../../toolkit/engine/lab/lab.ts'
import { UsageError } from '../../toolkit/kernel/usage-error.ts'
import { obstacles, readHost } from '../host.ts'
import { fill, parseLesson } from '../parse.ts'
import { look } from '../play.ts'
import { outcome } from '../prediction.ts'
import { openProgress } from '../progress.ts'
import { openLab } from '../stage.ts'
import { ask } from './ask.ts'
import { stopOnSignal } from './hold-signals.ts'
import { findLesson, findTask, parse, prepareForLab, print, taskAt } from './options.ts'
import { plain } from './plain.ts'

const INTERVAL_MS = 500

export async function shell(argv: readonly string[]): Promise<number> {
  const { words } = parse('lessons shell', argv, {}, 2)
  const lesson = findLesson(words[0], 'lessons shell')
  const index = findTask(lesson, words[1] ?? '1', 'lessons shell')
  const { stdin, stdout } = process
  if (!stdin.isTTY || !stdout.isTTY)
    throw new UsageError("lessons shell: it needs a terminal; without one use 'toolkit lessons check --script'")
  await prepareForLab(`lessons shell ${words.join(' ')}`, { yes: false, interactive: true })
  const [obstacle] = await obstacles(lesson)
  if (obstacle) throw new UsageError(`lessons shell: ${lesson.name} cannot be done on this machine: ${obstacle}`)

  const progress = openProgress()
  if (progress.warning) process.stderr.write(`toolkit: ${progress.warning}\n`)
  const task = taskAt(lesson, index)
  const stage = await openLab(lesson, index, startLab)
  const { lab, values } = stage
  const release = stopOnSignal(lab)
  const { prediction } = parseLesson(lesson.text, readHost()).sections[index]!
  const chosen = prediction && (await ask(prediction, values, process))
  print(`Task ${index + 1}: ${task.title}. The text: toolkit lessons show ${lesson.name} ${index + 1}`)
  for (const [name, value] of Object.entries(values).filter(([name]) => name !== 'plan'))
    print(`  <${name}> is ${value}`)
  print('This is the lab. The command exit ends it.')

  const opened = lab.shell({ columns: stdout.columns, rows: stdout.rows })
  const scene = { ...stage, shellPid: opened.pid }
  let verdict = look(task, scene)
  const timer = setInterval(() => {
    if (verdict.passed) return
    verdict = look(task, scene)
    if (!verdict.passed) return
    progress.markDone(lesson.name, task.id)
    stdout.write(`\r\n[passed: ${verdict.saw}]\r\n`)
  }, INTERVAL_MS)
  const resize = () => opened.resize(stdout.columns, stdout.rows)
  const forward = (data: Buffer) => opened.write(data)
  stdout.on('resize', resize)
  stdin.setRawMode(true)
  stdin.on('data', forward)
  stdin.resume() // the question has paused it, and a listener alone doesn't undo that
  try {
    opened.onData(data => void stdout.write(data))
    await new Promise<number>(resolve => opened.onExit(resolve))
  } finally {
    clearInterval(timer)
    stdout.off('resize', resize)
    await lab.stop()
    stdin.off('data', forward)
    release()
    stdin.pause()
    stdin.setRawMode(false)
  }
  print(`${verdict.passed ? 'passed' : 'not passed'}: ${verdict.saw}`)
  if (prediction && verdict.passed) print(plain(fill(outcome(prediction, chosen), values)))
  return verdict.passed ? 0 : 1
}
