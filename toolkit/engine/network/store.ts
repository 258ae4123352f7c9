// Networks that users have made: STATE/networks/NAME/definition.json, written once. Who is in one is in leases.ts; a
// network without containers is that file and nothing else, neither a bridge nor a rule.
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import {
  contains,
  formatIpv4,
  formatSubnet,
  GROUPS,
  overlap,
  parseIpv4,
  parseSubnet,
  type Subnet,
} from '../../kernel/ip.ts'
import { UsageError } from '../../kernel/usage-error.ts'
import { entries, makeTree, remove, writeJson } from '../state/files.ts'
import { type DriverName, type DriverWish, readDriver } from './driver.ts'

/** definition.json. */
export interface NetworkDefinition {
  readonly version: 1
  /** 64 hexadecimal digits. */
  readonly id: string
  readonly name: string
  /** ISO 8601. */
  readonly created: string
  /** address/prefix. */
  readonly subnet: string
  readonly gateway: string
  /** Nothing leads out of it. */
  readonly internal: boolean
  readonly labels: Readonly<Record<string, string>>
  /** Default: bridge. */
  readonly driver?: DriverName
  /** As they were given with -o. */
  readonly options?: Readonly<Record<string, string>>
  /** address/prefix: only from here addresses are given. */
  readonly range?: string
  /** Addresses that others have, by names. */
  readonly auxiliary?: Readonly<Record<string, string>>
  /** What `inspect` shows, and nothing else: docker's word about networks of several hosts. */
  readonly attachable?: boolean
}

const VERSION = 1

/** What else can be said after --network, and the engine's own directory. */
const BUILT_IN = ['bridge', 'host', 'none', 'container', 'default', 'ns']

const FORM = /^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,127}$/

/** Throws a UsageError for what is no name of a network. */
export function checkNetworkName(name: string): void {
  if (!FORM.test(name))
    throw new UsageError(
      `network ${JSON.stringify(name.slice(0, 80))}: a name is at most 128 letters, digits, '_', '.' and '-', the first a letter or digit`,
    )
  if (BUILT_IN.includes(name)) throw new UsageError(`network ${name}: the name is taken by the engine itself`, 1)
}

/** What its driver and options come to. Throws a UsageError (exit code 1). */
export const driverOf = ({ driver = 'bridge', options = {}, id }: NetworkDefinition): DriverWish =>
  readDriver(driver, options, id)

/** The link of a network on the host: the name of the network never becomes one, only what is given for that. */
export const bridgeOf = (definition: NetworkDefinition): string =>
  driverOf(definition).bridge ?? `br-${definition.id.slice(0, 12)}`

/** Throws a UsageError (exit code 1) where it is damaged, or written by a version that we do not know. */
export function readNetwork(root: string, name: string): NetworkDefinition {
  const path = `${root}/${name}/definition.json`
  try {
    const found = JSON.parse(readFileSync(path, 'utf8')) as Partial<NetworkDefinition> | null
    const whole =
      found?.version === VERSION &&
      found.name === name &&
      /^[0-9a-f]{64}$/.test(String(found.id)) &&
      parseSubnet(String(found.subnet)) !== undefined &&
      parseIpv4(String(found.gateway)) !== undefined &&
      typeof found.internal === 'boolean' &&
      typeof found.created === 'string' &&
      isTexts(found.labels) &&
      [found.options, found.auxiliary].every(texts => texts === undefined || isTexts(texts)) &&
      (found.range === undefined || parseSubnet(found.range) !== undefined)
    if (whole) {
      driverOf(found as NetworkDefinition) // throws for what we do not know
      return found as NetworkDefinition
    }
  } catch {}
  throw new UsageError(`network ${name}: ${path} is not a network of version ${VERSION}`, 1)
}

const isTexts = (found: unknown): boolean =>
  typeof found === 'object' && found !== null && Object.values(found).every(text => typeof text === 'string')

export interface NetworkRow {
  readonly name: string
  /** Undefined where it cannot be read. */
  readonly state: NetworkDefinition | undefined
}

/** The networks that users have made, by name. */
export const readNetworks = (root: string): NetworkRow[] =>
  entries(root)
    .filter(name => FORM.test(name) && existsSync(`${root}/${name}/definition.json`))
    .toSorted()
    .map(name => ({ name, state: stateOf(root, name) }))

function stateOf(root: string, name: string): NetworkDefinition | undefined {
  try {
    return readNetwork(root, name)
  } catch {
    return undefined
  }
}

/**
 * By its name, its id, or the beginning of that. Throws a UsageError (exit code 1) where there is not one, or it cannot be
 * read.
 */
export function findNetwork(root: string, word: string): NetworkDefinition {
  const rows = readNetworks(root)
  if (rows.some(({ name }) => name === word)) return readNetwork(root, word)
  const found = rows.flatMap(({ state }) => (state && word !== '' && state.id.startsWith(word) ? [state] : []))
  if (found.length > 1)
    throw new UsageError(`${JSON.stringify(word)} is the beginning of ${found.length} ids; give more of it`, 1)
  if (!found[0]) throw new UsageError(`no network ${JSON.stringify(word)}; 'toolkit network ls' lists them`, 1)
  return found[0]
}

export interface NewNetwork {
  readonly id: string
  readonly name: string
  /** The range that this is in, such as 10.5.0.0/24. Default: the first of `pools` that nobody uses. */
  readonly subnet: string | undefined
  /** Default: the first address of the subnet. */
  readonly gateway: string | undefined
  readonly internal: boolean
  readonly labels: Readonly<Record<string, string>>
  readonly driver?: DriverName
  readonly options?: Readonly<Record<string, string>>
  readonly range?: string | undefined
  readonly auxiliary?: Readonly<Record<string, string>>
  readonly attachable?: boolean
}

const SMALLEST = 30 // two bits of addresses: the network, the gateway, a container, broadcasts
/** "This network", what each host keeps to itself, and groups: RFC 6890 and RFC 5771. */
const NO_HOSTS = ['0.0.0.0/8', '127.0.0.0/8', GROUPS]

/** The addresses that a user wishes for. Throws a UsageError where they make no network. */
function givenSubnet(subnet: string): Subnet {
  const found = parseSubnet(subnet)
  if (!found) throw new UsageError(`--subnet ${JSON.stringify(subnet)}: give a range of IPv4 such as 10.5.0.0/24`)
  if (found.prefix > SMALLEST || found.prefix < 8)
    throw new UsageError(`--subnet ${subnet}: the number after / is one from 8 to ${SMALLEST}`)
  const taken = NO_HOSTS.find(range => overlap(parseSubnet(range)!, found))
  if (taken) throw new UsageError(`--subnet ${subnet}: ${taken} is for no hosts; give a range such as 10.5.0.0/24`)
  return found
}

/**
 * Writes a network down. `others`: the ranges of other networks, which none may overlap; `avoided`: what else is not
 * chosen for it. To be called under the networks' lock. Throws UsageError (exit code 1: it clashes with another).
 */
export function makeNetwork(
  root: string,
  wish: NewNetwork,
  { pools, others, avoided }: { pools: readonly Subnet[]; others: readonly Subnet[]; avoided: () => readonly Subnet[] },
): NetworkDefinition {
  const { id, name, internal, labels, driver = 'bridge', options = {}, range, auxiliary = {} } = wish
  checkNetworkName(name)
  if (existsSync(`${root}/${name}`)) throw new UsageError(`network ${name}: there is one of this name already`, 1)
  const subnet = wish.subnet === undefined ? freeSubnet(pools, [...others, ...avoided()]) : givenSubnet(wish.subnet)
  if (others.some(other => overlap(other, subnet)))
    throw new UsageError(`--subnet ${formatSubnet(subnet)}: overlaps that of another network`, 1)
  const gateway = wish.gateway ?? formatIpv4(subnet.first + 1)
  const number = parseIpv4(gateway)
  if (number === undefined || number <= subnet.first || number >= subnet.last)
    throw new UsageError(`--gateway ${JSON.stringify(gateway)}: give an address in ${formatSubnet(subnet)}`)
  checkWithin(subnet, range, auxiliary)
  const state: NetworkDefinition = {
    ...{ version: VERSION, id, name, created: new Date().toISOString() },
    ...{ subnet: formatSubnet(subnet), gateway, internal, labels },
    ...(driver !== 'bridge' && { driver }),
    ...(Object.keys(options).length > 0 && { options }),
    ...(range !== undefined && { range }),
    ...(Object.keys(auxiliary).length > 0 && { auxiliary }),
    ...(wish.attachable && { attachable: true }),
  }
  checkLinks(root, state)
  const fresh = `${root}/.new-${name}`
  rmSync(fresh, { recursive: true, force: true })
  makeTree(root)
  mkdirSync(fresh, 0o711)
  writeJson(`${fresh}/definition.json`, state, { durable: true })
  renameSync(fresh, `${root}/${name}`)
  return state
}

function checkWithin(subnet: Subnet, range: string | undefined, auxiliary: Readonly<Record<string, string>>): void {
  const part = range === undefined ? subnet : parseSubnet(range)
  if (!part || part.first < subnet.first || part.last > subnet.last)
    throw new UsageError(`--ip-range ${JSON.stringify(range)}: give a part of ${formatSubnet(subnet)}`)
  for (const [name, address] of Object.entries(auxiliary)) {
    const number = parseIpv4(address)
    if (number === undefined || !contains(subnet, number))
      throw new UsageError(
        `--aux-address ${name}=${JSON.stringify(address)}: give an address in ${formatSubnet(subnet)}`,
      )
  }
}

/** A link that a user has named is to be ours alone; one that he wants to share has to be there. */
function checkLinks(root: string, state: NetworkDefinition): void {
  const { bridge, driver } = driverOf(state)
  const isThere = (link: string) => existsSync(`/proc/sys/net/ipv4/conf/${link}`)
  const others = readNetworks(root).flatMap(({ state: other }) => (other ? [bridgeOf(other)] : []))
  if (bridge !== undefined && (isThere(bridge) || others.includes(bridge)))
    throw new UsageError(`network ${state.name}: there is a link ${bridge} already; give its bridge another name`, 1)
  if (driver?.parent !== undefined && !isThere(driver.parent))
    throw new UsageError(`network ${state.name}: there is no link ${driver.parent} here; \`ip link\` lists them`, 1)
}

function freeSubnet(pools: readonly Subnet[], used: readonly Subnet[]): Subnet {
  const found = pools.find(pool => !used.some(other => overlap(pool, other)))
  if (found) return found
  throw new UsageError('no range of addresses is left for a network; give one by --subnet, or remove a network', 1)
}

/** Removes what there is of a network; nobody is in it. To be called under the networks' lock. */
export function forgetNetwork(root: string, name: string): void {
  const gone = `${root}/.gone-${name}`
  rmSync(gone, { recursive: true, force: true })
  renameSync(`${root}/${name}`, gone)
  remove(gone)
}
