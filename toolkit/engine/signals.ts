// Signals that reach us are meant for the program in the container.
import { attempt } from '../kernel/call.ts'
import { SIG } from '../kernel/constants.ts'

// All that can be caught, but those about ourselves: our own children (CHLD), our own pipes (PIPE), our own sockets
// (URG); and those the kernel raises for what a process itself did (SEGV …). docker passes the same.
const forwarded = [
  'HUP',
  'INT',
  'QUIT',
  'USR1',
  'USR2',
  'ALRM',
  'TERM',
  'CONT',
  'TSTP',
  'TTIN',
  'TTOU',
  'WINCH',
  'IO',
  'PWR',
] as const

/** Passes signals on to the process behind the pidfd, until the returned function is called. */
export function forwardSignals(pidfd: () => number | undefined): () => void {
  const listeners = forwarded.map(name => {
    const listener = () => {
      const fd = pidfd()
      if (fd !== undefined) attempt('pidfd_send_signal', [fd, SIG[name], null, 0])
    }
    process.on(`SIG${name}`, listener)
    return () => process.off(`SIG${name}`, listener)
  })
  return () => {
    for (const stop of listeners) stop()
  }
}
