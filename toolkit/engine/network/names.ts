// The three files through which a container knows names: /etc/hostname, /etc/hosts and /etc/resolv.conf. Their content
// only, as functions from text to text: who writes and mounts them is elsewhere. hosts(5), resolv.conf(5).
import { isIpv6, parseIpv4 } from '../../kernel/ip.ts'
import type { NetworkMode } from './ports.ts'

/** What a user says about names; checked, so that none of it can add a line. */
export interface NameWishes {
  /** Name servers instead of the host's. */
  readonly dns: readonly string[]
  /** Domains instead of the host's; a single '.' for none. */
  readonly search: readonly string[]
  /** Options of the resolver instead of the host's. */
  readonly options: readonly string[]
  /** Lines for /etc/hosts; the address `host-gateway` stands for the host as the container reaches it. */
  readonly hosts: readonly { readonly name: string; readonly address: string }[]
}

/** By which others in its networks find a container besides its id and aliases; the first is what it is called. */
export const ownNames = (name: string, { hostname }: { readonly hostname: string | undefined }): string[] => [
  name,
  ...(hostname === undefined ? [] : [hostname]),
]

export const HOST_GATEWAY = 'host-gateway'

const LOCAL_NAMES = `127.0.0.1\tlocalhost
::1\tlocalhost ip6-localhost ip6-loopback
fe00::\tip6-localnet
ff00::\tip6-mcastprefix
ff02::1\tip6-allnodes
ff02::2\tip6-allrouters
`

export const hostnameFile = (hostname: string): string => `${hostname}\n`

export interface HostsInputs extends Pick<NameWishes, 'hosts'> {
  readonly hostname: string
  /** Its own addresses, one a network, and the host's; not there without a network. */
  readonly addresses?: readonly string[]
  readonly gateway?: string | undefined
  /** The host's own file, for a container that shares its network. */
  readonly inherited?: string
}

/** With its domain, where it has one. */
export const fullName = (hostname: string, domainname: string | undefined): string =>
  domainname === undefined ? hostname : `${hostname}.${domainname}`

/** A line of /etc/hosts. A name with dots is followed by its first part, as `hostname -s` would say it. */
export function ownLine(address: string, hostname: string): string {
  const [first] = hostname.split('.')
  return `${address}\t${first === hostname ? hostname : `${hostname} ${first}`}`
}

/** /etc/hosts. */
export function hostsFile({ hostname, hosts, addresses = [], gateway, inherited }: HostsInputs): string {
  const own = addresses.map(address => ownLine(address, hostname))
  const wished = hosts.map(({ name, address }) => `${address === HOST_GATEWAY ? gateway : address}\t${name}`)
  const base = inherited ?? LOCAL_NAMES
  return [base.trimEnd(), ...wished, ...own, ''].join('\n')
}

/** Where systemd-resolved keeps the servers that it asks itself; in /etc/resolv.conf it writes only its own address. */
export const RESOLVED = '/run/systemd/resolve/resolv.conf'

/** That a host's resolv.conf names systemd-resolved and nobody else: read the file RESOLVED instead. */
export const asksResolved = (text: string): boolean => {
  const { servers } = readResolvConf(text)
  return servers.length > 0 && servers.every(server => server === '127.0.0.53')
}

interface ResolvConf {
  readonly servers: readonly string[]
  readonly search: readonly string[]
  readonly options: readonly string[]
}

/** The lines that every resolver knows. Of `search` and `domain` the last one counts, options add up. */
function readResolvConf(text: string): ResolvConf {
  const lines = text.split('\n').map(line => line.trim().split(/\s+/))
  const of = (...words: string[]) => lines.filter(([word]) => words.includes(word!)).map(([, ...rest]) => rest)
  return {
    servers: of('nameserver').flatMap(([server]) => (server ? [server] : [])),
    search: of('search', 'domain').at(-1) ?? [],
    options: of('options').flat(),
  }
}

/** A server that a container on the bridge can ask: IPv4, because the bridge has no other, and not its own loopback. */
const isReachable = (server: string): boolean => parseIpv4(server) !== undefined && !server.startsWith('127.')

// Google's, as docker does where a host has none that a container could ask.
const PUBLIC_SERVERS = ['8.8.8.8', '8.8.4.4']

/** The host's servers, as far as they are of use in a network of this kind. */
function inheritedServers(mode: NetworkMode | 'named', servers: readonly string[]): readonly string[] {
  if (mode === 'named') return [NAME_SERVER]
  if (mode === 'host') return servers
  const reachable = servers.filter(isReachable)
  return mode === 'bridge' && reachable.length === 0 ? PUBLIC_SERVERS : reachable
}

/** Where the engine's own name server is, for a container in a network that somebody has made: see dns-service.ts. */
const NAME_SERVER = '127.0.0.11'

/** The servers of a host's resolv.conf. */
export const serversOf = (text: string): readonly string[] => readResolvConf(text).servers

/**
 * /etc/resolv.conf from the host's. What the user wishes replaces what the host says, kind by kind. `named`: in a network
 * that somebody has made; there the server that the user wishes for is asked by ours, and names without dots come first.
 */
export function resolvConf(
  host: string,
  mode: NetworkMode | 'named',
  { dns, search, options }: Pick<NameWishes, 'dns' | 'search' | 'options'>,
): string {
  if (mode === 'host' && dns.length + search.length + options.length === 0) return host
  const inherited = readResolvConf(host)
  const servers = dns.length > 0 && mode !== 'named' ? dns : inheritedServers(mode, inherited.servers)
  const domains = (search.length > 0 ? search : inherited.search).filter(domain => domain !== '.')
  const given = options.length > 0 ? options : inherited.options
  const tuning = mode === 'named' && !given.some(word => word.startsWith('ndots:')) ? [...given, 'ndots:0'] : given
  return [
    ...servers.map(server => `nameserver ${server}`),
    ...(domains.length > 0 ? [`search ${domains.join(' ')}`] : []),
    ...(tuning.length > 0 ? [`options ${tuning.join(' ')}`] : []),
    '',
  ].join('\n')
}

const LABEL = '[a-zA-Z0-9_]([a-zA-Z0-9_-]*[a-zA-Z0-9_])?'
const NAME = new RegExp(`^${LABEL}(\\.${LABEL})*\\.?$`)

/** A name that can stand in a line of these files without adding another: RFC 1123 section 2.1, and the underscore. */
export const isName = (text: string): boolean => text.length <= 253 && NAME.test(text)
export const isAddress = (text: string): boolean => parseIpv4(text) !== undefined || isIpv6(text)
/** A word of the `options` line: rotate, ndots:2. */
export const isOption = (text: string): boolean => /^[a-z][a-z0-9-]{0,31}(:\d{1,5})?$/.test(text)
