// struct iovec[]: what writev(2) is to write, from several places.
import type { Struct } from './step.ts'

/** A part of memory that is known under another name as a whole. */
export interface Slice {
  readonly bytes: Uint8Array
  readonly from: number
  readonly length: number
}

export const all = (bytes: Uint8Array): Slice => ({ bytes, from: 0, length: bytes.length })

/** struct iovec[]: pieces of memory, and results of steps. */
export function pieces(text: string, ...parts: readonly (Slice | { readonly of: string })[]): Struct {
  const bytes = Buffer.alloc(16 * parts.length)
  const pointers: { at: number; to: Uint8Array; from: number }[] = []
  const results: { at: number; of: string }[] = []
  for (const [i, part] of parts.entries()) {
    bytes.writeUInt32LE('of' in part ? 8 : part.length, 16 * i + 8)
    if ('of' in part) results.push({ at: 16 * i, of: part.of })
    else pointers.push({ at: 16 * i, to: part.bytes, from: part.from })
  }
  return { bytes, text, pointers, results }
}
