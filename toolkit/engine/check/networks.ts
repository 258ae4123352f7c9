// Networks: their files, who has an address, and whether the host has for them what they need and nothing else.
import { existsSync, readFileSync } from 'node:fs'
import { parseSubnet } from '../../kernel/ip.ts'
import { readFirewall } from '../../observe/firewall.ts'
import { readLinks } from '../../observe/links.ts'
import { isAlive } from '../../observe/process.ts'
import { clients, ensureServed, forgetNames, lockFile, readWish, serviceDir } from '../network/dns-service.ts'
import { restoreForwarding } from '../network/forwarding.ts'
import { type Lease, type Network, nameOf, networkOf, rootOf } from '../network/lease.ts'
import { exclusively, isLeaseFile, readAllLeases, readHost, readLeases } from '../network/leases.ts'
import { bridgeNetwork, leaveNetwork } from '../network/network.ts'
import { bridgeOf, readNetworks } from '../network/store.ts'
import { removeBridge, removeCable, removeTables } from '../network/unwiring.ts'
import { mend } from '../network/wiring.ts'
import { entries, isFree, remove } from '../state/files.ts'
import { bootId } from '../state/store.ts'
import { type Finding, isAside, setAside } from './finding.ts'

const network = (subject: string, meaning: string, repair?: () => string): Finding => ({
  ...{ kind: 'network', subject, meaning },
  ...(repair && { repair }),
})

const parses = (path: string, fits: (value: Record<string, unknown>) => boolean): boolean => {
  try {
    const value = JSON.parse(readFileSync(path, 'utf8'))
    return typeof value === 'object' && value !== null && fits(value)
  } catch {
    return false
  }
}

const done = (action: () => void, words: string) => () => {
  action()
  return words
}

/** What is written about them. */
function files(base: Network, root: string): Finding[] {
  const all = entries(root).filter(name => !isAside(name))
  const halves = all
    .filter(name => /^\.(new|gone)-/.test(name))
    .map(name =>
      network(
        name.replace(/^\.(new|gone)-/, ''),
        `somebody was killed who ${name.startsWith('.new') ? 'made' : 'removed'} it`,
        done(() => void remove(`${root}/${name}`), 'removed the rest'),
      ),
    )
  const known = new Set(readNetworks(root).flatMap(({ name, state }) => (state ? [name] : [])))
  const damaged = all
    .filter(name => !name.startsWith('.') && name !== nameOf(base) && !known.has(name))
    .map(name => {
      const users = readLeases({ directory: `${root}/${name}` })
      const meaning = `${root}/${name}/definition.json is not there, damaged, or of a newer toolkit`
      return users.length > 0
        ? network(name, `${meaning}; containers are in it: end them, then it can be repaired`)
        : network(name, meaning, () => setAside(`${root}/${name}`, `.${name}`))
    })
  const single = [
    {
      path: `${base.directory}/network.json`,
      fits: ({ subnet }: Record<string, unknown>) => parseSubnet(String(subnet)) !== undefined,
    },
    { path: `${root}/.host.json`, fits: () => true },
  ]
    .filter(({ path, fits }) => existsSync(path) && !parses(path, fits))
    .map(({ path }) => network('bridge', `${path} is damaged`, () => setAside(path)))
  return [...halves, ...damaged, ...single]
}

/** Addresses of containers that are gone, and files that are none. */
function leases(base: Network, root: string): Finding[] {
  const networks = entries(root).filter(name => !name.startsWith('.'))
  const strangers = networks.flatMap(name =>
    entries(`${root}/${name}/leases`)
      .filter(file => !isLeaseFile(file, { directory: `${root}/${name}` }))
      .map(file => {
        const path = `${root}/${name}/leases/${file}`
        // Out of the directory of leases, which has to be empty in the end.
        return network(name, `${path} is no lease of an address`, () => setAside(path, `.${name}-${file}`, root))
      }),
  )
  const gone = [...new Map(readAllLeases(base).map(lease => [lease.id, lease])).values()]
    .filter(({ id }) => !base.isAlive(id))
    .map(({ id, address, network: name }) =>
      network(name, `${address} is kept for container ${id.slice(0, 12)}, which does not run`, () => {
        leaveNetwork(id, base)
        return 'gave it back'
      }),
    )
  return [...strangers, ...gone]
}

/** Links, rules and settings of the host. Nothing where we may not look. */
function host(base: Network, root: string): Finding[] {
  const links = readLinks(process.pid)
  if (!links) return []
  const living = readAllLeases(base).filter(({ id }) => base.isAlive(id))
  const bridges = [base.bridge, ...readNetworks(root).flatMap(({ state }) => (state ? [bridgeOf(state)] : []))]
  const has = (name: string) => links.some(link => link.name === name)
  const idle = bridges
    .filter(name => has(name) && !living.some(({ bridge }) => bridge === name))
    .map(name =>
      network(
        name,
        'the bridge is there, and no container is in its network',
        done(() => exclusively(base, () => removeBridge({ ...base, bridge: name })), 'removed it'),
      ),
    )
  const cables = links
    .filter(({ name, master }) => /^tk[0-9a-f]{12}$/.test(name) && master !== undefined && bridges.includes(master))
    .filter(({ name }) => !living.some(({ link }) => link === name))
    .map(({ name }) =>
      network(
        name,
        'a cable into a bridge of ours, of no container',
        done(() => removeCable(name), 'removed it'),
      ),
    )
  const broken = [...new Map(living.map(lease => [lease.bridge, lease])).values()].flatMap(lease =>
    missing(lease, base, has),
  )
  return [...idle, ...cables, ...broken, ...rules(base, living)]
}

function missing(lease: Lease, base: Network, has: (name: string) => boolean): Finding[] {
  if (has(lease.bridge)) return []
  const meaning = `its bridge ${lease.bridge} is gone: nobody reaches its containers`
  return [
    network(
      lease.network,
      meaning,
      done(() => mend(lease, networkOf(lease, base)), 'made it again'),
    ),
  ]
}

function rules(base: Network, living: readonly Lease[]): Finding[] {
  const chains = readFirewall(process.pid)
  const there = chains?.some(({ table }) => table === base.table) ?? false
  const first = living[0]
  const found: Finding[] = []
  if (chains && there && !first)
    found.push(
      network(
        base.table,
        'nftables has a table of ours, and there is no container',
        done(() => exclusively(base, () => removeTables(base)), 'removed it'),
      ),
    )
  if (chains && !there && first)
    found.push(
      network(
        base.table,
        'nftables has no table of ours: containers are not parted',
        done(() => mend(first, networkOf(first, base)), 'made it again'),
      ),
    )
  const switched = readHost(base).forwarding === bootId()
  const outward = living.find(({ internal }) => !internal)
  if (switched && !outward)
    found.push(
      network(
        'ip_forward',
        'we have switched it on, and no container needs it',
        done(() => exclusively(base, () => restoreForwarding(base)), 'switched it off'),
      ),
    )
  if (outward && readFileSync('/proc/sys/net/ipv4/ip_forward', 'utf8').trim() === '0')
    found.push(
      network(
        'ip_forward',
        'it is off: no container gets out',
        done(() => mend(outward, networkOf(outward, base)), 'switched it on'),
      ),
    )
  return found
}

function nameServer(base: Network, root: string): Finding[] {
  if (!existsSync(serviceDir(root))) return []
  const wishes = clients(root).map(id => ({ id, wish: readWish(root, id) }))
  const lost = wishes
    .filter(({ wish }) => !wish || !isAlive(wish.pid, wish.startTime))
    .map(({ id }) =>
      network(
        '.dns',
        `container ${id} is gone, and still waits for names`,
        done(() => forgetNames(id, base), 'forgot it'),
      ),
    )
  const stopped = isFree(lockFile(root)) && wishes.length > lost.length
  return [
    ...lost,
    ...(stopped
      ? [
          network(
            '.dns',
            'the name server was killed: no container finds another',
            done(() => ensureServed(root), 'started another'),
          ),
        ]
      : []),
  ]
}

const A_MOMENT = 800 // milliseconds: a bridge goes half a second after its last container (tidy.ts)

/** Changes nothing. */
export async function checkNetworks(): Promise<Finding[]> {
  const base = bridgeNetwork()
  const root = rootOf(base)
  if (!existsSync(root)) return []
  const look = () =>
    exclusively(base, () => [
      ...files(base, root),
      ...leases(base, root),
      ...host(base, root),
      ...nameServer(base, root),
    ])
  let found = look()
  if (found.some(({ meaning }) => meaning.startsWith('the bridge is there'))) {
    await new Promise(resolve => setTimeout(resolve, A_MOMENT))
    found = look()
  }
  return found
}
