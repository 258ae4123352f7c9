// Which tasks a learner has done. Kept in one small JSON file that a person can read; where it cannot be kept, the
// course goes on without.
import fs from 'node:fs'
import path from 'node:path'
import { stateDirectory, writeState } from './state-file.ts'

export interface Progress {
  isDone(lesson: string, task: string): boolean
  markDone(lesson: string, task: string): void
  /** Where the learner was last: the task's id by the lesson's name. */
  readonly place: { readonly lesson: string; readonly task: string } | undefined
  goTo(lesson: string, task: string): void
  /** Forgets what was done: of one lesson, or all. */
  forget(lesson?: string): void
  /** One line where progress cannot be kept or was lost, and why. */
  readonly warning: string | undefined
}

interface Stored {
  done: Record<string, string[]>
  place?: { lesson: string; task: string }
}

/** Where progress is kept, see state-file.ts. */
export function progressFile(env: NodeJS.ProcessEnv = process.env, passwd?: string): string | undefined {
  const directory = stateDirectory(env, passwd)
  return directory && path.join(directory, 'progress.json')
}

/** Opens the learner's progress. Never throws: what is wrong is in `warning`. */
export function openProgress(file = progressFile()): Progress {
  let warning: string | undefined
  let stored: Stored = { done: {} }
  if (file === undefined) warning = 'progress is not kept: there is no home directory (set HOME or XDG_STATE_HOME)'
  else {
    const read = load(file)
    stored = read.stored
    warning = read.warning ?? obstacle(file)
  }
  let kept = true
  // another tutor may have written since: the change is made to what is there now, or it would undo theirs
  const now = (): Stored => {
    if (file !== undefined && kept) stored = readAgain(file) ?? stored
    return stored
  }
  const save = () => {
    if (file === undefined) return
    try {
      writeState(file, stored)
      kept = true
    } catch (error) {
      kept = false
      warning ??= `progress is not kept: cannot write ${file} (${(error as NodeJS.ErrnoException).code})`
    }
  }
  return {
    isDone: (lesson, task) => stored.done[lesson]?.includes(task) ?? false,
    markDone(lesson, task) {
      const done = now().done[lesson] ?? []
      if (done.includes(task)) return
      stored.done[lesson] = [...done, task]
      save()
    },
    get place() {
      return stored.place
    },
    goTo(lesson, task) {
      const { place } = now()
      if (place?.lesson === lesson && place.task === task) return
      stored.place = { lesson, task }
      save()
    },
    forget(lesson) {
      if (lesson === undefined) stored = { done: {} }
      else delete now().done[lesson]
      save()
    },
    get warning() {
      return warning
    },
  }
}

function load(file: string): { stored: Stored; warning?: string } {
  let text: string
  try {
    text = fs.readFileSync(file, 'utf8')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR') return { stored: { done: {} } }
    return { stored: { done: {} }, warning: `progress cannot be read: ${file} (${code})` }
  }
  const stored = decode(text)
  if (stored) return { stored }
  const aside = `${file}.damaged-${new Date().toISOString().replace(/[:.]/g, '-')}`
  try {
    fs.renameSync(file, aside)
  } catch {
    return { stored: { done: {} }, warning: `progress begins anew: ${file} is damaged` }
  }
  return { stored: { done: {} }, warning: `progress begins anew: the old file is damaged, and kept as ${aside}` }
}

function readAgain(file: string): Stored | undefined {
  try {
    return decode(fs.readFileSync(file, 'utf8'))
  } catch {
    return undefined // it was not written yet, or somebody took it away: what we know is written anew
  }
}

function decode(text: string): Stored | undefined {
  try {
    const { done, place } = JSON.parse(text) as Partial<Stored>
    const words = (list: unknown) => Array.isArray(list) && list.every(word => typeof word === 'string')
    if (typeof done !== 'object' || done === null || !Object.values(done).every(words)) return undefined
    const known = typeof place?.lesson === 'string' && typeof place.task === 'string'
    return { done, ...(known && { place: { lesson: place.lesson, task: place.task } }) }
  } catch {
    return undefined
  }
}

/** Said before anything is done, not when the first task's progress is lost. */
function obstacle(file: string): string | undefined {
  let directory = path.dirname(file)
  while (!fs.existsSync(directory)) directory = path.dirname(directory)
  try {
    if (!fs.statSync(directory).isDirectory()) return `progress is not kept: ${directory} is not a directory`
    fs.accessSync(directory, fs.constants.W_OK | fs.constants.X_OK)
  } catch (error) {
    return `progress is not kept: cannot write ${file} (${(error as NodeJS.ErrnoException).code})`
  }
  return undefined
}
