// The process that answers containers who ask for names. It has two sockets in the network namespace of each, opened on
// a short visit; it asks other name servers from the host's. All that it knows it reads from the leases when it is asked.

import { createSocket, type Socket } from 'node:dgram'
import { closeSync, existsSync, watch, writeFileSync } from 'node:fs'
import { type Socket as Connection, createServer, type Server as TcpServer } from 'node:net'
import { isAlive } from '../../observe/process.ts'
import { hostServers } from '../etc.ts'
import { answer, type Names, RCODE, refusal } from './dns.ts'
import { forward, framed } from './dns-forward.ts'
import { clients, LOCK_FD, readWish, readyFile, serviceDir, type Wish } from './dns-service.ts'
import { openIn } from './dns-sockets.ts'
import type { Lease } from './lease.ts'
import { exclusively, readAllLeases } from './leases.ts'

const IN_FLIGHT = 256 // questions of one container to others
const CONNECTIONS = 64
const IDLE = 10_000 // milliseconds
const LOOK = 5_000
const GRACE = 2_000

/** Serves until nobody has wanted it for a moment. `root`: STATE/networks. Its lock it has inherited, as LOCK_FD. */
export function serve(root: string): void {
  const networks = { directory: `${root}/bridge` }
  const served = new Map<string, Client>()
  let idle = performance.now()
  const look = () => {
    if (!existsSync(root)) process.exit(0) // the whole state directory has been removed
    const wanted = clients(root)
    for (const [id, client] of served)
      if (!wanted.includes(id) || !client.isAlive()) {
        client.close()
        served.delete(id)
      }
    for (const id of wanted) if (!served.has(id)) begin(id)
    if (served.size > 0) idle = performance.now()
    else if (performance.now() - idle >= GRACE) exclusively(networks, leave)
  }
  const begin = (id: string) => {
    const wish = readWish(root, id)
    if (!wish || !isAlive(wish.pid, wish.startTime)) return // torn, or its engine was killed; the next command removes it
    try {
      served.set(id, new Client(root, id, wish))
      writeFileSync(readyFile(root, id), '')
    } catch (error) {
      writeFileSync(readyFile(root, id), (error as Error).message)
    }
  }
  // Whoever wants us looks under the same lock whether we are here.
  const leave = () => {
    if (clients(root).some(id => isWanted(root, id))) return
    closeSync(LOCK_FD)
    process.exit(0)
  }
  try {
    watch(serviceDir(root), look).on('error', () => {})
  } catch {} // no inotify left: then we look from time to time
  setInterval(look, GRACE / 2).unref()
  setInterval(() => {}, LOOK) // watching alone would not keep us here
  look()
}

const isWanted = (root: string, id: string): boolean => {
  const wish = readWish(root, id)
  return wish !== undefined && isAlive(wish.pid, wish.startTime)
}

/** Of several who are called the same, another one is first each time. */
function shuffled(addresses: readonly string[]): string[] {
  const first = Math.floor(Math.random() * addresses.length)
  return [...addresses.slice(first), ...addresses.slice(0, first)]
}

/** Whom a container may know: those in its networks, as the leases say now. `own`: its own leases. */
function namesFor(own: readonly Lease[], all: readonly Lease[]): Names {
  const networks = new Set(own.map(({ network }) => network).filter(network => network !== 'bridge'))
  const known = all.filter(({ network }) => networks.has(network))
  const isCalled = ({ id, names = [], network }: Lease, name: string) =>
    [id.slice(0, 12), ...names].some(one => [one, `${one}.${network}`].some(one => one.toLowerCase() === name))
  const named = (name: string, leases = known) =>
    leases.filter(lease => isCalled(lease, name)).map(({ address }) => address)
  const linked = (alias: string) =>
    own.flatMap(({ network, links = [] }) => {
      const there = known.filter(lease => lease.network === network)
      const targets = links.filter(link => link.alias.toLowerCase() === alias)
      return targets.flatMap(({ name }) => [
        ...named(name.toLowerCase(), there),
        ...there.filter(({ id, names }) => id.startsWith(name) && !names?.includes(name)).map(({ address }) => address),
      ])
    })
  return {
    addressesOf(name) {
      const own = linked(name)
      return shuffled([...new Set(own.length > 0 ? own : named(name))])
    },
    nameOf(address) {
      const lease = known.find(lease => lease.address === address)
      return lease && `${lease.names?.[0] ?? lease.id.slice(0, 12)}.${lease.network}`
    },
  }
}

class Client {
  readonly #root: string
  readonly #id: string
  readonly #wish: Wish
  readonly #udp: Socket
  readonly #tcp: TcpServer
  readonly #connections = new Set<Connection>()
  #inFlight = 0

  constructor(root: string, id: string, wish: Wish) {
    this.#root = root
    this.#id = id
    this.#wish = wish
    const { udp, tcp } = openIn(wish.pid)
    this.#udp = createSocket('udp4')
    this.#udp.on('error', () => {}) // who asked has gone
    this.#udp.on('message', async (query, { address, port }) => {
      const reply = await this.#respond(query, 'udp')
      if (reply) this.#udp.send(reply, port, address, () => {})
    })
    this.#udp.bind({ fd: udp })
    this.#tcp = createServer(connection => void this.#converse(connection))
    this.#tcp.maxConnections = CONNECTIONS
    this.#tcp.on('error', () => {})
    this.#tcp.listen({ fd: tcp })
  }

  isAlive = (): boolean => isAlive(this.#wish.pid, this.#wish.startTime)

  /** The namespace is not held any more. */
  close(): void {
    try {
      this.#udp.close()
    } catch {} // a socket that could not be used at all
    this.#tcp.close()
    for (const connection of this.#connections) connection.destroy()
  }

  async #respond(query: Buffer, by: 'udp' | 'tcp'): Promise<Buffer | undefined> {
    const leases = readAllLeases({ directory: `${this.#root}/bridge` })
    const own = leases.filter(({ id }) => id.startsWith(this.#id))
    const verdict = answer(query, namesFor(own, leases), by)
    if (verdict !== 'forward') return verdict
    if (own.every(({ internal }) => internal)) return refusal(query, RCODE.refused) // nothing goes out, names neither (CVE-2024-29018)
    if (this.#inFlight >= IN_FLIGHT) return refusal(query, RCODE.failure)
    this.#inFlight++
    try {
      const servers = (own.find(({ dns }) => dns)?.dns ?? hostServers()).map(address => ({ address }))
      return (await forward(query, servers, by)) ?? refusal(query, RCODE.failure)
    } finally {
      this.#inFlight--
    }
  }

  /** One question after the other: who asks faster than we answer has to wait. */
  async #converse(connection: Connection): Promise<void> {
    this.#connections.add(connection)
    connection.setTimeout(IDLE, () => connection.destroy())
    connection.on('error', () => {})
    connection.on('close', () => this.#connections.delete(connection))
    let received = Buffer.alloc(0)
    try {
      for await (const data of connection) {
        received = Buffer.concat([received, data as Buffer])
        while (received.length >= 2 && received.length >= 2 + received.readUInt16BE(0)) {
          const end = 2 + received.readUInt16BE(0)
          const reply = await this.#respond(received.subarray(2, end), 'tcp')
          received = received.subarray(end)
          if (!reply) return connection.destroy() as unknown as undefined
          connection.write(framed(reply))
        }
      }
    } catch {} // broken off
    connection.end()
  }
}
