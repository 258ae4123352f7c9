// What a container is answered when it asks for a name, as a function from a message to a message. RFC 1035, RFC 6891 for
// the size of UDP messages. The codec is dns-packet's; what comes here is whatever a container has sent.
import packet, { type Answer, type Packet } from 'dns-packet'

/** Who is who in a network. */
export interface Names {
  /** The addresses of a name in small letters; none where it is nobody's. */
  addressesOf(name: string): readonly string[]
  nameOf(address: string): string | undefined
}

/** `forward`: somebody else has to be asked. Undefined: not worth an answer. */
export type Verdict = Buffer | 'forward' | undefined

const TTL = 600 // seconds, as docker has it
const HEADER = 12
const PLAIN = 512 // bytes of a UDP message, where who asks has not said that more will do

const FLAG = { response: 0x8000, truncated: 0x0200, desired: 0x0100, available: 0x0080 } as const
export const RCODE = { format: 1, failure: 2, notImplemented: 4, refused: 5 } as const

/** A message that says no, made of the header of a query alone. */
export function refusal(query: Buffer, code: (typeof RCODE)[keyof typeof RCODE]): Buffer {
  const reply = Buffer.alloc(HEADER)
  query.copy(reply, 0, 0, 2)
  reply.writeUInt16BE(FLAG.response | (query.readUInt16BE(2) & (0x7800 | FLAG.desired)) | FLAG.available | code, 2)
  return reply
}

function decode(query: Buffer): Packet | undefined {
  try {
    return packet.decode(query)
  } catch {
    return undefined
  }
}

/** What is said to a query that came by UDP, or by TCP. */
export function answer(query: Buffer, names: Names, by: 'udp' | 'tcp'): Verdict {
  if (query.length < HEADER || query[2]! & 0x80) return undefined // no query: an answer to it could go round for ever
  if (((query[2]! >> 3) & 15) !== 0) return refusal(query, RCODE.notImplemented)
  const asked = decode(query)
  const [question, ...more] = asked?.questions ?? []
  if (!asked || !question || more.length > 0) return refusal(query, RCODE.format)
  const answers = question.class === 'IN' ? answersTo(question, names) : undefined
  if (!answers) return 'forward'
  const option = asked.additionals?.find(record => record.type === 'OPT')
  const reply: Packet = {
    type: 'response',
    id: asked.id!,
    flags: (asked.flags! & FLAG.desired) | FLAG.available,
    questions: [question],
    answers,
    ...(option && { additionals: [NO_OPTIONS] }),
  }
  const most = by === 'tcp' ? 65535 : Math.max(PLAIN, option && 'udpPayloadSize' in option ? option.udpPayloadSize : 0)
  const bytes = packet.encode(reply)
  if (bytes.length <= most) return bytes
  return packet.encode({ ...reply, flags: reply.flags! | FLAG.truncated, answers: [] }) // ask again by TCP
}

const NO_OPTIONS = {
  type: 'OPT' as const,
  name: '.',
  udpPayloadSize: 1232,
  extendedRcode: 0,
  ednsVersion: 0,
  flags: 0,
  flag_do: false,
  options: [],
} satisfies Answer

/** None where the name has nothing of the type; undefined where the name is not ours. */
function answersTo({ name, type }: { name: string; type: string }, names: Names): Answer[] | undefined {
  if (type === 'PTR') {
    const [, reversed] = /^((?:\d{1,3}\.){4})in-addr\.arpa\.?$/i.exec(name) ?? []
    const found = reversed && names.nameOf(reversed.split('.').filter(Boolean).reverse().join('.'))
    return found ? [{ name, type, ttl: TTL, data: found }] : undefined
  }
  const addresses = names.addressesOf(name.toLowerCase().replace(/\.$/, ''))
  if (addresses.length === 0) return undefined
  return type === 'A' || type === 'ANY' ? addresses.map(data => ({ name, type: 'A', ttl: TTL, data })) : []
}
