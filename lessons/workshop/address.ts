// Addresses of the room: where the server may listen without being asked twice, and what a learner is given to join.
import { BlockList, isIP } from 'node:net'
import { networkInterfaces } from 'node:os'
import { UsageError } from '../../toolkit/kernel/usage-error.ts'
import { PORT } from './protocol.ts'

/** Networks that no router on the Internet carries: RFC 1918, 3927, 4193, 4291, and loopback. */
const priv = new BlockList()
for (const [network, bits] of [
  ['10.0.0.0', 8],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
  ['169.254.0.0', 16],
  ['127.0.0.0', 8],
] as const)
  priv.addSubnet(network, bits, 'ipv4')
priv.addSubnet('fc00::', 7, 'ipv6')
priv.addSubnet('fe80::', 10, 'ipv6')
priv.addAddress('::1', 'ipv6')

/** Whether an address can only belong to a room's own network. `::ffff:10.0.0.1` is 10.0.0.1. */
export function isPrivate(address: string): boolean {
  const bare = address.replace(/^::ffff:(?=\d+\.)/i, '').replace(/%.*$/, '')
  const version = isIP(bare)
  return version !== 0 && priv.check(bare, version === 6 ? 'ipv6' : 'ipv4')
}

export interface Endpoint {
  readonly host: string
  readonly port: number
}

/** ADDR, ADDR:PORT, [ADDR6]:PORT or :PORT. Throws UsageError. */
export function parseListen(text: string, flag = '--listen'): { host: string | undefined; port: number } {
  const [, six, four, digits] = /^(?:\[([^\]]*)\]|([^:]*))(?::(\d+))?$/.exec(text) ?? []
  const host = six ?? four ?? (isIP(text) === 6 ? text : undefined)
  const port = digits === undefined ? PORT : Number(digits)
  if (host === undefined || (host !== '' && isIP(host) === 0) || port > 65535)
    throw new UsageError(`workshop serve: ${flag} ${JSON.stringify(text)}: give ADDRESS:PORT, as 192.168.1.10:${PORT}`)
  return { host: host === '' ? undefined : host, port }
}

/** ADDR or ADDR:PORT of the machine that forwards to this one. Throws UsageError. */
export function parseShownAs(text: string): Endpoint {
  const { host, port } = parseListen(text, '--as')
  if (host === undefined || /^[0:.]+$/.test(host))
    throw new UsageError(`workshop serve: --as ${JSON.stringify(text)}: give the address that seats reach`)
  return { host, port }
}

/** This machine's private IPv4 addresses but loopback, with their interfaces. */
function roomAddresses(interfaces = networkInterfaces()): { name: string; address: string }[] {
  return Object.entries(interfaces).flatMap(([name, list = []]) =>
    list
      .filter(({ family, internal, address }) => family === 'IPv4' && !internal && isPrivate(address))
      .map(({ address }) => ({ name, address })),
  )
}

/**
 * Where to listen: what was said, else the one private address that this machine has. All addresses, or a public one, only
 * with `anywhere`. Throws UsageError.
 */
export function chooseEndpoint(listen: string | undefined, anywhere: boolean, found = roomAddresses()): Endpoint {
  const { host, port } = parseListen(listen ?? `:${PORT}`)
  if (host !== undefined) {
    if (!isPrivate(host) && !anywhere)
      throw new UsageError(
        `workshop serve: ${host} ${/^[0:.]+$/.test(host) ? 'is every address of this machine' : 'is not a private address'}, so others than this room could reach it; name the room's address, or add --anywhere`,
      )
    return { host, port }
  }
  if (found.length === 1) return { host: found[0]!.address, port }
  const list = found.map(({ name, address }) => `${address} (${name})`).join(', ')
  throw new UsageError(
    found.length === 0
      ? 'workshop serve: this machine has no private address; name one with --listen ADDRESS (127.0.0.1 to try it alone)'
      : `workshop serve: which network is the room's? Say --listen with one of ${list}`,
  )
}

/** `http://10.0.0.5:7321`. */
export const urlOf = ({ host, port }: Endpoint): string => `http://${isIP(host) === 6 ? `[${host}]` : host}:${port}`
