// Signals that reach us are meant for the program in the container.
import { attempt } from '../kernel/call.ts'
import { SIG } from '../kernel/constants.ts'
import { quoteValue, UsageError } from '../kernel/usage-error.ts'

// All that can be caught, but those about ourselves: our own children (CHLD), our own pipes (PIPE), our own sockets
// (URG), our own use of a terminal in the background (TTIN, TTOU: the kernel makes the call again when the signal has
// been caught, and raises it again, without end); and those it raises for what a process itself did (SEGV …).
export const FORWARDED = [
  'HUP',
  'INT',
  'QUIT',
  'USR1',
  'USR2',
  'ALRM',
  'TERM',
  'CONT',
  'TSTP',
  'WINCH',
  'IO',
  'PWR',
] as const

// Those that end a process which does not care for them.
const ending: readonly string[] = ['HUP', 'INT', 'QUIT', 'TERM']

// Whoever sends these again and again wants an end: as many as docker's client bears.
const INSISTING: readonly string[] = ['INT', 'TERM']
const ENOUGH = 3

type Name = (typeof FORWARDED)[number]

export interface Forwarding {
  /** The first signal that asks us to end while there is no program yet; never, where none comes. */
  readonly ended: Promise<Name>
  /** The third of INT and TERM, of both together: the program does not care. Never, where fewer come. */
  readonly insisted: Promise<Name>
  /** There is a program, behind this pidfd: it gets what has come so far, and all that comes. */
  to(pidfd: number): void
  stop(): void
}

/** Catches signals from now on. */
export function forwardSignals(): Forwarding {
  let program: number | undefined
  const early: Name[] = []
  let asked = 0
  let end: (name: Name) => void = () => {}
  let insist = end
  const ended = new Promise<Name>(resolve => {
    end = resolve
  })
  const insisted = new Promise<Name>(resolve => {
    insist = resolve
  })
  const send = (name: Name) => {
    if (program !== undefined) attempt('pidfd_send_signal', [program, SIG[name], null, 0])
    else early.push(name)
    if (program === undefined && ending.includes(name)) end(name)
  }
  const hear = (name: Name) => {
    send(name)
    if (INSISTING.includes(name) && ++asked === ENOUGH) insist(name)
  }
  const listeners = FORWARDED.map(name => [name, () => hear(name)] as const)
  for (const [name, listener] of listeners) process.on(`SIG${name}`, listener)
  return {
    ended,
    insisted,
    to(pidfd) {
      program = pidfd
      for (const name of early.splice(0)) send(name)
    },
    stop() {
      for (const [name, listener] of listeners) process.off(`SIG${name}`, listener)
    },
  }
}

/** Waits for the program's end. Who insists on it before has it made `byForce`. */
export async function untilOver<T>(over: Promise<T>, { insisted }: Forwarding, byForce: () => void): Promise<T> {
  const forced = Symbol('by force')
  const first = await Promise.race([over, insisted.then(() => forced)])
  if (typeof first !== 'symbol') return first as T
  byForce()
  return over
}

const REALTIME = { MIN: 34, MAX: 64 } as const // of the C library: it keeps two for itself

/** The number of a signal: 9, KILL, SIGKILL or RTMIN+3. Throws a UsageError. */
export function signalNumber(text: string): number {
  const name = text.toUpperCase().replace(/^SIG/, '')
  const [, end, distance = '0'] = /^RT(MIN|MAX)([+-]\d{1,2})?$/.exec(name) ?? []
  const number = end
    ? REALTIME[end as 'MIN'] + Number(distance)
    : /^\d+$/.test(text)
      ? Number(text)
      : SIG[name as keyof typeof SIG]
  if (number !== undefined && number > 0 && number <= 64) return number
  throw new UsageError(`invalid signal: ${quoteValue(text)}; give a number or a name of signal(7), such as TERM`, 1)
}
