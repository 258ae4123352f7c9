// The room's code, which lets a seat in, and the instructor's key.
import { createHash, randomBytes, randomInt, timingSafeEqual } from 'node:crypto'

/** Letters and digits that nobody takes for another one. */
const ALPHABET = 'abcdefghjkmnpqrstuvwxyz23456789'

/** 40 bits, to be read from a wall and typed: `k7wm-3hpt`. */
export function newCode(): string {
  const part = () => Array.from({ length: 4 }, () => ALPHABET[randomInt(ALPHABET.length)]).join('')
  return `${part()}-${part()}`
}

/** 128 bits: the instructor's key, or the identity of a seat. */
export const newKey = (): string => randomBytes(16).toString('base64url')

/** A code as somebody may have typed it. */
export const plainCode = (code: string): string => code.toLowerCase().replace(/[^a-z0-9]/g, '')

/** Compares in a time that does not depend on how much of it is right. */
export function isSame(given: string, secret: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(given), digest(secret))
}
