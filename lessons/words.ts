// Names for values: easy to read and to type, and nobody can guess them.
import { randomInt } from 'node:crypto'

const WORDS = [
  'amber',
  'birch',
  'cedar',
  'delta',
  'ember',
  'fjord',
  'grove',
  'heath',
  'inlet',
  'larch',
  'maple',
  'ocean',
]

/** `count` words, no two of them alike. */
export function bareWords(count: number): string[] {
  const rest = [...WORDS]
  return Array.from({ length: count }, () => rest.splice(randomInt(rest.length), 1)[0]!)
}

/** `count` names like amber-4711, no two of them alike: host names, file names, the names of queues and volumes. */
export function words(count: number): string[] {
  const found = new Set<string>()
  while (found.size < count) found.add(`${WORDS[randomInt(WORDS.length)]}-${randomInt(1000, 10_000)}`)
  return [...found]
}
