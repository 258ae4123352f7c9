// Which workshop a seat reports to. The file is there because the learner said so, and reporting ends when it is gone.
import fs from 'node:fs'
import path from 'node:path'
import { UsageError } from '../../toolkit/kernel/usage-error.ts'
import { stateDirectory, writeState } from '../state-file.ts'
import { newKey } from './secrets.ts'

export interface Membership {
  /** `http://10.0.0.5:7321`. */
  readonly url: string
  readonly code: string
  /** The seat's identity, see protocol.ts. */
  readonly seat: string
  readonly name: string
  /** The last wish of the instructor that the learner has answered. */
  readonly answered: number
}

export function membershipFile(env: NodeJS.ProcessEnv = process.env): string | undefined {
  const directory = stateDirectory(env)
  return directory && path.join(directory, 'seat.json')
}

/** The membership; undefined where there is none, or the file is damaged. */
export function readMembership(file = membershipFile()): Membership | undefined {
  try {
    const { url, code, seat, name, answered } = JSON.parse(fs.readFileSync(file ?? '', 'utf8')) as Membership
    const texts = [url, code, seat, name].every(text => typeof text === 'string')
    return texts && Number.isSafeInteger(answered) ? { url, code, seat, name, answered } : undefined
  } catch {
    return undefined
  }
}

/** Keeps it. Throws UsageError where that cannot be. */
export function keepMembership(membership: Membership, file = membershipFile()): void {
  if (!file) throw new UsageError('workshop join: there is no home directory to keep it in; set HOME')
  try {
    writeState(file, membership, 0o600)
  } catch (error) {
    throw new UsageError(`workshop join: cannot write ${file} (${(error as NodeJS.ErrnoException).code})`)
  }
}

export function endMembership(file = membershipFile()): void {
  if (file) fs.rmSync(file, { force: true })
}

/** Reads what `serve` prints, `http://10.0.0.5:7321/k7wm-3hpt`. Throws UsageError. */
export function parseJoinUrl(text: string): { url: string; code: string } {
  const wrong = () =>
    new UsageError(`workshop join: ${JSON.stringify(text)} is not what 'toolkit workshop serve' prints`)
  let url: URL
  try {
    url = new URL(/^\w+:\/\//.test(text) ? text : `http://${text}`)
  } catch {
    throw wrong()
  }
  const code = /^\/([\w-]{8,16})\/?$/.exec(url.pathname)?.[1]
  if (url.protocol !== 'http:' || !code || url.username || url.search) throw wrong()
  return { url: url.origin, code }
}

/** Who joins the same workshop again keeps the seat. */
export function newMembership(join: { url: string; code: string }, name: string, old?: Membership): Membership {
  const same = old && old.url === join.url && old.code === join.code
  return { ...join, name, seat: same ? old.seat : newKey(), answered: same ? old.answered : 0 }
}
