// --cidfile: the id of a container in a file, for scripts. It must be new, as docker's: an old one would name another.
import { closeSync, openSync, unlinkSync, writeSync } from 'node:fs'
import { quoteValue, UsageError } from '../kernel/usage-error.ts'

export interface IdFile {
  write(id: string): void
  /** There is no container, or none any more that could not be started. */
  remove(): void
}

/** Makes the file before there is a container. Throws a UsageError where it is there already or cannot be made. */
export function reserveIdFile(command: string, path: string | undefined): IdFile {
  if (path === undefined) return { write() {}, remove() {} }
  let fd: number
  try {
    fd = openSync(path, 'wx', 0o644)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    const why =
      code === 'EEXIST'
        ? 'is there already; remove it, or give another'
        : `cannot be made (${code}); give a new file in a directory that is there`
    throw new UsageError(`${command}: --cidfile ${quoteValue(path)}: ${why}`)
  }
  let open = true
  const close = () => {
    if (open) closeSync(fd)
    open = false
  }
  return {
    write(id) {
      writeSync(fd, id)
      close()
    },
    remove() {
      close()
      unlinkSync(path)
    },
  }
}
