// The networks that are always there. No file holds an id of theirs: so it is made of where they are, and stays the same.
import { resolve } from 'node:path'
import { stateDir } from '../../image/paths.ts'

export const BUILT_IN = ['bridge', 'host', 'none'] as const

/** FNV-1a, 32 bits, with the murmur3 finalizer: the words differ in a letter only. https://www.rfc-editor.org/rfc/rfc9923 */
function hash(text: string): number {
  let sum = 0x811c9dc5
  for (const letter of text) sum = Math.imul(sum ^ letter.codePointAt(0)!, 0x01000193)
  sum = Math.imul(sum ^ (sum >>> 16), 0x85ebca6b)
  sum = Math.imul(sum ^ (sum >>> 13), 0xc2b2ae35)
  return (sum ^ (sum >>> 16)) >>> 0
}

/** 64 hex digits. They are to differ, not to be secret: node:crypto would take 12 ms to load. */
export const builtInId = (name: string): string =>
  Array.from({ length: 8 }, (_, i) =>
    hash(`${i} ${resolve(stateDir())} ${name}`)
      .toString(16)
      .padStart(8, '0'),
  ).join('')
