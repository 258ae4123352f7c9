// Attributes of nfnetlink, netfilter's part of netlink(7): numbers big-endian, nests marked as such. A firewall has
// hundreds of attributes and is made at every start of a container; so they are data first, and laid out in one go.

/** An attribute: its type, and a number (32 bits), a string (a NUL will follow), bytes, or attributes inside. */
export type Attribute = readonly [type: number, value: number | string | Uint8Array | readonly Attribute[] | Lists]

/** Attributes, list after list. The same list in several messages is laid out once. */
export interface Lists {
  readonly lists: readonly (readonly Attribute[])[]
}

const NESTED = 0x8000 // NLA_F_NESTED
const room = new Uint8Array(0x10000) // bytes: an attribute cannot be longer; most messages have 300

/** The bytes of attributes behind those of `head`, each padded to 4. Throws a RangeError for more than 64 KiB. */
export function pack(attributes: readonly Attribute[], head: readonly number[] = []): Buffer {
  room.set(head)
  const end = layOut(attributes, head.length)
  if (end > room.length) throw new RangeError(`${end} bytes of attributes in one message`)
  return Buffer.from(room.subarray(0, end))
}

const known = new WeakMap<readonly Attribute[], Uint8Array>()

/** The same for a list that may come again. */
function layOutOnce(list: readonly Attribute[], start: number): number {
  const before = known.get(list)
  if (before) {
    room.set(before, start)
    return start + before.length
  }
  const end = layOut(list, start)
  known.set(list, room.slice(start, end))
  return end
}

/** Writes them from `start` on; returns where they end. Byte by byte: Buffer's own methods take ten times as long at first. */
function layOut(attributes: readonly Attribute[], start: number): number {
  let at = start
  for (const [type, value] of attributes) {
    let end = at + 4
    let flags = 0
    if (typeof value === 'number') {
      room[end++] = value >>> 24
      room[end++] = value >>> 16
      room[end++] = value >>> 8
      room[end++] = value
    } else if (typeof value === 'string') {
      for (let i = 0; i < value.length; i++) room[end++] = value.charCodeAt(i)
      room[end++] = 0
    } else if (value instanceof Uint8Array) {
      for (let i = 0; i < value.length; i++) room[end++] = value[i]!
    } else {
      if ('lists' in value) for (const list of value.lists) end = layOutOnce(list, end)
      else end = layOut(value, end)
      flags = NESTED
    }
    const length = end - at
    room[at] = length
    room[at + 1] = length >>> 8
    room[at + 2] = type | flags
    room[at + 3] = (type | flags) >>> 8
    while (end % 4 !== 0) room[end++] = 0
    at = end
  }
  return at
}
