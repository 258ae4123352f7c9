// Networks that users have made: STATE/networks/NAME/definition.json, written once. Who is in one is in leases.ts; a
// network without containers is that file and nothing else, neither a bridge nor a rule.
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { formatIpv4, formatSubnet, overlap, parseIpv4, parseSubnet, type Subnet } from '../kernel/ip.ts'
import { UsageError } from '../kernel/usage-error.ts'
import { entries, makeTree, remove, writeJson } from './files.ts'

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

/** The link of a network on the host: no name that a user gives becomes one. */
export const bridgeOf = ({ id }: Pick<NetworkDefinition, 'id'>): string => `br-${id.slice(0, 12)}`

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
      typeof found.labels === 'object' &&
      found.labels !== null
    if (whole) return found as NetworkDefinition
  } catch {}
  throw new UsageError(`network ${name}: ${path} is not a network of version ${VERSION}`, 1)
}

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
  /** Default: the first of `pools` that nobody uses. */
  readonly subnet: string | undefined
  /** Default: the first address of the subnet. */
  readonly gateway: string | undefined
  readonly internal: boolean
  readonly labels: Readonly<Record<string, string>>
}

const SMALLEST = 30 // two bits of addresses: the network, the gateway, a container, broadcasts

/** The addresses that a user wishes for. Throws a UsageError where they make no network. */
function givenSubnet(subnet: string): Subnet {
  const found = parseSubnet(subnet)
  if (!found) throw new UsageError(`--subnet ${JSON.stringify(subnet)}: give a range of IPv4 such as 10.5.0.0/24`)
  if (formatSubnet(found) !== subnet)
    throw new UsageError(`--subnet ${subnet}: the range that this address is in begins at ${formatSubnet(found)}`)
  if (found.prefix > SMALLEST || found.prefix < 8)
    throw new UsageError(`--subnet ${subnet}: the number after / is one from 8 to ${SMALLEST}`)
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
  const { id, name, internal, labels } = wish
  checkNetworkName(name)
  if (existsSync(`${root}/${name}`)) throw new UsageError(`network ${name}: there is one of this name already`, 1)
  const subnet = wish.subnet === undefined ? freeSubnet(pools, [...others, ...avoided()]) : givenSubnet(wish.subnet)
  if (others.some(other => overlap(other, subnet)))
    throw new UsageError(`--subnet ${formatSubnet(subnet)}: overlaps that of another network`, 1)
  const gateway = wish.gateway ?? formatIpv4(subnet.first + 1)
  const number = parseIpv4(gateway)
  if (number === undefined || number <= subnet.first || number >= subnet.last)
    throw new UsageError(`--gateway ${JSON.stringify(gateway)}: give an address in ${formatSubnet(subnet)}`)
  const state: NetworkDefinition = {
    ...{ version: VERSION, id, name, created: new Date().toISOString() },
    ...{ subnet: formatSubnet(subnet), gateway, internal, labels },
  }
  const fresh = `${root}/.new-${name}`
  rmSync(fresh, { recursive: true, force: true })
  makeTree(root)
  mkdirSync(fresh, 0o711)
  writeJson(`${fresh}/definition.json`, state, { durable: true })
  renameSync(fresh, `${root}/${name}`)
  return state
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
