// Published ports: what a user writes after -p, and the sockets that keep a port of the host for a container. The
// firewall passes packets on before any socket sees them (firewall.ts); the socket is there so that nobody else can take
// the port, and so that a port that is taken already is an error before there is a container.
import { closeSync } from 'node:fs'
import { attempt, invoke } from '../../kernel/call.ts'
import { AF, SO, SOCK, SOL } from '../../kernel/constants.ts'
import { ERRNO } from '../../kernel/errno.ts'
import { KernelError } from '../../kernel/error.ts'
import { contains, GROUPS, parseIpv4, parseSubnet } from '../../kernel/ip.ts'
import { ip4 } from '../../kernel/netlink-message.ts'
import { quoteValue, UNREADABLE, UsageError } from '../../kernel/usage-error.ts'
import { refuse } from '../host.ts'

const SHUT_RD = 0 // shutdown(2); what listens does not any more, and keeps its port

/** What a container sees of the network: nothing, the host's, or a link to the engine's own bridge. */
export type NetworkMode = 'none' | 'host' | 'bridge'

export type Protocol = 'tcp' | 'udp'

/** A port of the host that leads to one of a container. */
export interface Port {
  readonly protocol: Protocol
  /** The address of the host; 0.0.0.0 for all. */
  readonly address: string
  readonly host: number
  readonly container: number
}

/** A port as wished for. */
export interface PortWish extends Omit<Port, 'host'> {
  /** The first that is free of these, ends included; undefined: any, the kernel chooses. */
  readonly host: readonly [number, number] | undefined
  /** What the user wrote, for messages. */
  readonly text: string
}

const FORM = /^(?:([^:[\]]*|\[[^\]]*\]):)?(?:([\d-]*):)?([\d-]+)(?:\/([a-z]+))?$/

/** docker's long form in the short one: published=8080,target=80,protocol=tcp. Anything else as it is. */
function inShort(text: string, refuse: (why: string) => UsageError): string {
  if (!text.includes('=')) return text
  const words: Record<string, string> = Object.fromEntries(text.split(',').map(word => [...word.split('='), '']))
  const unknown = Object.keys(words).find(key => !['published', 'target', 'protocol', 'mode'].includes(key))
  if (unknown !== undefined)
    throw refuse(`unknown key ${quoteValue(unknown)}; there are published, target, protocol and mode`)
  const { published = '', target, protocol = 'tcp', mode = 'ingress' } = words
  if (!target) throw refuse('it does not say which port of the container; give target=PORT')
  if (mode !== 'ingress' && mode !== 'host') throw refuse('mode is ingress or host, which are the same here')
  return `${published}:${target}/${protocol}`
}

/** What is wrong with a value of -p is thrown as a UsageError that ends in `why`. */
export function parsePublish(text: string): PortWish[] {
  const refuse = (why: string) => new UsageError(`run: --publish ${quoteValue(text)}: ${why}`, UNREADABLE)
  const [, ...parts] = FORM.exec(inShort(text, refuse)) ?? []
  // Of two parts the first is the host's port, or nothing at all; an address needs all three.
  const [address = '', host = '', inside, protocol = 'tcp'] =
    parts[1] === undefined && parts[0] !== undefined ? [undefined, parts[0], parts[2], parts[3]] : parts
  if (inside === undefined) throw refuse('write [IP:][HOST:]CONTAINER[/tcp|/udp], ports or ranges such as 8000-8009')
  if (address.startsWith('['))
    throw refuse('the bridge carries IPv4 only; leave the address out, or give one as 192.0.2.1')
  if (address !== '' && parseIpv4(address) === undefined) throw refuse('the address must be one of IPv4, as 127.0.0.1')
  if (protocol !== 'tcp' && protocol !== 'udp') throw refuse('the protocol must be tcp or udp')
  const to = range(inside)
  const from = host === '' ? undefined : range(host)
  if (!to || (host !== '' && !from)) throw refuse('ports are numbers from 1 to 65535, ranges go from low to high')
  const count = to[1] - to[0] + 1
  if (from && count > 1 && from[1] - from[0] + 1 !== count) throw refuse('both ranges must have the same length')
  return Array.from({ length: count }, (_, i) => ({
    protocol,
    address: address || '0.0.0.0',
    host: from && count > 1 ? [from[0] + i, from[0] + i] : from,
    container: to[0] + i,
    text,
  }))
}

function range(text: string): [number, number] | undefined {
  const [, first, last = first] = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text) ?? []
  const [low, high] = [Number(first), Number(last)]
  return low >= 1 && high <= 65535 && low <= high ? [low, high] : undefined
}

/** Ports that are ours as long as their sockets are open. */
export interface HeldPorts {
  readonly ports: readonly Port[]
  readonly sockets: readonly number[]
  /** Gives them back. */
  close(): void
}

/** Takes the wished-for ports, all or none. Throws a UsageError that names what cannot be had. */
export function holdPorts(wishes: readonly PortWish[]): HeldPorts {
  const held: { port: Port; socket: number }[] = []
  const close = () => {
    for (const { socket } of held.splice(0)) closeSync(socket)
  }
  try {
    for (const wish of wishes) held.push(holdOne(wish))
  } catch (error) {
    const { text = '' } = wishes[held.length] ?? {}
    const count = held.length
    close()
    if (!(error instanceof KernelError) || error.code !== 'EMFILE') throw error
    throw refuse('open-files', {
      asked: `run: --publish ${quoteValue(text)}`,
      detail: `each port takes one, and there was room for ${count}`,
      remedy: 'fewer ports, or a higher ulimit -n',
    })
  }
  return { ports: held.map(({ port }) => port), sockets: held.map(({ socket }) => socket), close }
}

function holdOne(wish: PortWish): { port: Port; socket: number } {
  const { protocol, address, container, text } = wish
  const [first, last] = wish.host ?? [0, 0]
  if (isForMany(address)) throw unavailable(wish, ERRNO.EADDRNOTAVAIL) // bind(2) would take it
  for (let host = first; host <= last; host++) {
    const socket = bind(protocol, address, host)
    if (socket >= 0) return { socket, port: { protocol, address, host: host || boundPort(socket), container } }
    if (-socket !== ERRNO.EADDRINUSE) throw unavailable(wish, -socket)
  }
  const which = first === last ? `port ${first} is` : `ports ${first} to ${last} are`
  const on = address === '0.0.0.0' ? '' : ` on ${address}`
  throw new UsageError(
    `run: --publish ${quoteValue(text)}: ${which} taken already${on} (${protocol}); choose another, or only the container's port to be given a free one`,
  )
}

const isForMany = (address: string): boolean =>
  address === '255.255.255.255' || contains(parseSubnet(GROUPS)!, parseIpv4(address)!)

function unavailable({ address, text }: PortWish, errno: number): Error {
  if (errno !== ERRNO.EADDRNOTAVAIL) return new KernelError('bind', [-1, null, 16], errno)
  return new UsageError(
    `run: --publish ${quoteValue(text)}: ${address} is no address of this machine; 'ip addr' lists them`,
  )
}

export const socketAddress = (address: string, port: number): Buffer => {
  const bytes = Buffer.alloc(16) // struct sockaddr_in of ip(7): family as the processor, port and address as they travel
  bytes.writeUInt16LE(AF.INET, 0)
  bytes.writeUInt16BE(port, 2)
  ip4(address).copy(bytes, 4)
  return bytes
}

const reuseAddress = (socket: number, yes: 0 | 1) =>
  invoke('setsockopt', [socket, SOL.SOCKET, SO.REUSEADDR, Uint8Array.of(yes, 0, 0, 0), 4])

/**
 * A socket with this port, or -errno; nobody can share the port, whatever options he sets. It does not listen: who asks
 * before the firewall leads to the container is refused, and not kept waiting by somebody who never answers.
 */
function bind(protocol: Protocol, address: string, port: number): number {
  const socket = invoke('socket', [AF.INET, (protocol === 'tcp' ? SOCK.STREAM : SOCK.DGRAM) | SOCK.CLOEXEC, 0])
  const where = socketAddress(address, port)
  let result = attempt('bind', [socket, where, where.length])
  if (result === -ERRNO.EADDRINUSE && protocol === 'tcp') {
    // Perhaps by nothing but old connections that are not forgotten yet. SO_REUSEADDR passes those over, but also others
    // with the same option, until one of them listens: so it does, once.
    reuseAddress(socket, 1)
    result = attempt('bind', [socket, where, where.length]) || attempt('listen', [socket, 0])
    reuseAddress(socket, 0)
    if (result === 0) attempt('shutdown', [socket, SHUT_RD])
  }
  if (result === 0) return socket
  closeSync(socket)
  return result
}

/** The port that a socket has got. */
export function boundPort(socket: number): number {
  const bytes = Buffer.alloc(16)
  invoke('getsockname', [socket, bytes, Uint8Array.of(16, 0, 0, 0)])
  return bytes.readUInt16BE(2)
}
