// Small files that outlive the course: progress, the workshop that a seat reports to. JSON that a person can read.
import { randomUUID } from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import { callersHome, own, readPasswd } from './caller.ts'

/**
 * Where they are kept: $XDG_STATE_HOME/toolkit, else ~/.local/state/toolkit. Under sudo it is the home of whoever called
 * it, so that it is the same with and without; the files then belong to them too. Undefined where there is no home.
 */
export function stateDirectory(env: NodeJS.ProcessEnv = process.env, passwd = readPasswd()): string | undefined {
  const home = callersHome(env, passwd)
  const base = home ? `${home}/.local/state` : (env.XDG_STATE_HOME ?? (env.HOME && `${env.HOME}/.local/state`))
  return base && path.isAbsolute(base) ? path.join(base, 'toolkit') : undefined
}

/** Two may write at the same time: each writes a file of its own, and the rename shows one or the other. */
export function writeState(file: string, value: unknown, mode = 0o644): void {
  makeDirectory(path.dirname(file))
  const temporary = `${file}.${randomUUID()}`
  try {
    fs.writeFileSync(temporary, `${JSON.stringify(value, null, 2)}\n`, { flag: 'wx', mode, flush: true })
    own(temporary)
    fs.renameSync(temporary, file)
  } catch (error) {
    fs.rmSync(temporary, { force: true })
    throw error
  }
}

function makeDirectory(directory: string): void {
  if (fs.existsSync(directory)) return
  makeDirectory(path.dirname(directory))
  fs.mkdirSync(directory, { mode: 0o755 })
  own(directory)
}
