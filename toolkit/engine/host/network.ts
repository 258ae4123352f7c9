// Checks: links and firewall. What the engine would ask for is asked for in a network namespace that is thrown away.
import { spawnSync } from 'node:child_process'
import { accessSync, constants, existsSync, readFileSync } from 'node:fs'
import { CLONE, NETLINK } from '../../kernel/constants.ts'
import { KernelError } from '../../kernel/error.ts'
import { dump, type Netlink, openNetlink } from '../../kernel/netlink.ts'
import { NetlinkError } from '../../kernel/netlink-error.ts'
import { attributes, type Message, message, textOf } from '../../kernel/netlink-message.ts'
import { fields, masquerade, redirect, toThisMachine } from '../../kernel/nftables.ts'
import { bridge } from '../../primitives/bridge.ts'
import { macvlan } from '../../primitives/macvlan.ts'
import { replaceTable, type Table } from '../../primitives/nftables.ts'
import { vethPair } from '../../primitives/veth.ts'
import { vxlan } from '../../primitives/vxlan.ts'
import { type Finding, inThrowaway, isRoot, missing, NEEDS_ROOT, ok, unchecked } from './check.ts'

/** Missing, with the kernel's answer, where it refuses what is asked in a network namespace of its own. */
function inNetwork(
  protocol: typeof NETLINK.ROUTE | typeof NETLINK.NETFILTER,
  ask: (netlink: Netlink) => void,
): Finding {
  if (!isRoot()) return NEEDS_ROOT
  try {
    inThrowaway([CLONE.NEWNET], pid => {
      const netlink = openNetlink(protocol, { pid })
      try {
        ask(netlink)
      } finally {
        netlink.close()
      }
    })
    return ok()
  } catch (error) {
    if (error instanceof NetlinkError && error.code === 'EPERM') return unchecked('it takes NET_ADMIN to tell')
    if (error instanceof NetlinkError) return missing(error.code)
    if (error instanceof KernelError) return unchecked('it takes a network namespace to tell')
    throw error
  }
}

const cable = () => vethPair({ name: 'probe0', peer: { name: 'probe1' } })
const LINKS = {
  veth: () => [cable()],
  bridge: () => [bridge({ name: 'probe' })],
  macvlan: () => [bridge({ name: 'below' }), macvlan({ name: 'probe', parent: 'below' })], // on any link
  vxlan: () => [vxlan({ name: 'probe', id: 1, remote: '127.0.0.1' })],
} as const satisfies Record<string, () => Message[]>

export const link = (kind: keyof typeof LINKS): Finding =>
  inNetwork(NETLINK.ROUTE, netlink => {
    for (const asked of LINKS[kind]()) netlink.request(asked)
  })

const { protocol, destinationPort } = fields
// All that our firewall is made of: chains for NAT, a map of ports, the route's type, both changes of address.
const firewall: Table = {
  family: 'ip',
  name: 'probe',
  sets: [{ name: 'ports', key: ['inet_proto', 'inet_service'], data: ['ipv4_addr', 'inet_service'], elements: [] }],
  chains: [
    {
      name: 'in',
      type: 'nat',
      hook: 'prerouting',
      priority: -100,
      policy: 'accept',
      rules: [[toThisMachine, redirect([protocol, destinationPort], 'ports')]],
    },
    { name: 'out', type: 'nat', hook: 'postrouting', priority: 100, policy: 'accept', rules: [[masquerade]] },
  ],
}

export const nftables = (): Finding => inNetwork(NETLINK.NETFILTER, netlink => netlink.batch(replaceTable(firewall)))

const FORWARD = '/proc/sys/net/ipv4/ip_forward'

export function forwarding(): Finding {
  if (readFileSync(FORWARD, 'utf8').trim() === '1') return ok('on')
  try {
    accessSync(FORWARD, constants.W_OK)
    return ok('off, until it is needed')
  } catch {
    return isRoot() ? missing('ip_forward cannot be written') : NEEDS_ROOT
  }
}

const getChains = message({ name: 'NFT_MSG_GETCHAIN', type: (10 << 8) | 4, flags: 0, text: '' }, [Buffer.alloc(4)])
const CHAIN = { TABLE: 1, NAME: 3, HOOK: 4, POLICY: 5 } // NFTA_CHAIN_*
const HOOK_NUMBER = 1 // NFTA_HOOK_HOOKNUM
const IPV4_OR_ALL = [1, 2] // NFPROTO_INET, NFPROTO_IPV4
const FORWARD_HOOK = 2 // NF_INET_FORWARD
const DROP = 0 // NF_DROP

/** The chain of an nftables firewall, iptables' own among them, that drops what is to be forwarded. */
function droppingChain(): string | undefined {
  for (const payload of dump(getChains, NETLINK.NETFILTER)) {
    const chain = attributes(payload, 4)
    const hook = chain.get(CHAIN.HOOK)
    const number = hook && attributes(hook).get(HOOK_NUMBER)
    if (!IPV4_OR_ALL.includes(payload[0]!) || number?.readUInt32BE(0) !== FORWARD_HOOK) continue
    if (chain.get(CHAIN.POLICY)?.readUInt32BE(0) !== DROP) continue
    return `${textOf(chain.get(CHAIN.TABLE)!)} ${textOf(chain.get(CHAIN.NAME)!)}`
  }
  return undefined
}

/** The same of the older iptables. It is asked only where it is in use, for asking loads its modules. */
function legacyDrops(): boolean {
  const tables = '/proc/net/ip_tables_names'
  if (!existsSync(tables) || !readFileSync(tables, 'utf8').split('\n').includes('filter')) return false
  const { stdout } = spawnSync('iptables-legacy', ['-S', 'FORWARD'], { encoding: 'utf8' })
  return stdout?.includes('-P FORWARD DROP') ?? false
}

export function forwardPolicy(): Finding {
  if (!isRoot()) return NEEDS_ROOT
  try {
    const chain = droppingChain()
    if (chain !== undefined) return missing(`the policy of ${chain} is drop`)
  } catch (error) {
    if (!(error instanceof KernelError)) throw error
    if (error.code !== 'EOPNOTSUPP' && error.code !== 'EPROTONOSUPPORT') return unchecked(`${error.code} from nftables`)
  }
  return legacyDrops() ? missing('the policy of iptables FORWARD is drop') : ok()
}

const BRIDGED = '/proc/sys/net/bridge/bridge-nf-call-iptables'

export function bridgeFilter(): Finding {
  if (!existsSync(BRIDGED) || readFileSync(BRIDGED, 'utf8').trim() === '0') return ok('off')
  const { state } = forwardPolicy()
  return state === 'missing' ? missing() : ok('on')
}
