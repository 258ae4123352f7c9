// A signal that asks us to end while there is a lab: the lab is put away first. Without this, closing the window would
// leave its files and cgroups until the next command.
import type { Lab } from '../../toolkit/engine/lab/lab.ts'

const SIGNALS = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 } as const

/**
 * From now on such a signal does not end the process. The first one calls `leave` with the exit code that a shell would
 * say, 128 + its number. The terminal may be gone: what is written to it is lost, and is no error.
 * @returns a function after which signals end the process again
 */
export function holdSignals(leave: (code: number) => void = () => {}): () => void {
  let first = true
  const onSignal = (signal: keyof typeof SIGNALS) => {
    if (first) leave(128 + SIGNALS[signal])
    first = false
  }
  const signals = Object.keys(SIGNALS) as (keyof typeof SIGNALS)[]
  for (const signal of signals) process.on(signal, onSignal)
  for (const stream of [process.stdout, process.stderr]) stream.removeAllListeners('error').on('error', () => {})
  return () => {
    for (const signal of signals) process.off(signal, onSignal)
  }
}

/** The first signal stops the lab, then ends the process; node gives the terminal back its modes. */
export const stopOnSignal = (lab: Lab): (() => void) =>
  holdSignals(code => void lab.stop().finally(() => process.exit(code)))
