// Terminals as the kernel sees them. ioctl_tty(2), termios(3).
import { attempt } from './call.ts'
import { IOCTL } from './constants.ts'

export interface Size {
  readonly columns: number
  readonly rows: number
}

/** Whether a descriptor is a terminal; isatty(3). */
export const isTerminal = (fd: number): boolean => attempt('ioctl', [fd, IOCTL.TCGETS, Buffer.alloc(64)]) === 0

/** How large a terminal says it is; undefined where the descriptor is none. */
export function sizeOf(fd: number): Size | undefined {
  const size = Buffer.alloc(8)
  if (attempt('ioctl', [fd, IOCTL.TIOCGWINSZ, size]) < 0) return undefined
  return { columns: size.readUInt16LE(2), rows: size.readUInt16LE(0) }
}

/** struct winsize; the kernel sends SIGWINCH to the foreground processes. */
export function setSize(fd: number, { columns, rows }: Size): void {
  const size = Buffer.alloc(8)
  size.writeUInt16LE(rows, 0)
  size.writeUInt16LE(columns, 2)
  attempt('ioctl', [fd, IOCTL.TIOCSWINSZ, size])
}

/** The process group in the foreground of our own terminal; undefined where the descriptor is not that. tcgetpgrp(3). */
export function foregroundOf(fd: number): number | undefined {
  const group = Buffer.alloc(4)
  return attempt('ioctl', [fd, IOCTL.TIOCGPGRP, group]) < 0 ? undefined : group.readInt32LE()
}

/**
 * Switches off all that a terminal does with keys and output by itself: echo, lines, ^C, and \n to \r\n, which the
 * container's own terminal does already. cfmakeraw in termios(3). Returns how to switch it on again.
 */
export function makeRaw(fd: number): () => void {
  const before = Buffer.alloc(64) // struct termios: iflag, oflag, cflag, lflag, line, cc[19]
  if (attempt('ioctl', [fd, IOCTL.TCGETS, before]) < 0) return () => {} // no terminal
  const raw = Buffer.from(before)
  const clear = (at: number, bits: number) => raw.writeUInt32LE((raw.readUInt32LE(at) & ~bits) >>> 0, at)
  clear(0, 0o2753) // IGNBRK BRKINT PARMRK ISTRIP INLCR IGNCR ICRNL IXON
  clear(4, 0o1) // OPOST
  clear(12, 0o100113) // ECHO ECHONL ICANON ISIG IEXTEN
  raw[17 + 5] = 0 // VTIME
  raw[17 + 6] = 1 // VMIN: a read returns with the first byte
  attempt('ioctl', [fd, IOCTL.TCSETS, raw])
  return () => void attempt('ioctl', [fd, IOCTL.TCSETS, before])
}
