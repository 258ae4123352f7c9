import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { type AddressInfo, connect, createServer } from 'node:net'
import { expect, test } from 'vitest'
import { holdPorts, parsePublish } from '../../../toolkit/engine/network/ports.ts'
import { UsageError } from '../../../toolkit/kernel/usage-error.ts'

const hold = (...texts: string[]) => holdPorts(texts.flatMap(parsePublish))
const descriptors = () => readdirSync('/proc/self/fd').length

test('a port is held until it is given back, against other engines and any program', async () => {
  const before = descriptors()
  const held = hold('127.0.0.1::80')
  const [{ host, container }] = held.ports as unknown as [{ host: number; container: number }]
  expect(container).toBe(80)
  expect(() => hold(`127.0.0.1:${host}:80`)).toThrow(UsageError)
  const server = createServer().listen(host, '127.0.0.1') // with SO_REUSEADDR, as Node does
  expect(await once(server, 'error')).toMatchObject([{ code: 'EADDRINUSE' }])
  held.close()
  hold(`127.0.0.1:${host}:80`).close()
  expect(descriptors()).toBe(before)
})

test('who asks for the port meanwhile is refused at once, and not kept waiting', async () => {
  const held = hold('127.0.0.1::80')
  for (let tries = 0; tries < 3; tries++) {
    const client = connect(held.ports[0]!.host, '127.0.0.1')
    expect(await once(client, 'error')).toMatchObject([{ code: 'ECONNREFUSED' }])
  }
  held.close()
})

test('a port with old connections that are not forgotten yet can be had, and is held as any other', async () => {
  const server = createServer(socket => socket.end()).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const client = connect(port, '127.0.0.1').resume()
  await once(client, 'close') // the server was the first to end it: its end stays in TIME_WAIT
  server.close()
  await once(server, 'close')
  const old = ` 0100007F:${port.toString(16).toUpperCase().padStart(4, '0')} 0100007F:\\w{4} 06 `
  expect(readFileSync('/proc/self/net/tcp', 'utf8')).toMatch(new RegExp(old))
  const held = hold(`127.0.0.1:${port}:80`)
  expect(() => hold(`127.0.0.1:${port}:80`)).toThrow(UsageError)
  const other = createServer().listen(port, '127.0.0.1')
  expect(await once(other, 'error')).toMatchObject([{ code: 'EADDRINUSE' }])
  expect(await once(connect(port, '127.0.0.1'), 'error')).toMatchObject([{ code: 'ECONNREFUSED' }])
  held.close()
})

test('a port chosen by the kernel is of the range that the host allows', () => {
  const [low, high] = readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8').split('\t').map(Number)
  const held = hold('127.0.0.1::80', '127.0.0.1::80/udp')
  for (const { host } of held.ports) {
    expect(host).toBeGreaterThanOrEqual(low!)
    expect(host).toBeLessThanOrEqual(high!)
  }
  held.close()
})

test('TCP and UDP do not get in each other’s way', () => {
  const held = hold('127.0.0.1::80')
  const { host } = held.ports[0]!
  hold(`127.0.0.1:${host}:80/udp`).close()
  held.close()
})

test('one port taken: an error that names flag and port, and the others are given back', () => {
  const taken = hold('127.0.0.1::80')
  const { host } = taken.ports[0]!
  const before = descriptors()
  expect(() => hold('127.0.0.1::80', `127.0.0.1:${host}:80`)).toThrow(
    `run: --publish 127.0.0.1:${host}:80: port ${host} is taken already on 127.0.0.1 (tcp); choose another`,
  )
  expect(descriptors()).toBe(before)
  taken.close()
})

test('an address that this machine does not have', () => {
  for (const address of ['192.0.2.200', '224.0.0.1', '239.255.255.255', '255.255.255.255'])
    expect(() => hold(`${address}:8080:80`)).toThrow(`run: --publish ${address}:8080:80: ${address} is no address of`)
})
