// The file for a transcript. It is always a new one, for its learner alone, and never written over another.
import fs from 'node:fs'
import path from 'node:path'
import { UsageError } from '../../toolkit/kernel/usage-error.ts'
import { learnersHome, own } from '../caller.ts'

const MODE = 0o600

/** Makes the file of `--transcript`, so that what is wrong with it is said before the course begins. Its whole path. */
export function newTranscript(file: string): string {
  try {
    write(file, '')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    const why = code === 'EEXIST' ? 'is there already; name a new file' : `cannot be written (${code})`
    throw new UsageError(`learn: --transcript: ${file} ${why}`)
  }
  return path.resolve(file)
}

/** Writes a transcript into the learner's home, under a name that is free; its path. */
export function saveTranscript(text: string, home = learnersHome(), now = new Date()): string {
  if (home === undefined) throw new Error('there is no home directory; set HOME')
  const day = now.toISOString().slice(0, 10)
  for (let number = 1; ; number++) {
    const file = `${home}/toolkit-${day}${number === 1 ? '' : `-${number}`}.txt`
    try {
      write(file, text)
      return file
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    }
  }
}

function write(file: string, text: string): void {
  const fd = fs.openSync(file, 'wx', MODE)
  try {
    fs.writeFileSync(fd, text)
  } finally {
    fs.closeSync(fd)
  }
  own(file)
}
