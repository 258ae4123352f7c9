// The firewall: tables of rules that every packet passes, nft(8). A table is a whole here: described once, printed as
// `nft list table` prints it, and put in place in one transaction, so that no packet ever meets half of it.
import { NLM_F } from '../kernel/constants.ts'
import type { Message } from '../kernel/netlink-message.ts'
import { type Attribute, pack } from '../kernel/nfnetlink.ts'
import { concatenate, type DataType, keyLength, type Term, typeNumber } from '../kernel/nftables.ts'

/** A set of keys, or with `data` a map: each key and each value is one or several fields. */
export interface NamedSet {
  readonly name: string
  readonly key: readonly DataType[]
  readonly data?: readonly DataType[]
  readonly elements: readonly { readonly key: readonly string[]; readonly data?: readonly string[] }[]
}

export type Hook = 'prerouting' | 'input' | 'forward' | 'output' | 'postrouting'

/** Rules that the kernel goes through where a packet comes by; the first that decides ends the chain. */
export interface Chain {
  readonly name: string
  readonly type: 'filter' | 'nat'
  readonly hook: Hook
  /** Among the chains at this hook; the lowest comes first. */
  readonly priority: number
  /** What becomes of packets that no rule decides on. */
  readonly policy: 'accept' | 'drop'
  readonly rules: readonly (readonly Term[])[]
}

export interface Table {
  /** ip: packets of IPv4. bridge: frames that a bridge takes in or passes on. */
  readonly family: 'ip' | 'bridge'
  readonly name: string
  readonly sets: readonly NamedSet[]
  readonly chains: readonly Chain[]
}

const FAMILY = { ip: 2, bridge: 7 } as const // NFPROTO_IPV4, NFPROTO_BRIDGE
const HOOK: Record<Hook, number> = { prerouting: 0, input: 1, forward: 2, output: 3, postrouting: 4 }
const POLICY = { drop: 0, accept: 1 } as const
const SUBSYSTEM = 10 << 8 // NFNL_SUBSYS_NFTABLES
const NFT_MSG = {
  NEWTABLE: 0,
  GETTABLE: 1,
  DELTABLE: 2,
  NEWCHAIN: 3,
  NEWRULE: 6,
  NEWSET: 9,
  NEWSETELEM: 12,
} as const
const MAP = 8 // NFT_SET_MAP
const CHUNK = 400 // elements a message: a list is an attribute, and those end at 64 KiB

function change(
  name: `NFT_MSG_${keyof typeof NFT_MSG}`,
  { family }: Pick<Table, 'family'>,
  text: string,
  attributes: readonly Attribute[],
  flags = 0,
): Message {
  const type = SUBSYSTEM | NFT_MSG[name.slice(8) as keyof typeof NFT_MSG]
  return { name, type, flags, text, body: pack(attributes, [FAMILY[family], 0, 0, 0]), gaps: [] } // struct nfgenmsg first
}

type Name = Pick<Table, 'family' | 'name'>

/** Removes a table, and is content where there is none: it makes one first. */
export const removeTable = (table: Name): Message[] => [
  change('NFT_MSG_NEWTABLE', table, `${table.family} ${table.name}`, [[1, table.name]], NLM_F.CREATE),
  change('NFT_MSG_DELTABLE', table, `${table.family} ${table.name}`, [[1, table.name]]),
]

/** Makes a table. To be sent as one transaction (Netlink.batch), as the two others here. */
export const addTable = (table: Table): Message[] => [
  change('NFT_MSG_NEWTABLE', table, `${table.family} ${table.name}`, [[1, table.name]], NLM_F.CREATE),
  ...table.sets.flatMap((set, i) => [addSet(table, set, i + 1), ...addElements(table, set)]),
  ...table.chains.map(chain => addChain(table, chain)),
  ...table.chains.flatMap(chain => chain.rules.map(rule => addRule(table, chain, rule))),
]

/** Puts a table in place of whatever had its name. */
export const replaceTable = (table: Table): Message[] => [...removeTable(table), ...addTable(table)]

/** Asks for a table; it is not there where the answer is ENOENT. */
export const getTable = (table: Name): Message =>
  change('NFT_MSG_GETTABLE', table, `${table.family} ${table.name}`, [[1, table.name]])

function addSet(table: Table, { name, key, data }: NamedSet, id: number): Message {
  const map: Attribute[] = data
    ? [
        [3, MAP],
        [6, typeNumber(data)],
        [7, keyLength(data)],
      ]
    : []
  // The last one is for nft alone: without it, it would print a set of names upside down.
  const order: Attribute[] = key.length === 1 && key[0] === 'ifname' ? [[13, Uint8Array.of(0, 4, 1, 0, 0, 0)]] : []
  return change(
    'NFT_MSG_NEWSET',
    table,
    name,
    [[1, table.name], [2, name], ...map, [4, typeNumber(key)], [5, keyLength(key)], [10, id], ...order],
    NLM_F.CREATE,
  )
}

function addElements(table: Table, { name, key, data, elements }: NamedSet): Message[] {
  const encoded = elements.map((element): Attribute => {
    const attributes: Attribute[] = [[1, [[1, concatenate(key, element.key)]]]]
    if (data) attributes.push([2, [[1, concatenate(data, element.data!)]]])
    return [1, attributes]
  })
  return Array.from({ length: Math.ceil(encoded.length / CHUNK) }, (_, i) => {
    const some = encoded.slice(CHUNK * i, CHUNK * (i + 1))
    const text = `${name} {${some.length} elements}`
    return change(
      'NFT_MSG_NEWSETELEM',
      table,
      text,
      [
        [1, table.name],
        [2, name],
        [3, some],
      ],
      NLM_F.CREATE,
    )
  })
}

function addChain(table: Table, { name, type, hook, priority, policy }: Chain): Message {
  const place: Attribute[] = [
    [1, HOOK[hook]],
    [2, priority],
  ]
  return change(
    'NFT_MSG_NEWCHAIN',
    table,
    name,
    [
      [1, table.name],
      [3, name],
      [4, place],
      [5, POLICY[policy]],
      [7, type],
    ],
    NLM_F.CREATE,
  )
}

const ruleText = (rule: readonly Term[]): string => rule.map(({ text }) => text).join(' ')

function addRule(table: Table, { name }: Chain, rule: readonly Term[]): Message {
  return change(
    'NFT_MSG_NEWRULE',
    table,
    `${name} ${ruleText(rule)}`,
    [
      [1, table.name],
      [2, name],
      [4, { lists: rule.map(({ expressions }) => expressions) }],
    ],
    NLM_F.CREATE | NLM_F.APPEND,
  )
}

/** The table as `nft --numeric-priority list table` prints it, and as `nft -f` reads it. */
export function formatTable({ family, name, sets, chains }: Table): string {
  const block = (head: string, lines: readonly string[]) =>
    [`\t${head} {`, ...lines.map(line => `\t\t${line}`), '\t}'].join('\n')
  const blocks = [
    ...sets.map(set => block(`${set.data ? 'map' : 'set'} ${set.name}`, setLines(set))),
    ...chains.map(chain => block(`chain ${chain.name}`, chainLines(chain))),
  ]
  return `table ${family} ${name} {\n${blocks.join('\n\n')}\n}\n`
}

function setLines({ key, data, elements }: NamedSet): string[] {
  const type = `type ${key.join(' . ')}${data ? ` : ${data.join(' . ')}` : ''}`
  const one = (types: readonly DataType[], values: readonly string[]) =>
    values.map((text, i) => (types[i] === 'ifname' ? `"${text}"` : text)).join(' . ')
  const written = elements.map(element => one(key, element.key) + (data ? ` : ${one(data, element.data!)}` : ''))
  return written.length > 0 ? [type, `elements = { ${written.join(', ')} }`] : [type]
}

const chainLines = ({ type, hook, priority, policy, rules }: Chain): string[] => [
  `type ${type} hook ${hook} priority ${priority}; policy ${policy};`,
  ...rules.map(ruleText),
]
