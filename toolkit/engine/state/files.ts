// Files and directories that survive a crash: locks that the kernel drops with their process, and text that is never
// half written. flock(2), rename(2).
import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { attempt } from '../../kernel/call.ts'
import { AT, LOCK, RENAME } from '../../kernel/constants.ts'
import { UsageError } from '../../kernel/usage-error.ts'
import { requirement } from '../host.ts'

/**
 * Takes the lock behind `path`; undefined where another process has it and we do not want to wait, or it has gone.
 * A shared lock only looks: many may have it, but not while one has it to itself, and it makes no file.
 */
export function lock(path: string, { wait, shared = false }: { wait: boolean; shared?: boolean }): number | undefined {
  let fd: number
  try {
    fd = openSync(path, shared ? 'r' : 'a', 0o600)
  } catch (error) {
    if (!wait && (error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
  if (attempt('flock', [fd, (shared ? LOCK.SH : LOCK.EX) | (wait ? 0 : LOCK.NB)]) === 0) return fd
  closeSync(fd)
  return undefined
}

/** Whether nobody has the lock behind `path`, and there is one. */
export function isFree(path: string): boolean {
  const fd = lock(path, { wait: false, shared: true })
  if (fd !== undefined) closeSync(fd)
  return fd !== undefined
}

/** Makes a directory and those above it. Not Node's own `recursive`: under /proc that one never ends. */
export function makeTree(path: string, mode = 0o711): void {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) return // the usual case; an error would cost more to make
  try {
    makeDirectory(path, mode)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || path === dirname(path)) throw error
    makeTree(dirname(path), mode)
    makeDirectory(path, mode)
  }
}

/** One that is there already, or that another engine makes just now, is as good. */
function makeDirectory(path: string, mode: number): void {
  try {
    mkdirSync(path, mode)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST' || !statSync(path).isDirectory()) throw error
  }
}

/**
 * Puts a file in the place of another, which goes. By exchanging them: where rename(2) takes away a file, ext4 sends the
 * new one to the disk at once (auto_da_alloc, ext4(5)), and who removes it soon after waits for the disk.
 */
export function exchange(fresh: string, path: string): void {
  const exchanged = attempt('renameat2', [AT.FDCWD, fresh, AT.FDCWD, path, RENAME.EXCHANGE])
  if (exchanged === 0) unlinkSync(fresh)
  else renameSync(fresh, path) // there is none yet, or the file system cannot exchange
}

interface Writing {
  /** It is on the disk when this returns. */
  readonly durable: boolean
  readonly suffix?: string
  readonly replace?: (temporary: string, path: string) => void
}

/** As writeJson writes it. */
export const jsonText = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`

/**
 * Writes JSON beside and moves it there, so that a reader sees the old text or the new, never half of one. `replace` does the
 * moving in its own way; two that may write at the same time need different `suffix`es.
 */
export function writeJson(
  path: string,
  value: unknown,
  { durable, suffix = 'new', replace = exchange }: Writing,
): void {
  const temporary = `${path}.${suffix}`
  try {
    const fd = openSync(temporary, 'w', 0o600)
    try {
      writeFileSync(fd, jsonText(value)) // write(2) alone may stop half way where the disk is full
      if (durable) fsyncSync(fd)
    } finally {
      closeSync(fd)
    }
    replace(temporary, path)
  } catch (error) {
    rmSync(temporary, { force: true })
    throw error
  }
}

/** The names in a directory; none where there is no such directory. Throws a UsageError where it is not ours to read. */
export function entries(directory: string): string[] {
  try {
    return readdirSync(directory)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR') return []
    if (code === 'EACCES')
      throw new UsageError(`cannot read ${directory}: permission denied; try: ${requirement('root').remedy}`)
    throw error
  }
}

/** Removes a directory; true where it is gone. What cannot be removed (chattr +i) is tried again by every sweep. */
export function remove(directory: string): boolean {
  try {
    rmSync(directory, { recursive: true, force: true })
    return true
  } catch {
    return false
  }
}
