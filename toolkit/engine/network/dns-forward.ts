// Asking another name server, for a container. Each question has a socket of its own, so its port is one that nobody can
// guess, and an id that is not the container's; an answer counts only where it has both, and the question. RFC 5452.
import { randomInt } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { connect, isIPv6 } from 'node:net'

const SERVERS = 3
const PATIENCE = 4000 // milliseconds for each
const PORT = 53
const QUESTION = 12 // where it begins

/** A server, or one at another port: for tests. */
export interface Server {
  readonly address: string
  readonly port?: number
}

/** Where the question of a message ends; undefined where it has none that can be read. */
function endOfQuestion(message: Buffer): number | undefined {
  let at = QUESTION
  while (at < message.length && message[at] !== 0) {
    if (message[at]! > 63) return undefined // a pointer: nothing before it that it could point to
    at += 1 + message[at]!
  }
  return at + 5 <= message.length ? at + 5 : undefined // the root, type and class
}

/** Whether it answers the query; letters of names may have another case. */
function isAnswer(reply: Buffer, query: Buffer): boolean {
  const end = endOfQuestion(query)
  if (end === undefined || reply.length < QUESTION || !(reply[2]! & 0x80)) return false
  if (reply.readUInt16BE(0) !== query.readUInt16BE(0)) return false
  if (reply.readUInt16BE(4) === 0) return true // refused without a word of the question
  const text = (message: Buffer) => message.toString('latin1', QUESTION, end).toLowerCase()
  return reply.length >= end && text(reply) === text(query)
}

type Ask = (query: Buffer, server: Server) => Promise<Buffer | undefined>

const byUdp: Ask = (query, { address, port = PORT }) =>
  new Promise(resolve => {
    const socket = createSocket(isIPv6(address) ? 'udp6' : 'udp4')
    const done = (reply?: Buffer) => {
      clearTimeout(timer)
      socket.removeAllListeners()
      socket.on('error', () => {})
      socket.close()
      resolve(reply)
    }
    const timer = setTimeout(done, PATIENCE, undefined)
    socket.on('error', () => done()) // nobody listens there, or there is no way
    socket.on('message', reply => {
      if (isAnswer(reply, query)) done(reply)
    })
    socket.connect(port, address, (error?: Error) => (error ? done() : socket.send(query)))
  })

const byTcp: Ask = (query, { address, port = PORT }) =>
  new Promise(resolve => {
    const socket = connect({ host: address, port })
    let received = Buffer.alloc(0)
    const done = (reply?: Buffer) => {
      clearTimeout(timer)
      socket.destroy()
      resolve(reply)
    }
    const timer = setTimeout(done, PATIENCE, undefined)
    socket.on('error', () => done())
    socket.on('close', () => done())
    socket.on('data', data => {
      received = Buffer.concat([received, data])
      const length = received.length < 2 ? Number.POSITIVE_INFINITY : received.readUInt16BE(0)
      if (received.length < 2 + length) return
      const reply = received.subarray(2, 2 + length)
      done(isAnswer(reply, query) ? reply : undefined)
    })
    socket.write(framed(query))
  })

/** As messages travel by TCP: with their length in front. */
export function framed(message: Buffer): Buffer {
  const length = Buffer.alloc(2)
  length.writeUInt16BE(message.length)
  return Buffer.concat([length, message])
}

/** Asks one server after the other. Undefined where none answers. */
export async function forward(
  query: Buffer,
  servers: readonly Server[],
  by: 'udp' | 'tcp',
): Promise<Buffer | undefined> {
  if (endOfQuestion(query) === undefined) return undefined
  const ask = by === 'udp' ? byUdp : byTcp
  for (const server of servers.slice(0, SERVERS)) {
    const own = Buffer.from(query)
    own.writeUInt16BE(randomInt(0x10000), 0)
    const reply = await ask(own, server)
    if (!reply) continue
    query.copy(reply, 0, 0, 2)
    return reply
  }
  return undefined
}
