// What a program file says it needs before it can run: its loader and its libraries. elf(5).
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs'
import { PATH_MAX } from '../kernel/constants.ts'
import { orGone } from './read.ts'

export interface Elf {
  readonly bits: 32 | 64
  /** As Node names it (x64, arm64, ia32 …), or the number in the file (e_machine). */
  readonly machine: string
  /** The loader, which the kernel starts in the program's place; undefined where it needs none. */
  readonly interpreter: string | undefined
  /** The libraries that it asks the loader for, by name. */
  readonly needed: readonly string[]
  /** Needs no other file: neither loader nor library. */
  readonly isStatic: boolean
}

const MACHINES: Record<number, string> = { 3: 'ia32', 8: 'mips', 20: 'ppc', 21: 'ppc64', 22: 's390x' }
Object.assign(MACHINES, { 40: 'arm', 62: 'x64', 183: 'arm64', 243: 'riscv64', 258: 'loong64' })

const PT = { LOAD: 1, DYNAMIC: 2, INTERP: 3 } as const
const DT = { NEEDED: 1, STRTAB: 5 } as const

// A file can claim anything. These are far above what real programs have.
const MAX_SEGMENTS = 512
const MAX_DYNAMIC = 1 << 16
const MAX_STRING = PATH_MAX

class Unreadable extends Error {}

/** The file's bytes in its own word size and byte order. */
class Reader {
  readonly fd: number
  readonly is64: boolean
  readonly isLittle: boolean

  constructor(fd: number, is64: boolean, isLittle: boolean) {
    this.fd = fd
    this.is64 = is64
    this.isLittle = isLittle
  }

  /** Up to `length` bytes at an offset; what lies outside the file is not there. */
  bytes(offset: number, length: number): Buffer {
    if (!Number.isSafeInteger(offset) || offset < 0) throw new Unreadable()
    const buffer = Buffer.alloc(length)
    return buffer.subarray(0, readSync(this.fd, buffer, 0, length, offset))
  }

  /** Half word, word, or address and offset in the file's own size. */
  number(from: Buffer, at: number, size: 2 | 4 | 'address'): number {
    const length = size === 'address' ? (this.is64 ? 8 : 4) : size
    if (at + length > from.length) throw new Unreadable()
    if (length === 8) return Number(this.isLittle ? from.readBigUInt64LE(at) : from.readBigUInt64BE(at))
    return this.isLittle ? from.readUIntLE(at, length) : from.readUIntBE(at, length)
  }

  string(offset: number): string {
    const bytes = this.bytes(offset, MAX_STRING)
    const end = bytes.indexOf(0)
    if (end < 0) throw new Unreadable()
    return bytes.toString('utf8', 0, end)
  }
}

interface Segment {
  readonly type: number
  readonly offset: number
  readonly address: number
  readonly size: number
}

/** The program headers. Elf64_Phdr has its flags before the offset, Elf32_Phdr after the sizes. */
function segmentsOf(file: Reader, header: Buffer): Segment[] {
  const start = file.number(header, file.is64 ? 32 : 28, 'address')
  const size = file.number(header, file.is64 ? 54 : 42, 2)
  const count = file.number(header, file.is64 ? 56 : 44, 2)
  if (count > MAX_SEGMENTS || size < (file.is64 ? 56 : 32)) throw new Unreadable()
  const table = file.bytes(start, size * count)
  return Array.from({ length: count }, (_, i) => {
    const at = i * size
    return {
      type: file.number(table, at, 4),
      offset: file.number(table, at + (file.is64 ? 8 : 4), 'address'),
      address: file.number(table, at + (file.is64 ? 16 : 8), 'address'),
      size: file.number(table, at + (file.is64 ? 32 : 16), 'address'),
    }
  })
}

/** The names in the dynamic section. It gives addresses in memory; the loadable segments say where that is in the file. */
function neededOf(file: Reader, segments: readonly Segment[]): string[] {
  const dynamic = segments.find(({ type }) => type === PT.DYNAMIC)
  if (!dynamic) return []
  const table = file.bytes(dynamic.offset, Math.min(dynamic.size, MAX_DYNAMIC))
  const word = file.is64 ? 8 : 4
  const names: number[] = []
  let strings: number | undefined
  for (let at = 0; at + 2 * word <= table.length; at += 2 * word) {
    const tag = file.number(table, at, 'address')
    const value = file.number(table, at + word, 'address')
    if (tag === 0) break
    if (tag === DT.NEEDED) names.push(value)
    if (tag === DT.STRTAB) strings = value
  }
  if (names.length === 0) return []
  const home = segments.find(
    ({ type, address, size }) =>
      type === PT.LOAD && strings !== undefined && strings >= address && strings < address + size,
  )
  if (!home || strings === undefined) throw new Unreadable()
  const offset = strings - home.address + home.offset
  return names.map(name => file.string(offset + name))
}

function parse(fd: number): Elf | undefined {
  if (!fstatSync(fd).isFile()) return undefined
  const header = new Reader(fd, true, true).bytes(0, 64)
  const [kind, order] = [header[4], header[5]]
  if (header.toString('latin1', 0, 4) !== '\x7fELF' || (kind !== 1 && kind !== 2) || (order !== 1 && order !== 2))
    return undefined
  const file = new Reader(fd, kind === 2, order === 1)
  const segments = segmentsOf(file, header)
  const loader = segments.find(({ type }) => type === PT.INTERP)
  const interpreter = loader && file.string(loader.offset)
  const needed = neededOf(file, segments)
  const machine = file.number(header, 18, 2)
  return {
    bits: file.is64 ? 64 : 32,
    machine: MACHINES[machine] ?? String(machine),
    interpreter,
    needed,
    isStatic: interpreter === undefined && needed.length === 0,
  }
}

/** What a program needs; undefined where the file is gone, unreadable, no ELF file, or a damaged one. */
export function readElf(path: string): Elf | undefined {
  return orGone(() => {
    const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK) // a fifo would wait for a writer
    try {
      return parse(fd)
    } catch (error) {
      if (error instanceof Unreadable) return undefined
      throw error
    } finally {
      closeSync(fd)
    }
  })
}
