// What becomes of a signal, as rt_sigaction(2) is given it: struct sigaction, of which the handler is the first 8 bytes.
import type { Struct } from './step.ts'

const handler = (number: number, text: string): Struct => {
  const bytes = new Uint8Array(32)
  bytes[0] = number
  return { bytes, text: `{${text}}` }
}

export const SIG_DFL = handler(0, 'SIG_DFL')
export const SIG_IGN = handler(1, 'SIG_IGN')
