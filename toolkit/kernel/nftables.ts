// The vocabulary of nf_tables: what a rule is made of, as nft(8) writes it and as the kernel takes it.
//
// A rule is a list of expressions, small instructions for a machine with registers: load a field of the packet into a
// register, compare the register, decide. The first comparison that fails ends the rule. A term is what nft writes for
// a few of them that belong together: `ip daddr 127.0.0.0/8` is a load, a mask and a comparison. In a register each
// number is as its field is. include/uapi/linux/netfilter/nf_tables.h.
import { parseSubnet } from './ip.ts'
import { ip4 } from './netlink-message.ts'
import type { Attribute } from './nfnetlink.ts'

/** The types of data that sets are declared with. */
export type DataType = 'ifname' | 'ether_addr' | 'ipv4_addr' | 'inet_proto' | 'inet_service'

interface Coding {
  /** Under which nft(8) knows the type; the kernel only keeps it. */
  readonly number: number
  /** Bytes. */
  readonly length: number
  /** A value as it stands in a register. */
  readonly encode: (text: string) => Uint8Array
}

/** A name in all of its 16 bytes (IFNAMSIZ), as the kernel compares it. */
function padded(name: string): Buffer {
  if (Buffer.byteLength(name) > 15) throw new TypeError(`too long for a link: ${name}`)
  const bytes = Buffer.alloc(16)
  bytes.write(name)
  return bytes
}

const PROTOCOLS: Readonly<Record<string, number>> = { icmp: 1, tcp: 6, udp: 17 }
const bigEndian16 = (number: number): Uint8Array => Uint8Array.of(number >> 8, number & 255)

const codings: Readonly<Record<DataType, Coding>> = {
  ifname: { number: 41, length: 16, encode: padded },
  ether_addr: { number: 9, length: 6, encode: text => Buffer.from(text.replaceAll(':', ''), 'hex') },
  ipv4_addr: { number: 7, length: 4, encode: ip4 },
  inet_proto: { number: 12, length: 1, encode: text => Uint8Array.of(PROTOCOLS[text]!) },
  inet_service: { number: 13, length: 2, encode: text => bigEndian16(Number(text)) },
}

const WORD = 4 // bytes of a register; a field takes as many as it needs
const words = (type: DataType): number => Math.ceil(codings[type].length / WORD)

/** The number of a concatenated type: 6 bits each. */
export const typeNumber = (list: readonly DataType[]): number =>
  list.reduce((number, type) => (number << 6) | codings[type].number, 0)

/** Bytes of a concatenation: each part fills whole registers. */
export const keyLength = (list: readonly DataType[]): number =>
  list.length === 1 ? codings[list[0]!].length : list.reduce((sum, type) => sum + WORD * words(type), 0)

/** Values one after the other, as a set holds them. */
export function concatenate(list: readonly DataType[], values: readonly string[]): Uint8Array {
  const bytes = new Uint8Array(keyLength(list))
  let at = 0
  for (const [i, type] of list.entries()) {
    bytes.set(codings[type].encode(values[i]!), at)
    at += WORD * words(type)
  }
  return bytes
}

/** An element of a list of expressions: its name and its attributes. */
const expression = (name: string, ...attributes: Attribute[]): Attribute => [
  1,
  [
    [1, name],
    [2, attributes],
  ],
]
const value = (type: number, bytes: number | Uint8Array): Attribute => [type, [[1, bytes]]]

const FIRST = 8 // NFT_REG32_00, the first of 16 registers

const compare = (operator: 0 | 1) => (bytes: Uint8Array) =>
  expression('cmp', [1, FIRST], [2, operator], value(3, bytes))
const [equal, different] = [compare(0), compare(1)]

const masked = (mask: number | Uint8Array): Attribute =>
  expression('bitwise', [1, FIRST], [2, FIRST], [3, WORD], value(4, mask), value(5, 0))

/** Something that can be read from a packet, or from what is known about it. */
export interface Field {
  /** As nft writes it. */
  readonly text: string
  readonly type: DataType
  readonly load: (register: number) => Attribute
  /** What must be so for the field to be there at all; nft adds that without saying so. */
  readonly given: readonly Attribute[]
}

const meta =
  (key: number): Field['load'] =>
  register =>
    expression('meta', [1, register], [2, key])

/** Of a header: 0 of the link, 1 of the network, 2 of the transport; offset and length in bytes. */
const payload =
  (header: number, offset: number, length: number): Field['load'] =>
  register =>
    expression('payload', [1, register], [2, header], [3, offset], [4, length])

const etherType = (type: number): Attribute[] => [payload(0, 12, 2)(FIRST), equal(bigEndian16(type))]
const ip = etherType(0x0800)
const arp = etherType(0x0806)
const udp = [meta(16)(FIRST), equal(Uint8Array.of(PROTOCOLS.udp!))]

const field = (text: string, type: DataType, load: Field['load'], given: readonly Attribute[] = []): Field => ({
  text,
  type,
  load,
  given,
})

/** The fields that our rules ask for. Those of `bridged` are for tables of the family bridge, where any frame may come. */
export const fields = {
  iifname: field('iifname', 'ifname', meta(6)),
  oifname: field('oifname', 'ifname', meta(7)),
  /** The kind of link, by the name that `ip link add type` takes. */
  iifkind: field('meta iifkind', 'ifname', meta(26)),
  oifkind: field('meta oifkind', 'ifname', meta(27)),
  protocol: field('meta l4proto', 'inet_proto', meta(16)),
  ipSource: field('ip saddr', 'ipv4_addr', payload(1, 12, 4)),
  ipDestination: field('ip daddr', 'ipv4_addr', payload(1, 16, 4)),
  destinationPort: field('th dport', 'inet_service', payload(2, 2, 2)),
  bridged: {
    etherSource: field('ether saddr', 'ether_addr', payload(0, 6, 6)),
    ipSource: field('ip saddr', 'ipv4_addr', payload(1, 12, 4), ip),
    arpEther: field('arp saddr ether', 'ether_addr', payload(1, 8, 6), arp),
    arpIp: field('arp saddr ip', 'ipv4_addr', payload(1, 14, 4)), // beside arpEther only
    udpSource: field('udp sport', 'inet_service', payload(2, 0, 2), udp),
  },
} as const

/** A part of a rule: as nft writes it, and its expressions. */
export interface Term {
  readonly text: string
  readonly expressions: readonly Attribute[]
}

const quoted = ({ type }: Field, text: string): string => (type === 'ifname' ? `"${text}"` : text)

/** A field that has a value, or (`not`) has another. Of addresses also a range: 127.0.0.0/8. */
export function is(field: Field, text: string, { not = false } = {}): Term {
  const [first = text, prefix] = field.type === 'ipv4_addr' ? text.split('/') : []
  if (prefix !== undefined && !parseSubnet(text)) throw new TypeError(`no range of addresses: ${text}`)
  const mask = prefix === undefined ? [] : [masked(-1 << (32 - Number(prefix)))]
  const bytes = codings[field.type].encode(first)
  return {
    text: `${field.text} ${not ? '!= ' : ''}${quoted(field, text)}`,
    expressions: [...field.given, field.load(FIRST), ...mask, not ? different(bytes) : equal(bytes)],
  }
}

/** Loads fields side by side, after what must be so. */
function loads(list: readonly Field[]): Attribute[] {
  let register = FIRST
  const parts = list.flatMap(({ given }) => given)
  for (const { type, load } of list) {
    parts.push(load(register))
    register += words(type)
  }
  return parts
}

const textOf = (list: readonly Field[]): string => list.map(({ text }) => text).join(' . ')

/** Fields that are together in a set, or (`not`) are not. */
export const inSet = (list: readonly Field[], set: string, { not = false } = {}): Term => ({
  text: `${textOf(list)} ${not ? '!= ' : ''}@${set}`,
  expressions: [...loads(list), expression('lookup', [1, set], [2, FIRST], [5, not ? 1 : 0])],
})

/** A bit of what connection tracking knows: in the register it is a number of the processor. */
const tracked = (text: string, key: number, bits: number): Term => ({
  text,
  expressions: [
    expression('ct', [1, FIRST], [2, key]),
    masked(Uint8Array.of(bits, 0, 0, 0)),
    different(new Uint8Array(WORD)),
  ],
})

/** That the connection was let through before, or the packet belongs to such a one (an ICMP error, say). */
export const established = tracked('ct state established,related', 0, 2 | 4)
/** That the destination of the connection was changed on its way. */
export const redirected = tracked('ct status dnat', 2, 0x20)

/** That the packet is for an address of this machine. */
export const toThisMachine: Term = {
  text: 'fib daddr type local',
  expressions: [expression('fib', [1, FIRST], [2, 3], [3, 2]), equal(Uint8Array.of(2, 0, 0, 0))], // RTN_LOCAL
}

/**
 * Changes the destination to the address and port that a map has for these fields; where it has none, the next rule
 * decides.
 */
export const redirect = (list: readonly Field[], map: string): Term => ({
  text: `dnat ip to ${textOf(list)} map @${map}`,
  expressions: [
    ...loads(list),
    expression('lookup', [1, map], [2, FIRST], [3, FIRST]),
    expression('nat', [1, 1], [2, 2], [3, FIRST], [5, FIRST + 1]), // DNAT, IPv4; where address and port are
  ],
})

/** Changes the source to the address of the link where the packet leaves. */
export const masquerade: Term = { text: 'masquerade', expressions: [expression('masq')] }

const verdict = (text: string, code: number): Term => ({
  text,
  expressions: [expression('immediate', [1, 0], [2, [[2, [[1, code]]]]])],
})
export const accept = verdict('accept', 1)
export const drop = verdict('drop', 0)
