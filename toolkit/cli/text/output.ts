// Lines to the terminal without Node's streams: they cost milliseconds to load, and `toolkit run` is to be quick.
import { writeSync } from 'node:fs'
import { invoke } from '../../kernel/call.ts'
import { errnoMeaning } from '../../kernel/errno.ts'
import { pause } from '../../kernel/pause.ts'
import { UsageError } from '../../kernel/usage-error.ts'
import { printableLines } from './printable.ts'

/**
 * Writes all; false where nobody reads it any more, and where stderr takes it no more: to whom should one complain? Throws
 * a UsageError (exit code 1) where the output takes it no more: a disk is full.
 */
export function writeBytes(fd: number, bytes: Uint8Array): boolean {
  for (let done = 0; done < bytes.length; ) {
    try {
      done += writeSync(fd, bytes, done)
    } catch (error) {
      const { code, errno = 0 } = error as NodeJS.ErrnoException
      if (code === 'EPIPE') return false // `toolkit … | head` has seen enough
      if (code !== 'EAGAIN') {
        if (fd === 2) return false
        throw new UsageError(`the output cannot be written: ${errnoMeaning(Math.abs(errno))}`, 1)
      }
      pause(1) // somebody made it O_NONBLOCK, and is slow to read
    }
  }
  return true
}

const write = (fd: number, text: string): boolean => writeBytes(fd, Buffer.from(text))

export const print = (text: string): void => void write(1, `${text}\n`)
/** In one write(2): a line each may be hundreds. */
export const printLines = (lines: readonly string[]): void => void (lines.length > 0 && print(lines.join('\n')))
/** To stderr, with what would steer a terminal as escapes: errors quote what others have written. */
export const printError = (text: string): void => void write(2, `${printableLines(text)}\n`)

/**
 * Ends this process. Node takes 4 ms to free what the kernel frees anyway, and would wait for what is still open. All output
 * is written: on Linux nothing of it is buffered.
 */
export const exitNow = (status: number): number => invoke('exit_group', [status])
