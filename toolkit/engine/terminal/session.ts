// Joins our stdin, stdout and stderr to those of a container that has a monitor, and parts them again. Output comes from
// its log, so that several can look at once; keys go straight to its terminal, of which monitor or holder give a
// duplicate, or into the pipe that is its stdin.
import { closeSync, existsSync, openSync, writeSync } from 'node:fs'
import net from 'node:net'
import process from 'node:process'
import { setImmediate, setTimeout as sleep } from 'node:timers/promises'
import { pipe } from '../../kernel/call.ts'
import { O, type SIG } from '../../kernel/constants.ts'
import { errnoMeaning } from '../../kernel/errno.ts'
import { failpoint } from '../failpoint.ts'
import type { Staying } from '../life/detach.ts'
import { readExit } from '../life/exit-record.ts'
import { holdProcess, outcome } from '../life/lifecycle.ts'
import { followLog } from '../log/follow.ts'
import { LogReader, type Piece, type StreamName } from '../log/log.ts'
import { type Forwarding, forwardSignals } from '../signals.ts'
import { isFree } from '../state/files.ts'
import { findContainer } from '../state/list.ts'
import { sweepOne } from '../state/orphans.ts'
import { shorten } from '../state/store.ts'
import { DetachKeys } from './detach-keys.ts'
import { renewHolder, takeKept } from './holder.ts'
import { keepFlags, ownInput, ownOutput } from './own-streams.ts'
import { openStream } from './stream.ts'
import { borrowTerminal, keepSize } from './user-terminal.ts'

const SLICE = 1 << 15 // bytes that are shown before we look for keys again
const PATIENCE = 2000 // milliseconds until its monitor must have ended
const TOO_FAR = 4 << 20 // bytes that a screen may be behind

/** A container, and its directory: open, because that moves when the container starts and ends. */
export interface Held {
  readonly id: string
  readonly fd: number
}

export interface SessionWish {
  /** The container has a terminal. */
  readonly terminal: boolean
  /** It gets our stdin. */
  readonly stdin: boolean
  /** What it writes that is shown. Default: both. */
  readonly shown?: readonly StreamName[] | undefined
  /** It gets our signals, where it has no terminal. */
  readonly signals: boolean
  /** The keys that part us from its terminal. */
  readonly keys: Uint8Array
  /** Undefined where `start` makes it. Closed here. */
  readonly container: Held | undefined
  /** Starts it when all is ready to be shown. */
  readonly start?: ((staying: Staying) => Promise<Held | undefined>) | undefined
}

/**
 * The container has ended: with a code, or nobody knows with which; `lost`: bytes that a full disk did not take, at least;
 * `undone`: why something of it is left, which the next command undoes. Or it lives on: its user has left by the keys, a
 * signal has come (with `insisted`: the third, the program did not care), nobody reads what it writes, or that cannot be
 * written: a disk is full.
 */
export type SessionEnd =
  | { readonly exitCode: number | undefined; readonly lost: number; readonly undone?: string }
  | { readonly left: 'by keys' | 'unread' }
  | { readonly left: 'unwritten'; readonly why: string }
  | { readonly signal: keyof typeof SIG; readonly insisted?: true }

/** Stays until the container ends, or the user leaves. Throws a UsageError. */
export async function joinSession(wish: SessionWish): Promise<SessionEnd> {
  const { terminal, shown = ['stdout', 'stderr'] } = wish
  let leave: (end: SessionEnd) => void = () => {}
  const left = new Promise<SessionEnd>(resolve => {
    leave = resolve
  })
  const hearing = terminal ? hearEnding(leave) : wish.signals ? forwardSignals() : undefined
  const begun = await begin(wish).catch(error => {
    hearing?.stop()
    throw error
  })
  const { id, directory, reader, writer, close } = begun
  const pidfd = holdProcess(findContainer(id).state)
  const restoreFlags = keepFlags()
  const unread = ({ code, errno = 0 }: NodeJS.ErrnoException) =>
    leave(code === 'EPIPE' ? { left: 'unread' } : { left: 'unwritten', why: errnoMeaning(-errno) })
  const outputs = { stdout: ownOutput('stdout', unread), stderr: ownOutput('stderr', unread) }
  const screen = terminal && outputs.stdout.isTerminal
  const show = async ({ stream, data }: Piece) => {
    if (!shown.includes(stream)) return
    for (let at = 0; at < data.length; at += SLICE) {
      await outputs[stream].write(data.subarray(at, at + SLICE))
      if (screen) await setImmediate() // ^C is heard in between
    }
    if (!screen || reader.behind < TOO_FAR) return
    const { behind } = reader
    reader.skip()
    await outputs.stdout.write(`\r\n[${behind >> 20} MB left out; toolkit logs ${id} has them]\r\n`)
  }
  const join = () => {
    if (pidfd === undefined) return () => {}
    if (terminal) return joinTerminal({ ...wish, directory, pidfd, leave })
    const forwarding = hearing as Forwarding | undefined
    forwarding?.to(pidfd)
    void forwarding?.insisted.then(signal => leave({ signal, insisted: true }))
    return wish.stdin ? joinStdin(directory, writer) : () => {}
  }
  const part = join()
  const following = followLog(directory, { reader, pidfd, show })
  try {
    const end = await Promise.race([left, following.over.then(() => undefined)])
    if (end) return end
    const { exitCode } = readExit(directory) ?? (await outcome(id)) ?? {}
    const undone = wish.start && (await putAway(id, directory))
    return { exitCode, lost: reader.lost, ...(undone !== undefined && { undone }) }
  } finally {
    part()
    hearing?.stop()
    following.stop()
    close()
    restoreFlags()
    if (pidfd !== undefined) closeSync(pidfd)
  }
}

/** What its monitor leaves to us, see monitor.ts. Returns why not all could be undone. */
async function putAway(id: string, directory: string): Promise<string | undefined> {
  failpoint('program ended')
  for (let waited = 0; waited < PATIENCE && !isFree(`${directory}/lock`); waited++) await sleep(1)
  return sweepOne(shorten(id))
}

/** From here on all it writes is shown, however slowly: where it is started here, its monitor keeps to our pace. */
async function begin({ container, start, stdin }: SessionWish) {
  const fds = container ? [container.fd] : []
  const close = () => {
    for (const fd of fds.splice(0)) closeSync(fd)
  }
  const read = ({ fd }: Held, how: { fromEnd: boolean; onPart?: () => void }) =>
    new LogReader(`/proc/self/fd/${fd}`, how)
  let writer: number | undefined
  try {
    const [pace, ours] = start ? pipe() : []
    if (pace !== undefined) fds.push(pace, ours!)
    const onPart = () => void (ours !== undefined && writeSync(ours, '.'))
    const earlier = container && read(container, { fromEnd: true, onPart })
    const onStdin = (fd: number) => {
      writer = fd
    }
    const made = await start?.({ pace, ...(stdin && { onStdin }) })
    if (made) fds.push(made.fd)
    const held = (made ?? container)!
    const reader = earlier ?? read(held, { fromEnd: false, onPart })
    return { id: held.id, directory: `/proc/self/fd/${held.fd}`, reader, writer, close }
  } catch (error) {
    close()
    throw error
  }
}

const ENDING = ['HUP', 'INT', 'QUIT', 'TERM'] as const

/** Signals are about us, where the container has a terminal: it has its own keys for that. */
function hearEnding(leave: (end: SessionEnd) => void): { stop(): void } {
  const listeners = ENDING.map(signal => [`SIG${signal}`, () => leave({ signal })] as const)
  for (const [name, listener] of listeners) process.on(name, listener)
  return {
    stop() {
      for (const [name, listener] of listeners) process.off(name, listener)
    },
  }
}

interface Terminal extends Pick<SessionWish, 'stdin' | 'keys'> {
  readonly directory: string
  readonly pidfd: number
  readonly leave: (end: SessionEnd) => void
}

/** Keys and size. */
function joinTerminal({ directory, pidfd, stdin, keys, leave }: Terminal): () => void {
  const master = takeKept(directory)
  if (master === undefined) return () => {}
  renewHolder(directory, pidfd, master)
  const undo = [keepSize(master, { redraw: true })]
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
  return () => {
    for (const action of undo.reverse()) action()
  }
}

/** `writer`: the other end of its stdin, where that is ours alone: when our own stdin ends, its ends, too. */
function joinStdin(directory: string, writer: number | undefined): () => void {
  const path = `${directory}/stdin`
  if (writer === undefined && !existsSync(path)) return () => {}
  const pipe = new net.Socket({ fd: writer ?? openSync(path, O.WRONLY + O.NONBLOCK), readable: false, writable: true })
  pipe.on('error', () => {}) // it reads no more
  const input = ownInput()
  const end = () => pipe.end()
  input.on('end', end).on('error', end) // it cannot be read: a directory, or open for writing alone
  input.on('data', data => {
    // pipe() would look at process.stdout, and make that O_NONBLOCK
    if (pipe.write(data)) return
    input.pause()
    pipe.once('drain', () => input.resume())
  })
  return () => {
    input.pause()
    pipe.destroy()
  }
}
