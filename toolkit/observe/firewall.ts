// The firewall of a process's network namespace, as `nft list ruleset` knows it: chains, where they hang, and what their
// rules end in. Not what the rules compare. include/uapi/linux/netfilter/nf_tables.h.
import { CLONE, NETLINK } from '../kernel/constants.ts'
import { dump } from '../kernel/netlink.ts'
import { attributeList, attributes, message, textOf } from '../kernel/netlink-message.ts'
import { visit } from './visit.ts'

const FAMILIES: Readonly<Record<number, string>> = { 1: 'inet', 2: 'ip', 3: 'arp', 5: 'netdev', 7: 'bridge', 10: 'ip6' }
const HOOKS = ['prerouting', 'input', 'forward', 'output', 'postrouting'] as const
const SUBSYSTEM = 10 << 8 // NFNL_SUBSYS_NFTABLES
const GETCHAIN = 4
const GETRULE = 7
const HEADER = 4 // struct nfgenmsg: the family is its first byte
const NAT = ['snat', 'dnat'] as const // NFT_NAT_SNAT, NFT_NAT_DNAT

/** What a rule does to a packet's addresses. */
export type Translation = 'masquerade' | 'redirect' | (typeof NAT)[number]

export interface FirewallRule {
  /** The kernel's instructions by name, in order: meta, cmp, payload, masq … */
  readonly expressions: readonly string[]
  readonly translation: Translation | undefined
}

export interface FirewallChain {
  /** ip, inet, bridge … */
  readonly family: string
  readonly table: string
  readonly name: string
  /** filter or nat; as all up to the policy undefined of a chain that no packet comes by, but for a jump to it. */
  readonly type: string | undefined
  readonly hook: (typeof HOOKS)[number] | undefined
  readonly priority: number | undefined
  readonly policy: 'accept' | 'drop' | undefined
  readonly rules: readonly FirewallRule[]
}

function list(name: string, type: number): { family: string; values: Map<number, Buffer> }[] {
  const asked = message({ name, type: SUBSYSTEM | type, flags: 0, text: '' }, [Buffer.alloc(HEADER)])
  return dump(asked, NETLINK.NETFILTER).map(payload => ({
    family: FAMILIES[payload[0]!] ?? String(payload[0]),
    values: attributes(payload, HEADER),
  }))
}

const text = (values: Map<number, Buffer>, type: number): string => textOf(values.get(type) ?? Buffer.alloc(0))

function translationOf(name: string, data: Buffer | undefined): Translation | undefined {
  if (name === 'masq') return 'masquerade'
  if (name === 'redir') return 'redirect'
  const values = data && attributes(data)
  if (name === 'nat') return NAT[values?.get(1)?.readUInt32BE(0) ?? -1] // NFTA_NAT_TYPE
  if (name !== 'target' || !values) return undefined // of iptables, by its own names
  return (['masquerade', 'redirect', ...NAT] as const).find(kind => kind === text(values, 1).toLowerCase())
}

/** NFTA_RULE_EXPRESSIONS: a list of elements, each a name and its data. */
function ruleOf(values: Map<number, Buffer>): FirewallRule {
  const parts = attributeList(values.get(4) ?? Buffer.alloc(0)).map(([, element]) => attributes(element))
  const named = parts.map(part => ({ name: text(part, 1), data: part.get(2) }))
  return {
    expressions: named.map(({ name }) => name),
    translation: named.map(({ name, data }) => translationOf(name, data)).find(Boolean),
  }
}

function chainsHere(): FirewallChain[] {
  const rules = list('NFT_MSG_GETRULE', GETRULE)
  return list('NFT_MSG_GETCHAIN', GETCHAIN).map(({ family, values }) => {
    const [table, name] = [text(values, 1), text(values, 3)]
    const at = values.get(4) && attributes(values.get(4)!) // NFTA_CHAIN_HOOK
    const policy = values.get(5)?.readUInt32BE(0)
    const here = rules.filter(rule => rule.family === family && text(rule.values, 1) === table)
    return {
      ...{ family, table, name },
      type: values.get(7) && text(values, 7),
      hook: HOOKS[at?.get(1)?.readUInt32BE(0) ?? -1],
      priority: at?.get(2)?.readInt32BE(0),
      policy: policy === undefined ? undefined : policy === 0 ? 'drop' : 'accept',
      rules: here.filter(rule => text(rule.values, 2) === name).map(rule => ruleOf(rule.values)),
    }
  })
}

/**
 * The chains in a process's network namespace, with their rules; undefined where the process is gone or we may not enter.
 * Throws a NetlinkError, also where the kernel has no nftables.
 */
export const readFirewall = (pid: number): FirewallChain[] | undefined => visit(pid, CLONE.NEWNET, chainsHere)
