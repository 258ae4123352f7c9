import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import packet, { type Packet } from 'dns-packet'
import { afterEach, describe, expect, test } from 'vitest'
import { answer, type Names } from '../../../toolkit/engine/network/dns.ts'
import { forward, framed } from '../../../toolkit/engine/network/dns-forward.ts'

const many = Array.from({ length: 100 }, (_, i) => `10.0.0.${i + 1}`)
const names: Names = {
  addressesOf: name => ({ db: ['10.0.0.7'], www: ['10.0.0.8', '10.0.0.9'], many })[name] ?? [],
  nameOf: address => (address === '10.0.0.7' ? 'db.mine' : undefined),
}
const ask = (name: string, type: string, more: Partial<Packet> = {}) =>
  packet.encode({
    type: 'query',
    id: 4711,
    flags: packet.RECURSION_DESIRED,
    questions: [{ name, type: type as 'A' }],
    ...more,
  })
const said = (query: Buffer, by: 'udp' | 'tcp' = 'udp') => {
  const reply = answer(query, names, by)
  return Buffer.isBuffer(reply) ? packet.decode(reply) : reply
}
const addresses = (reply: ReturnType<typeof said>) =>
  (reply as Packet).answers!.map(record => 'data' in record && record.data)

describe('what is known here', () => {
  test.each([
    ['db', ['10.0.0.7']],
    ['DB.', ['10.0.0.7']],
    ['www', ['10.0.0.8', '10.0.0.9']],
  ])('%s', (name, expected) => {
    const reply = said(ask(name, 'A')) as packet.DecodedPacket
    expect(reply).toMatchObject({ id: 4711, type: 'response', rcode: 'NOERROR', flag_ra: true, flag_rd: true })
    expect(reply.questions![0]!.name).toBe(name.replace(/\.$/, ''))
    expect(addresses(reply)).toEqual(expected)
  })

  test('it has no address of IPv6, and that is an answer; by its address its name', () => {
    expect(said(ask('db', 'AAAA'))).toMatchObject({ rcode: 'NOERROR', answers: [] })
    expect(said(ask('db', 'MX'))).toMatchObject({ rcode: 'NOERROR', answers: [] })
    expect(said(ask('7.0.0.10.in-addr.arpa', 'PTR'))).toMatchObject({ answers: [{ type: 'PTR', data: 'db.mine' }] })
  })

  test('all else is asked elsewhere', () => {
    for (const query of [
      ask('example.org', 'A'),
      ask('dbx', 'A'),
      ask('8.0.0.10.in-addr.arpa', 'PTR'),
      ask('x.in-addr.arpa', 'PTR'),
    ])
      expect(answer(query, names, 'udp')).toBe('forward')
    expect(answer(ask('db', 'A', { questions: [{ name: 'db', type: 'A', class: 'CH' }] }), names, 'udp')).toBe(
      'forward',
    )
  })

  test('what does not fit is said by TCP, or where more is asked for', () => {
    expect(said(ask('many', 'A'))).toMatchObject({ flag_tc: true, answers: [] })
    expect(addresses(said(ask('many', 'A'), 'tcp'))).toEqual(many)
    const additionals = [
      { type: 'OPT', name: '.', udpPayloadSize: 4096, flags: 0, options: [] },
    ] as unknown as Packet['additionals']
    const reply = said(ask('many', 'A', { additionals: additionals! }))
    expect(reply).toMatchObject({ flag_tc: false, additionals: [{ type: 'OPT' }] })
    expect(addresses(reply)).toEqual(many)
  })
})

describe('row 75: what is no question', () => {
  test('an answer, and what is shorter than a header, get none', () => {
    expect(
      answer(packet.encode({ type: 'response', questions: [{ name: 'db', type: 'A' }] }), names, 'udp'),
    ).toBeUndefined()
    for (let length = 0; length < 12; length++) expect(answer(Buffer.alloc(length), names, 'udp')).toBeUndefined()
  })

  test.each([
    ['none', ask('db', 'A', { questions: [] }), 'FORMERR'],
    [
      'two',
      ask('db', 'A', {
        questions: [
          { name: 'db', type: 'A' },
          { name: 'db', type: 'A' },
        ],
      }),
      'FORMERR',
    ],
    ['another operation', ask('db', 'A', { flags: 5 << 11 }), 'NOTIMP'],
    [
      'a pointer to itself',
      Buffer.concat([ask('', 'A').subarray(0, 12), Buffer.from('c00c00010001', 'hex')]),
      'FORMERR',
    ],
    ['cut off', ask('db', 'A').subarray(0, 15), 'FORMERR'],
  ])('%s', (_, query, rcode) => {
    expect(said(query)).toMatchObject({ rcode, id: 4711 })
  })

  test('20,000 random messages: an answer or none, but no error', () => {
    let seed = 1
    const random = (below: number) => {
      seed = (Math.imul(seed, 1103515245) + 12345) >>> 0
      return (seed >>> 8) % below
    }
    const good = [ask('db', 'A'), ask('example.org', 'MX'), ask('7.0.0.10.in-addr.arpa', 'PTR')]
    for (let i = 0; i < 20_000; i++) {
      const query = Buffer.from(good[i % 3]!)
      for (let n = random(6); n >= 0; n--) query[random(query.length)] = random(256)
      const verdict = answer(i % 2 ? query : query.subarray(0, random(query.length)), names, 'udp')
      expect(verdict === undefined || verdict === 'forward' || verdict.length >= 12).toBe(true)
    }
  })
})

describe('asking others', () => {
  const open: { close(): unknown }[] = []
  afterEach(() => {
    for (const server of open.splice(0)) server.close()
  })

  /** A name server that answers with what `reply` makes of the query. */
  async function server(reply: (query: Buffer, port: number, socket: Socket) => Buffer | undefined) {
    const socket = createSocket('udp4')
    open.push(socket)
    socket.on('message', (query, { port }) => {
      const bytes = reply(query, port, socket)
      if (bytes) socket.send(bytes, port, '127.0.0.1')
    })
    socket.bind(0, '127.0.0.1')
    await once(socket, 'listening')
    return { address: '127.0.0.1', port: socket.address().port }
  }
  const replyTo = (query: Buffer, data: string): Buffer => {
    const { id, questions } = packet.decode(query)
    return packet.encode({
      type: 'response',
      id: id!,
      questions: questions!,
      answers: [{ name: questions![0]!.name, type: 'A', data }],
    })
  }
  const query = ask('example.org', 'A')

  test('each time with another port and id; the answer has the id of who asked', async () => {
    const seen = new Set<string>()
    const there = await server((query, port) => {
      seen.add(`${port} ${query.readUInt16BE(0)}`)
      return replyTo(query, '192.0.2.1')
    })
    const replies = await Promise.all(Array.from({ length: 8 }, () => forward(query, [there], 'udp')))
    for (const reply of replies)
      expect(packet.decode(reply!)).toMatchObject({ id: 4711, answers: [{ data: '192.0.2.1' }] })
    expect(new Set([...seen].map(text => text.split(' ')[0])).size).toBe(8)
    expect(new Set([...seen].map(text => text.split(' ')[1])).size).toBeGreaterThan(6)
  })

  test('an answer with another id, to another question, or that is none, does not count', async () => {
    const there = await server((query, port, socket) => {
      const forged = replyTo(query, '6.6.6.6')
      forged.writeUInt16BE(forged.readUInt16BE(0) ^ 1, 0)
      const other = replyTo(ask('example.com', 'A', { id: query.readUInt16BE(0) }), '6.6.6.6')
      for (const bytes of [forged, other, query, Buffer.alloc(3)]) socket.send(bytes, port, '127.0.0.1')
      setTimeout(() => socket.send(replyTo(query, '192.0.2.1'), port, '127.0.0.1'), 20)
      return undefined
    })
    expect(packet.decode((await forward(query, [there], 'udp'))!)).toMatchObject({ answers: [{ data: '192.0.2.1' }] })
  })

  test('where nobody listens the next one is asked; where none does there is no answer', async () => {
    const gone = { address: '127.0.0.1', port: 1 }
    const there = await server(query => replyTo(query, '192.0.2.1'))
    expect(await forward(query, [gone, there], 'udp')).toBeDefined()
    expect(await forward(query, [gone], 'udp')).toBeUndefined()
    expect(await forward(query, [gone], 'tcp')).toBeUndefined()
    expect(await forward(query, [], 'udp')).toBeUndefined()
  })

  test('by TCP, in pieces', async () => {
    const tcp = createServer(connection => {
      connection.on('error', () => {})
      connection.once('data', data => {
        const bytes = framed(replyTo(data.subarray(2), '192.0.2.1'))
        connection.write(bytes.subarray(0, 5))
        setTimeout(() => connection.end(bytes.subarray(5)), 20)
      })
    })
    open.push(tcp)
    tcp.listen(0, '127.0.0.1')
    await once(tcp, 'listening')
    const there = { address: '127.0.0.1', port: (tcp.address() as AddressInfo).port }
    expect(packet.decode((await forward(query, [there], 'tcp'))!)).toMatchObject({
      id: 4711,
      answers: [{ data: '192.0.2.1' }],
    })
  })
})
