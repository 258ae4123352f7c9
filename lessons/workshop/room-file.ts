// What a workshop keeps: DIR/room.json, for its owner alone, because the instructor's key is in it. It is always whole:
// what a crash can lose is the last second, and every seat says all of it again with its next report.
import fs from 'node:fs'
import path from 'node:path'
import { UsageError } from '../../toolkit/kernel/usage-error.ts'
import { isAlive, readStat } from '../../toolkit/observe/process.ts'
import { stateDirectory, writeState } from '../state-file.ts'
import { emptyRoom, type StoredRoom } from './room.ts'
import { newCode, newKey } from './secrets.ts'

export interface Stored {
  readonly version: 1
  /** Lets a seat in. */
  readonly code: string
  /** Lets the instructor command. */
  readonly key: string
  /** The server that runs now, or ran last. */
  server?: { readonly url: string; readonly pid: number; readonly startTime: number }
  readonly room: StoredRoom
}

export const defaultDirectory = (): string => {
  const directory = stateDirectory()
  if (!directory) throw new UsageError('workshop: there is no home directory; say where to keep it with --state DIR')
  return path.join(directory, 'workshop')
}

export class RoomFile {
  readonly file: string
  readonly stored: Stored
  /** One line where the file was damaged. */
  readonly warning: string | undefined
  #timer: NodeJS.Timeout | undefined

  /** Opens the room of a directory, or makes a new one. Throws UsageError where that cannot be. */
  constructor(directory: string) {
    this.file = path.join(path.resolve(directory), 'room.json')
    const { stored, warning } = read(this.file)
    this.stored = stored ?? { version: 1, code: newCode(), key: newKey(), room: emptyRoom() }
    this.warning = warning
  }

  /** Whether a server runs with this room; its URL. */
  get running(): string | undefined {
    const { server } = this.stored
    return server && isAlive(server.pid, server.startTime) ? server.url : undefined
  }

  begin(url: string): void {
    this.stored.server = { url, pid: process.pid, startTime: readStat(process.pid)!.startTime }
    this.save()
  }

  save(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    try {
      writeState(this.file, this.stored, 0o600)
    } catch (error) {
      throw new UsageError(`workshop: cannot write ${this.file} (${(error as NodeJS.ErrnoException).code})`)
    }
  }

  /** Saves within a second; `failed` is told where that cannot be. */
  saveSoon(failed: (error: Error) => void): void {
    this.#timer ??= setTimeout(() => {
      try {
        this.save()
      } catch (error) {
        failed(error as Error)
      }
    }, 1000)
  }
}

function read(file: string): { stored?: Stored; warning?: string } {
  let text: string
  try {
    text = fs.readFileSync(file, 'utf8')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') return {}
    throw new UsageError(`workshop: cannot read ${file} (${code})`)
  }
  try {
    const stored = JSON.parse(text) as Stored
    const { code, key, room } = stored
    if (stored.version === 1 && typeof code === 'string' && typeof key === 'string' && Array.isArray(room?.seats))
      return { stored }
  } catch {
    // as if it had said something else
  }
  const aside = `${file}.damaged-${new Date().toISOString().replace(/[:.]/g, '-')}`
  fs.renameSync(file, aside)
  return { warning: `the workshop begins anew, with a new code: the old file is damaged, and kept as ${aside}` }
}
