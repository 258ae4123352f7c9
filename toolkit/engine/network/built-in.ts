// The networks that are always there. No file holds an id of theirs: so it is made of where they are, and stays the same.
import { resolve } from 'node:path'
import { stateDir } from '../../image/paths.ts'

export const BUILT_IN = ['bridge', 'host', 'none'] as const

/** The finalizer of murmur3, 32 bits: each bit of the number changes all of the others. */
function mix(number: number): number {
  let sum = Math.imul(number ^ (number >>> 16), 0x85ebca6b)
  sum = Math.imul(sum ^ (sum >>> 13), 0xc2b2ae35)
  return (sum ^ (sum >>> 16)) >>> 0
}

const GOLDEN = 0x9e3779b9 // odd, and no two of its multiples are near each other

/** 64 hex digits. They are to differ, not to be secret: node:crypto would take 12 ms to load. */
export function builtInId(name: string): string {
  let seed = 0
  for (const letter of `${resolve(stateDir())} ${name}`) seed = mix(seed + letter.codePointAt(0)!)
  let id = ''
  for (let i = 1; i <= 8; i++)
    id += mix(seed + i * GOLDEN)
      .toString(16)
      .padStart(8, '0')
  return id
}
