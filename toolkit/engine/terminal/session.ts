// Joins our stdin, stdout and stderr to those of a container that has a monitor, and parts them again. Output comes from
// its log, so that several can look at once; keys go straight to its terminal, of which monitor or holder give a
// duplicate, or into the pipe that is its stdin.
import { closeSync, existsSync, openSync } from 'node:fs'
import net from 'node:net'
import process from 'node:process'
import { setImmediate } from 'node:timers/promises'
import { O, type SIG } from '../../kernel/constants.ts'
import { isTerminal } from '../../kernel/tty.ts'
import { UsageError } from '../../kernel/usage-error.ts'
import { readExit } from '../life/exit-record.ts'
import { holdProcess, outcome } from '../life/lifecycle.ts'
import { followLog } from '../log/follow.ts'
import { LogReader, type Piece } from '../log/log.ts'
import { forwardSignals } from '../signals.ts'
import { findContainer, placeOf } from '../state/list.ts'
import { DetachKeys } from './detach-keys.ts'
import { renewHolder, takeKept } from './holder.ts'
import { openStream } from './stream.ts'
import { borrowTerminal, keepSize } from './user-terminal.ts'

const SLICE = 1 << 15 // bytes that are shown before we look for keys again
const TOO_FAR = 4 << 20 // bytes that a screen may be behind

export interface SessionWish {
  /** The word for the container. */
  readonly word: string
  /** It gets our stdin, where it was made with -i. */
  readonly stdin: boolean
  /** Of its output only these; default: all. */
  readonly shows?: readonly string[]
  /** It gets our signals, where it has no terminal. */
  readonly signals: boolean
  /** The keys that part us from its terminal. */
  readonly keys: Uint8Array
  /** Starts it when all is ready to be shown; returns the other end of its stdin where that is ours alone. */
  readonly start?: () => Promise<number | undefined>
}

/**
 * The container has ended: with a code, or nobody knows with which. Or it lives on: its user has left by the keys, a signal has
 * come (with `insisted`: the third, the program did not care), or nobody reads what it writes.
 */
export type SessionEnd =
  | { readonly exitCode: number | undefined }
  | { readonly left: 'by keys' | 'unread' }
  | { readonly signal: keyof typeof SIG; readonly insisted?: true }

/** Stays until the container ends, or the user leaves. Throws a UsageError. */
export async function joinSession({ word, keys, start, ...wish }: SessionWish): Promise<SessionEnd> {
  const { id, state } = findContainer(word)
  const { terminal = false, interactive = false } = state?.options ?? {}
  if (terminal && wish.stdin && !isTerminal(0))
    throw new UsageError('the input device is not a TTY: the container has a terminal, and stdin is none', 1)
  const stdin = wish.stdin && interactive
  const held = openSync(placeOf(findContainer(id)), O.RDONLY) // the directory moves when the container starts and ends
  const directory = `/proc/self/fd/${held}`
  const reader = new LogReader(directory, { fromEnd: true })
  const writer = await start?.()
  const pidfd = holdProcess(findContainer(id).state)

  let leave: (end: SessionEnd) => void = () => {}
  const left = new Promise<SessionEnd>(resolve => {
    leave = resolve
  })
  const { stdout, stderr } = process
  for (const stream of [stdout, stderr]) stream.on('error', () => leave({ left: 'unread' }))
  const screen = terminal && stdout.isTTY
  const show = async ({ stream, data }: Piece) => {
    if (wish.shows && !wish.shows.includes(stream)) return
    for (let at = 0; at < data.length; at += SLICE) {
      const to = stream === 'stdout' ? stdout : stderr
      if (!to.write(data.subarray(at, at + SLICE))) await new Promise(resolve => to.once('drain', resolve))
      if (screen) await setImmediate() // ^C is heard in between
    }
    if (!screen || reader.behind < TOO_FAR) return
    const { behind } = reader
    reader.skip()
    stdout.write(`\r\n[${behind >> 20} MB left out; toolkit logs ${id} has them]\r\n`)
  }
  const master = terminal && pidfd !== undefined ? takeKept(directory) : undefined
  const part =
    pidfd === undefined
      ? () => {}
      : terminal
        ? joinTerminal({ directory, pidfd, master, stdin, keys, leave })
        : joinPipes({ directory, pidfd, writer, stdin, signals: wish.signals, leave })
  const following = followLog(directory, { reader, pidfd, show })
  try {
    const end = await Promise.race([left, following.over.then(() => undefined)])
    if (end) return end
    return { exitCode: (readExit(directory) ?? (await outcome(id)))?.exitCode }
  } finally {
    part()
    following.stop()
    for (const fd of [pidfd, held]) if (fd !== undefined) closeSync(fd)
  }
}

interface Terminal {
  readonly directory: string
  readonly pidfd: number
  readonly master: number | undefined
  readonly stdin: boolean
  readonly keys: Uint8Array
  readonly leave: (end: SessionEnd) => void
}

const ENDING = ['HUP', 'INT', 'QUIT', 'TERM'] as const

/** Keys and size. Signals are about us: the container has its own keys for that. */
function joinTerminal({ directory, pidfd, master, stdin, keys, leave }: Terminal): () => void {
  const listeners = ENDING.map(signal => [`SIG${signal}`, () => leave({ signal })] as const)
  for (const [name, listener] of listeners) process.on(name, listener)
  const undo = [() => listeners.forEach(([name, listener]) => void process.off(name, listener))]
  if (master !== undefined) {
    renewHolder(directory, pidfd, master)
    undo.push(keepSize(master, { redraw: true }))
    const stream = openStream(master, () => {}) // never read here: what comes out is the monitor's
    undo.push(() => void stream.destroy())
    if (stdin) {
      const filter = new DetachKeys(keys)
      const type = (data: Buffer) => {
        const { pass, complete } = filter.take(data)
        if (pass.length > 0) stream.write(pass)
        if (complete) leave({ left: 'by keys' })
      }
      undo.push(borrowTerminal(type, () => leave({ signal: 'HUP' })))
    }
  }
  return () => {
    for (const action of undo.reverse()) action()
  }
}

interface Pipes {
  readonly directory: string
  readonly pidfd: number
  /** The other end of its stdin, ours alone: when our own stdin ends, its ends, too. */
  readonly writer: number | undefined
  readonly stdin: boolean
  readonly signals: boolean
  readonly leave: (end: SessionEnd) => void
}

function joinPipes({ directory, pidfd, writer, stdin, signals, leave }: Pipes): () => void {
  const forwarding = signals ? forwardSignals() : undefined
  forwarding?.to(pidfd)
  void forwarding?.insisted.then(signal => leave({ signal, insisted: true }))
  const path = `${directory}/stdin`
  if (!stdin || (writer === undefined && !existsSync(path))) return () => forwarding?.stop()
  const pipe = new net.Socket({ fd: writer ?? openSync(path, O.WRONLY + O.NONBLOCK), readable: false, writable: true })
  pipe.on('error', () => {}) // it reads no more
  process.stdin.pipe(pipe)
  return () => {
    forwarding?.stop()
    process.stdin.unpipe(pipe).pause()
    pipe.destroy()
  }
}
