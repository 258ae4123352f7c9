// Networks that are more than a bridge on this host, and the options of each kind: what stands after `network create -d`
// and `-o`. Names that docker has are docker's.
import { parseIpv4 } from '../../kernel/ip.ts'
import { checkLinkName } from '../../kernel/link-name.ts'
import { UsageError } from '../../kernel/usage-error.ts'

export const DRIVERS = ['bridge', 'macvlan', 'vxlan'] as const
export type DriverName = (typeof DRIVERS)[number]

const MACVLAN_MODES = ['bridge', 'private', 'vepa', 'passthru'] as const

/** Containers have links of their own on the wire of one of the host's; there is no bridge, and no firewall of ours. */
interface MacvlanDriver {
  readonly kind: 'macvlan'
  readonly parent: string
  readonly mode: (typeof MACVLAN_MODES)[number]
}

/** The bridge goes on, in a tunnel, on another host. */
interface VxlanDriver {
  readonly kind: 'vxlan'
  /** The tunnel's link on this host. */
  readonly link: string
  readonly id: number
  readonly remote?: string
  readonly group?: string
  readonly local?: string
  readonly parent?: string
  readonly port?: number
}

export type Driver = MacvlanDriver | VxlanDriver

/** What a network's options come to. */
export interface DriverWish {
  readonly driver?: Driver
  /** Bytes of the largest packet. */
  readonly mtu?: number
  /** The bridge's link, where a user has given it a name. */
  readonly bridge?: string
}

type Options = Readonly<Record<string, string>>

const MTU = ['com.docker.network.driver.mtu', 'mtu']
const KNOWN: Record<DriverName, readonly string[]> = {
  bridge: ['com.docker.network.bridge.name', ...MTU],
  macvlan: ['parent', 'macvlan_mode'],
  vxlan: ['id', 'remote', 'group', 'local', 'parent', 'port', 'com.docker.network.bridge.name', ...MTU],
}

/** docker's options of a bridge that ask for what is so anyhow. */
const ANYHOW: Readonly<Record<string, string>> = {
  'com.docker.network.bridge.enable_icc': 'true',
  'com.docker.network.bridge.enable_ip_masquerade': 'true',
  'com.docker.network.bridge.host_binding_ipv4': '0.0.0.0',
}

const ETHERNET = 1500
const VXLAN_HEADERS = 50 // Ethernet 14, IP 20, UDP 8, VXLAN 8

const refuse = (key: string, value: string, why: string) =>
  new UsageError(`network create: --opt ${key}=${JSON.stringify(value)}: ${why}`, 1)

/** Reads the options of a network with this id. Throws a UsageError (exit code 1) that names what is wrong. */
export function readDriver(name: DriverName, options: Options, networkId: string): DriverWish {
  const known = KNOWN[name]
  const isAnyhow = (key: string) => Object.hasOwn(ANYHOW, key) && name !== 'macvlan'
  const other = Object.keys(ANYHOW).find(key => key in options && isAnyhow(key) && options[key] !== ANYHOW[key])
  if (other !== undefined) throw refuse(other, options[other]!, `can only be ${ANYHOW[other]} here`)
  const foreign = Object.keys(options).find(key => !known.includes(key) && !isAnyhow(key))
  if (foreign !== undefined)
    throw new UsageError(`network create: --opt ${foreign}: driver ${name} knows ${known.join(', ')}`, 1)
  const bridge = linkName(options, 'com.docker.network.bridge.name')
  const [mtuKey = 'mtu'] = MTU.filter(key => key in options)
  const mtu = number(options, mtuKey, 68, 65535)
  const about = { ...(bridge !== undefined && { bridge }), ...(mtu !== undefined && { mtu }) }
  if (name === 'macvlan') return { driver: macvlanOf(options) }
  if (name === 'vxlan')
    return { mtu: ETHERNET - VXLAN_HEADERS, ...about, driver: vxlanOf(options, `vx-${networkId.slice(0, 12)}`) }
  return about
}

function macvlanOf(options: Options): Driver {
  const parent = linkName(options, 'parent')
  if (parent === undefined)
    throw new UsageError('network create: driver macvlan needs -o parent=LINK, one of `ip link`', 1)
  if (parent === 'lo') throw refuse('parent', parent, 'leads nowhere; give a link to others, one of `ip link`')
  const { macvlan_mode: word = 'bridge' } = options
  const mode = MACVLAN_MODES.find(mode => mode === word)
  if (!mode) throw refuse('macvlan_mode', word, `is one of ${MACVLAN_MODES.join(', ')}`)
  return { kind: 'macvlan', parent, mode }
}

function vxlanOf(options: Options, link: string): Driver {
  const [id, port] = [number(options, 'id', 1, 0xffffff), number(options, 'port', 1, 65535)]
  const [remote, local, group] = ['remote', 'local', 'group'].map(key => ip(options, key))
  const parent = linkName(options, 'parent')
  const usage = 'driver vxlan needs -o id=NUMBER and -o remote=IP of the other host, or -o group=IP with -o parent=LINK'
  if (id === undefined || (remote === undefined) === (group === undefined))
    throw new UsageError(`network create: ${usage}`, 1)
  if (group !== undefined && parent === undefined) throw new UsageError(`network create: ${usage}`, 1)
  return {
    ...{ kind: 'vxlan', link, id },
    ...(remote !== undefined && { remote }),
    ...(group !== undefined && { group }),
    ...(local !== undefined && { local }),
    ...(parent !== undefined && { parent }),
    ...(port !== undefined && { port }),
  }
}

function linkName(options: Options, key: string): string | undefined {
  const value = options[key]
  if (value === undefined) return undefined
  try {
    return checkLinkName(value)
  } catch (error) {
    throw refuse(key, value, (error as Error).message)
  }
}

function number(options: Options, key: string, least: number, most: number): number | undefined {
  const value = options[key]
  if (value === undefined) return undefined
  if (!/^\d{1,9}$/.test(value) || Number(value) < least || Number(value) > most)
    throw refuse(key, value, `is a number from ${least} to ${most}`)
  return Number(value)
}

function ip(options: Options, key: string): string | undefined {
  const value = options[key]
  if (value !== undefined && parseIpv4(value) === undefined) throw refuse(key, value, 'is an address of IPv4')
  return value
}
