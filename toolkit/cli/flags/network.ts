// The flags of a container's network and of the names it knows. Docker's words and values.
import type { Endpoint, Link } from '../../engine/network/endpoints.ts'
import { HOST_GATEWAY, isAddress, isName, isOption, type NameWishes } from '../../engine/network/names.ts'
import { type NetworkMode, type PortWish, parsePublish } from '../../engine/network/ports.ts'
import { parseIpv4 } from '../../kernel/ip.ts'
import { quoteValue, type UsageError } from '../../kernel/usage-error.ts'
import type { Flag, Parsed } from '../options.ts'
import { refuseValue } from './refuse.ts'

export const flags = {
  network: {
    value: 'MODE',
    many: true,
    help: 'none, host, container:NAME, ns:PATH, bridge: a link to the other containers and out, or a network’s NAME, also several (default: $TOOLKIT_NETWORK, else bridge)',
    blank: true,
  },
  net: { value: 'MODE', many: true, help: 'the same as --network', blank: true },
  publish: {
    short: 'p',
    value: '[IP:][HOST:]PORT[/PROTO]',
    many: true,
    help: 'let a port of the host lead to one of the container; tcp or udp, ranges go',
  },
  'publish-all': { short: 'P', help: 'let free ports of the host lead to all ports given by --expose' },
  expose: { value: 'PORT[/PROTO]', many: true, help: 'a port where it may be asked; tcp or udp, ranges go' },
  link: { value: 'CONTAINER[:ALIAS]', many: true, help: 'another container under a name that this one gives it' },
  ip: {
    value: 'IP',
    help: 'its address, in a network that you have made (default: the lowest that is free)',
    blank: true,
  },
  'network-alias': {
    value: 'NAME',
    many: true,
    help: 'another name for it, for others in a network that you have made',
  },
  'net-alias': { value: 'NAME', many: true, help: 'the same as --network-alias' },
  'mac-address': { value: 'MAC', help: 'the MAC address of its eth0 (default: made of its IP address)', blank: true },
  dns: { value: 'IP', many: true, help: 'a name server instead of those of the host' },
  'dns-search': { value: 'DOMAIN', many: true, help: 'a domain to look names up in; . for none' },
  'dns-option': { value: 'OPTION', many: true, help: 'an option of the resolver, such as ndots:2' },
  'dns-opt': { value: 'OPTION', many: true, help: 'the same as --dns-option' },
  'add-host': {
    value: 'NAME:IP',
    many: true,
    help: `a line for its /etc/hosts; the IP ${HOST_GATEWAY} is this machine`,
  },
} satisfies Record<string, Flag>

const OWN_ONLY = 'only in a network that you have made (toolkit network create); give its name by --network'
const MODES = ['none', 'host', 'bridge'] as const
const MAC = /^[\da-f]{2}(:[\da-f]{2}){5}$/i

const refuse: (flag: string, value: string, allowed: string) => UsageError = refuseValue

export interface NetworkFlags {
  readonly mode: NetworkMode
  /** With mode bridge: the networks that it is in. */
  readonly endpoints: readonly Endpoint[]
  readonly links: readonly Link[]
  /** With mode none: the container whose network it shares. */
  readonly container: string | undefined
  /** With mode none: a network namespace that is there already. */
  readonly path: string | undefined
  readonly publish: readonly PortWish[]
  readonly expose: readonly string[]
  readonly names: NameWishes
}

const SAME = { net: 'network', 'net-alias': 'network-alias', 'dns-opt': 'dns-option' }

function underOneName(given: Parsed['flags']): Parsed['flags'] {
  const joined = Object.entries(SAME).flatMap(([other, name]) =>
    given[other] === undefined ? [] : [[name, [given[name] ?? [], given[other]].flat()]],
  )
  return { ...given, ...Object.fromEntries(joined) }
}

/** Reads the flags. Throws a UsageError that names the flag, the value and what is allowed. */
export function network(words: Parsed['flags']): NetworkFlags {
  const given = underOneName(words)
  const many = (flag: string) => (given[flag] ?? []) as readonly string[]
  const asked = [...new Set(many('network'))]
  const wanted = asked.length > 0 ? asked : [process.env.TOOLKIT_NETWORK || 'bridge']
  const [first = ''] = wanted
  const path = first.startsWith('ns:/') ? first.slice(3) : undefined
  const container = first.startsWith('container:') ? first.slice(10) : undefined
  if (container !== undefined) checkShared(container, first, given)
  const mode = path === undefined && container === undefined ? modeOf(first) : 'none'
  const places = mode === 'bridge' ? wanted.map(value => endpointOf(value)) : []
  if (mode !== 'bridge' && wanted[1] !== undefined)
    throw refuse('network', wanted[1], `not together with ${quoteValue(first)}, which is no network of the bridge kind`)
  const why = `only a container on the bridge has one; leave it out, or use --network bridge instead of ${quoteValue(first)}`
  const expose = [...new Set(many('expose').flatMap(exposed))]
  const all = given['publish-all'] === true ? expose : []
  if (path !== undefined || container !== undefined)
    for (const value of many('publish')) throw refuse('publish', value, why)
  for (const flag of ['mac-address', 'link'])
    for (const value of [given[flag] ?? []].flat()) if (mode !== 'bridge') throw refuse(flag, String(value), why)
  for (const flag of ['ip', 'network-alias'])
    for (const value of [given[flag] ?? []].flat()) if (mode !== 'bridge') throw refuse(flag, String(value), OWN_ONLY)
  const names: NameWishes = {
    dns: many('dns').map(value => checked('dns', value, isAddress, 'must be an address, such as 192.0.2.53')),
    search: searchOf(many('dns-search')),
    options: many('dns-option').map(value =>
      checked('dns-option', value, isOption, 'must be an option of resolv.conf(5), such as ndots:2 or rotate'),
    ),
    hosts: many('add-host').map(value => hostOf(value, mode)),
  }
  return {
    mode,
    endpoints: places.map((place, i) => (i === 0 ? withFlags(place, given) : place)),
    links: many('link').map(linkOf),
    container,
    path,
    publish: publishOf([...many('publish'), ...all]),
    expose,
    names,
  }
}

/** What is said of published ports where no link leads in. The container goes on without them, as docker's. */
export const portsWarning = ({ mode, publish }: Pick<NetworkFlags, 'mode' | 'publish'>): string | undefined =>
  mode === 'bridge' || publish.length === 0
    ? undefined
    : `toolkit: --publish ${quoteValue(publish[0]!.text)} has no effect with --network ${mode}, which has no ports of its own to lead to`

/** Who shares a network shares the names that are known in it. */
function checkShared(container: string, wanted: string, given: Parsed['flags']): void {
  if (!/^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/.test(container))
    throw refuse('network', wanted, 'must be container: and the name or id of one')
  for (const flag of ['dns', 'dns-search', 'dns-option', 'add-host']) {
    const [value] = (given[flag] ?? []) as readonly string[]
    if (value !== undefined)
      throw refuse(flag, value, 'not with the network of another container, which knows its names')
  }
}

/** One of the modes; any other word is taken for the name of a network, which then has to be there. */
const modeOf = (value: string): NetworkMode => MODES.find(mode => mode === value) ?? 'bridge'

const WORDS =
  'must be none, host, bridge, the name of a network, container: and the name of one, or ns: and a path such as /proc/PID/ns/net'

/** The name of a network, or in docker's long form name=NAME,ip=IP,alias=NAME,mac-address=MAC. */
function endpointOf(value: string): Endpoint {
  const fields = value.includes('=') ? value.split(',').map(field => field.split('=')) : [['name', value]]
  const all = (key: string) => fields.flatMap(([word, ...rest]) => (word === key ? [rest.join('=')] : []))
  const unknown = fields.find(([key = '']) => !['name', 'ip', 'alias', 'mac-address'].includes(key))
  const [name] = all('name')
  if (unknown)
    throw refuse('network', value, `unknown key ${quoteValue(unknown[0]!)}; there are name, ip, alias, mac-address`)
  const twice = ['name', 'ip', 'mac-address'].find(key => all(key).length > 1)
  if (twice) throw refuse('network', value, `give ${twice} once`)
  const isOwn = name === 'bridge' || name === 'default'
  if (name === 'none' || name === 'host') throw refuse('network', value, 'not beside another network')
  if (name === undefined || !/^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,127}$/.test(name)) throw refuse('network', value, WORDS)
  const [ip, mac] = [all('ip')[0], all('mac-address')[0]]
  return endpoint({ name: isOwn ? undefined : name, ip, aliases: all('alias'), mac })
}

/** An endpoint, its words checked. Throws a UsageError. */
export function endpoint({ name, ip, aliases, mac }: Endpoint): Endpoint {
  if (ip !== undefined) {
    if (name === undefined) throw refuse('ip', ip, OWN_ONLY)
    checked('ip', ip, text => parseIpv4(text) !== undefined, 'must be an address of IPv4, such as 10.5.0.7')
  }
  for (const alias of aliases) {
    if (name === undefined) throw refuse('network-alias', alias, OWN_ONLY)
    checked('network-alias', alias, isName, 'must be a name as hosts have, such as db')
  }
  return { name, ip, aliases, mac: mac && macOf(mac) }
}

/** The flags of their own are about the first network. */
function withFlags(place: Endpoint, given: Parsed['flags']): Endpoint {
  for (const [flag, said] of [
    ['ip', place.ip],
    ['mac-address', place.mac],
  ] as const)
    if (said !== undefined && given[flag] !== undefined)
      throw refuse(flag, given[flag] as string, `--network says ${said} already; leave one of them out`)
  return endpoint({
    name: place.name,
    ip: (given.ip as string | undefined) ?? place.ip,
    aliases: [...place.aliases, ...((given['network-alias'] ?? []) as readonly string[])],
    mac: (given['mac-address'] as string | undefined) ?? place.mac,
  })
}

/** NAME[:ALIAS] */
export function linkOf(value: string): Link {
  const [name = '', alias = name, ...more] = value.replace(/^\//, '').split(':')
  if (!/^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/.test(name) || !isName(alias) || more.length > 0)
    throw refuse('link', value, 'must be the name of a container, or CONTAINER:ALIAS')
  return { name, alias }
}

/** PORT[/tcp|/udp] or a range, as PORT/PROTOCOL each. */
function exposed(value: string): string[] {
  try {
    if (!/[:[]/.test(value)) return parsePublish(value).map(({ container, protocol }) => `${container}/${protocol}`)
  } catch {}
  throw refuse('expose', value, 'must be a port of the container, such as 80 or 80/udp, or a range such as 80-89')
}

/** All ports; each of the host's but once. */
function publishOf(values: readonly string[]): PortWish[] {
  const wishes = values.flatMap(parsePublish)
  const fixed = wishes.filter(({ host }) => host && host[0] === host[1])
  const seen = new Set<string>()
  for (const { protocol, address, host, text } of fixed) {
    const key = `${protocol} ${address} ${host![0]}`
    if (seen.has(key))
      throw refuse('publish', text, `port ${host![0]} is given twice (${protocol}); it can lead to one place only`)
    seen.add(key)
  }
  return wishes
}

function macOf(value: string): string {
  const first = Number.parseInt(value.slice(0, 2), 16)
  if (!MAC.test(value) || value === '00:00:00:00:00:00' || first % 2 === 1)
    throw refuse(
      'mac-address',
      value,
      'must be that of one card, such as 02:42:ac:11:00:02: the first byte even, not all zero',
    )
  return value.toLowerCase()
}

function checked(flag: string, value: string, isGood: (text: string) => boolean, why: string): string {
  if (!isGood(value)) throw refuse(flag, value, why)
  return value
}

function searchOf(values: readonly string[]): string[] {
  const none = values.includes('.')
  if (none && values.length > 1) throw refuse('dns-search', '.', 'means no domain at all; give it alone')
  return values.map(value =>
    checked('dns-search', value, text => text === '.' || isName(text), 'must be a domain, such as example.org, or .'),
  )
}

/** NAME:IP or NAME=IP; the address may have colons itself, or brackets around it. */
function hostOf(value: string, mode: NetworkMode): NameWishes['hosts'][number] {
  const [, name = '', bracketed, plain = ''] = /^([^:=]*)[:=](?:\[([^\]]*)\]|(.*))$/s.exec(value) ?? []
  const address = bracketed ?? plain
  if (!isName(name) || (!isAddress(address) && address !== HOST_GATEWAY))
    throw refuse('add-host', value, `must be NAME:IP, such as db:192.0.2.7, or NAME:${HOST_GATEWAY}`)
  if (address === HOST_GATEWAY && mode !== 'bridge')
    throw refuse('add-host', value, `${HOST_GATEWAY} is known on the bridge only; give an address`)
  return { name, address }
}
