// Netlink messages as data: what is asked of the kernel's network stack, made without asking it. netlink(7).
//
// A message is a header (16 bytes: length, type, flags, sequence number, port), the fixed structure of its type, and
// attributes: length and type in 2 bytes each, then the value, padded to 4. Numbers are in the byte order of the
// machine (netfilter's attributes: of the network, that is big-endian), strings end with a NUL.
import type { ErrnoName } from './errno.ts'
import { parseIpv4 } from './ip.ts'
import type { LessonName } from './step.ts'

/** A number that is known only when the message is sent: a link's index, a descriptor's number, the new process's PID. */
export type Later = { readonly link: string } | { readonly descriptor: string } | { readonly process: 'pid' }

/** Where in the bytes such a number belongs; it takes 4 of them. */
export interface Gap {
  readonly at: number
  readonly later: Later
}

/** Bytes with gaps. */
export interface Part {
  readonly bytes: Buffer
  readonly gaps: readonly Gap[]
}

/** What is asked, complete but for header and gaps. */
export interface Message {
  /** The message's type as C names it: RTM_NEWLINK. */
  readonly name: string
  readonly type: number
  /** NLM_F.CREATE, EXCL … ; REQUEST, ACK and DUMP are added by who sends it. */
  readonly flags: number
  readonly body: Buffer
  readonly gaps: readonly Gap[]
  /** What it carries, for people: `veth1a2b {master br0, up}`. */
  readonly text: string
  /** The one error that is as good as success here: EEXIST of a bridge that may be there already. */
  readonly allow?: ErrnoName
}

/** A message with what is to be said about it, as a step has it. */
export interface ToldMessage extends Message {
  readonly why: string
  readonly lesson: LessonName
  /** The command that a person would type for the same effect; empty where there is none. */
  readonly shell: string
}

const HEADER = 16 // struct nlmsghdr
const NESTED = 0x8000 // NLA_F_NESTED: the value is attributes
const TYPE = 0x3fff // NLA_TYPE_MASK

/** Pads to a multiple of 4, as netlink aligns everything. */
export const align = (length: number): number => (length + 3) & ~3

/** Puts parts one after the other. */
export function join(parts: readonly (Buffer | Part)[]): Part {
  const gaps: Gap[] = []
  let length = 0
  const pieces = parts.map(part => {
    const bytes = 'gaps' in part ? part.bytes : part
    if ('gaps' in part) for (const { at, later } of part.gaps) gaps.push({ at: at + length, later })
    length += bytes.length
    return bytes
  })
  return { bytes: Buffer.concat(pieces), gaps }
}

/**
 * One attribute: a value, or attributes inside. `nested` marks those as such (NLA_F_NESTED), which netfilter wants and
 * rtnetlink mostly does without.
 */
export function attribute(
  type: number,
  data: Buffer | Part | readonly (Buffer | Part)[],
  { nested = false }: { nested?: boolean } = {},
): Part {
  const value = join(Array.isArray(data) ? data : [data as Buffer | Part])
  const head = Buffer.alloc(4)
  head.writeUInt16LE(4 + value.bytes.length, 0)
  head.writeUInt16LE(nested ? type | NESTED : type, 2)
  return join([head, value, Buffer.alloc(-value.bytes.length & 3)])
}

export const u8 = (value: number): Buffer => Buffer.from([value])

export function u16(value: number): Buffer {
  const bytes = Buffer.alloc(2)
  bytes.writeUInt16LE(value)
  return bytes
}

export function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value)
  return bytes
}

export function be16(value: number): Buffer {
  const bytes = Buffer.alloc(2)
  bytes.writeUInt16BE(value)
  return bytes
}

export function be32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}

export function be64(value: number | bigint): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64BE(BigInt(value))
  return bytes
}

/** A string with its NUL; one with a NUL inside would silently end there. */
export function string(text: string): Buffer {
  if (text.includes('\0')) throw new TypeError(`a NUL inside ${JSON.stringify(text)}`)
  return Buffer.from(`${text}\0`)
}

/** An IPv4 address as it travels: 4 bytes. Throws a TypeError where the text is none. */
export function ip4(address: string): Buffer {
  const number = parseIpv4(address)
  if (number === undefined) throw new TypeError(`no IPv4 address: ${address}`)
  return be32(number)
}

/** The four bytes of a number that is known only when the message is sent. */
export const gap = (later: Later): Part => ({ bytes: Buffer.alloc(4), gaps: [{ at: 0, later }] })

/** A message of these parts: the structure of its type, then attributes. */
export function message(about: Omit<Message, 'body' | 'gaps'>, parts: readonly (Buffer | Part)[]): Message {
  const { bytes, gaps } = join(parts)
  return { ...about, body: bytes, gaps }
}

/** `RTM_NEWLINK veth1a2b {up}`. */
export const formatMessage = ({ name, text }: Message): string => (text ? `${name} ${text}` : name)

/** The message as it is sent, padded. `values` are for its gaps, one each. */
export function encode(
  { type, flags, body, gaps }: Pick<Message, 'type' | 'flags' | 'body' | 'gaps'>,
  sequence: number,
  values: readonly number[] = [],
): Buffer {
  const bytes = Buffer.alloc(align(HEADER + body.length))
  bytes.writeUInt32LE(HEADER + body.length, 0)
  bytes.writeUInt16LE(type, 4)
  bytes.writeUInt16LE(flags, 6)
  bytes.writeUInt32LE(sequence, 8)
  body.copy(bytes, HEADER)
  for (const [i, { at }] of gaps.entries()) bytes.writeUInt32LE(values[i]!, HEADER + at)
  return bytes
}

/** A message from the kernel. `payload` is a view: copy what shall outlive the next read. */
export interface Reply {
  readonly type: number
  readonly flags: number
  readonly sequence: number
  readonly payload: Buffer
}

/** The messages of one datagram. */
export function decode(bytes: Buffer): Reply[] {
  const found: Reply[] = []
  for (let at = 0; at + HEADER <= bytes.length; ) {
    const length = bytes.readUInt32LE(at)
    if (length < HEADER || at + length > bytes.length) break
    found.push({
      type: bytes.readUInt16LE(at + 4),
      flags: bytes.readUInt16LE(at + 6),
      sequence: bytes.readUInt32LE(at + 8),
      payload: bytes.subarray(at + HEADER, at + length),
    })
    at += align(length)
  }
  return found
}

/** The attributes in `bytes` from `start`, by type; of a type that comes again the last. */
export function attributes(bytes: Buffer, start = 0): Map<number, Buffer> {
  return new Map(attributeList(bytes, start))
}

/** The attributes in their order: for lists, where all have one type. */
export function attributeList(bytes: Buffer, start = 0): [type: number, value: Buffer][] {
  const found: [number, Buffer][] = []
  for (let at = start; at + 4 <= bytes.length; ) {
    const length = bytes.readUInt16LE(at)
    if (length < 4 || at + length > bytes.length) break
    found.push([bytes.readUInt16LE(at + 2) & TYPE, bytes.subarray(at + 4, at + length)])
    at += align(length)
  }
  return found
}

/** A string attribute without its NUL. */
export const textOf = (value: Buffer): string => value.toString('utf8').replace(/\0.*$/s, '')
