// Addresses of the Internet protocol as text and as numbers. ip(7), RFC 4632 for prefixes, RFC 4291 section 2.2 for
// version 6. By hand, because node:net costs milliseconds to load.

/** An IPv4 address as a number, the first byte the highest; undefined where the text is none. No 010, which C reads as 8. */
export function parseIpv4(text: string): number | undefined {
  if (!/^(0|[1-9]\d{0,2})(\.(0|[1-9]\d{0,2})){3}$/.test(text)) return undefined
  const bytes = text.split('.').map(Number)
  return bytes.every(byte => byte <= 255) ? bytes.reduce((sum, byte) => sum * 256 + byte, 0) : undefined
}

export const formatIpv4 = (address: number): string => [24, 16, 8, 0].map(by => (address >>> by) & 255).join('.')

/** A range of addresses with a common beginning: 172.17.0.0/16. */
export interface Subnet {
  /** The lowest address; its name, never given to anybody. */
  readonly first: number
  /** The highest address: broadcast. */
  readonly last: number
  /** Bits in common. */
  readonly prefix: number
}

/** Reads `address/prefix`, whatever address of the range it is; undefined where the text is not that. */
export function parseSubnet(text: string): Subnet | undefined {
  const [, base = '', bits = ''] = /^([\d.]+)\/(\d|[12]\d|3[0-2])$/.exec(text) ?? []
  const address = parseIpv4(base)
  if (address === undefined) return undefined
  const size = 2 ** (32 - Number(bits))
  const first = address - (address % size)
  return { first, last: first + size - 1, prefix: Number(bits) }
}

export const formatSubnet = ({ first, prefix }: Subnet): string => `${formatIpv4(first)}/${prefix}`

export const contains = ({ first, last }: Subnet, address: number): boolean => first <= address && address <= last

export const overlap = (a: Subnet, b: Subnet): boolean => a.first <= b.last && b.first <= a.last

/** Addresses of many at once: RFC 5771. */
export const GROUPS = '224.0.0.0/4'

/** That the text is an IPv6 address, without a zone: ::1, fe80::1, ::ffff:192.0.2.1. */
export function isIpv6(text: string): boolean {
  const halves = text.split('::')
  if (halves.length > 2) return false
  const groups = halves.flatMap(half => (half === '' ? [] : half.split(':')))
  const [, tail] = /^(?:.*:)?(\d+\.\d+\.\d+\.\d+)$/.exec(text) ?? []
  if (tail !== undefined && parseIpv4(tail) === undefined) return false
  const words = tail === undefined ? groups : groups.slice(0, -1)
  const count = words.length + (tail === undefined ? 0 : 2)
  return words.every(word => /^[0-9a-f]{1,4}$/i.test(word)) && (halves.length === 2 ? count < 8 : count === 8)
}
