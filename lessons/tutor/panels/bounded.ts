// Reads that end, whatever the learner has made in the lab: a fork bomb, thousands of mounts, groups in groups.
import { closeSync, opendirSync, openSync, readSync } from 'node:fs'

/** `read`, or undefined where it cannot be done for any reason at all: a panel shows what is to be seen, and goes on. */
export function tryTo<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch {
    return undefined
  }
}

const CHUNK = 65_536

/** The first `bytes` or so of a file, as text, and whether that is all; undefined where it cannot be read. */
export function readSome(path: string, bytes: number): { readonly text: string; readonly whole: boolean } | undefined {
  return tryTo(() => {
    const fd = openSync(path, 'r')
    try {
      const chunks: Buffer[] = []
      let length = 0
      while (length < bytes) {
        const chunk = Buffer.allocUnsafe(CHUNK)
        const read = readSync(fd, chunk, 0, CHUNK, null)
        if (read === 0) return { text: Buffer.concat(chunks).toString(), whole: true }
        chunks.push(chunk.subarray(0, read))
        length += read
      }
      return { text: Buffer.concat(chunks).toString(), whole: false }
    } finally {
      closeSync(fd)
    }
  })
}

/** The names of directories in a directory, `most` of them, in their order; none where it cannot be read. */
export function subdirectories(path: string, most: number): string[] {
  return (
    tryTo(() => {
      const directory = opendirSync(path)
      try {
        const names: string[] = []
        for (let entry = directory.readSync(); entry && names.length < most; entry = directory.readSync())
          if (entry.isDirectory()) names.push(entry.name)
        return names.sort()
      } finally {
        directory.closeSync()
      }
    }) ?? []
  )
}

/** The groups below the top of a hierarchy, as paths from there, those above first; `most` of them. */
export function groupsBelow(top: string, most: number): string[] {
  const found: string[] = []
  const add = (path: string) => {
    for (const name of subdirectories(top + path, most)) if (found.length < most) found.push(`${path}/${name}`)
  }
  add('')
  for (const path of found) add(path) // comes by those that it adds
  return found
}
