// toolkit network: networks of containers. docker's words, output and exit codes.
import { BUILT_IN, builtInId } from '../engine/network/built-in.ts'
import type { Lease } from '../engine/network/lease.ts'
import { readLeases, readState } from '../engine/network/leases.ts'
import { bridgeNetwork } from '../engine/network/network.ts'
import { listNetworks, type NetworkView, removeNetwork } from '../engine/network/networks.ts'
import { listContainers } from '../engine/state/list.ts'
import { sweep } from '../engine/state/orphans.ts'
import { formatIpv4, parseSubnet } from '../kernel/ip.ts'
import { UsageError } from '../kernel/usage-error.ts'
import { confirm } from './confirm.ts'
import { forEach } from './each.ts'
import { hasLabel, labelField, labelText } from './flags/labels.ts'
import { connect, disconnect } from './network-connect.ts'
import { create } from './network-create.ts'
import type { Parsed } from './options.ts'
import { printDeleted, pruneFilters, pruneFlags, pruneNetworks } from './prune.ts'
import { type Family, type Filters, filterFlag, filterOf, namePattern, runFamily, truth } from './subcommands.ts'
import { print, printLines } from './text/output.ts'
import { printableJson } from './text/printable.ts'
import { formatRows, type Row } from './text/rows.ts'
import { NO_TEMPLATE } from './text/template/template.ts'

type Flags = Parsed['flags']

export const family: Family = {
  name: 'network',
  summary: 'Networks: containers of one reach each other, and none of another.',
  commands: {
    create,
    connect,
    disconnect,
    ls: {
      usage: 'network ls [OPTIONS]',
      summary: 'List networks.',
      words: [0, 0],
      flags: {
        quiet: { short: 'q', help: 'ids only' },
        'no-trunc': { help: 'ids in full' },
        filter: {
          ...filterFlag('name=, id=, label=, driver=, type=custom|builtin, dangling=true (in use by none)'),
          short: 'f',
        },
        format: { value: 'TEMPLATE', blank: true, help: '`json`, or such as {{.Name}} {{.Driver}}' },
        json: { help: 'as JSON' },
      },
      run: list,
    },
    inspect: {
      usage: 'network inspect [OPTIONS] NETWORK…',
      summary: 'Show all about networks and who is in them, as JSON.',
      words: [1, Number.POSITIVE_INFINITY],
      flags: {
        verbose: { short: 'v', help: 'for docker’s sake: there are no services to show' },
        json: { help: 'as JSON, which it is without this, too' },
        format: { short: 'f', value: 'TEMPLATE', blank: true, help: 'such as {{json .Containers}}' },
      },
      run: inspect,
    },
    rm: {
      usage: 'network rm [OPTIONS] NETWORK…',
      summary: 'Remove networks that nobody is in.',
      words: [1, Number.POSITIVE_INFINITY],
      flags: { force: { short: 'f', help: 'that there is no such network is as good' } },
      run: remove,
    },
    prune: {
      usage: 'network prune [OPTIONS]',
      summary: 'Remove all networks that nobody is in.',
      words: [0, 0],
      flags: pruneFlags,
      run: prune,
    },
  },
  aliases: { list: 'ls', remove: 'rm' },
}

export const main = (argv: string[]): Promise<number> => runFamily(family, argv)

/** A network as it is shown: those of users, and the three that are always there. */
interface Shown extends NetworkView {
  readonly id: string
  readonly driver: string
  readonly builtIn: boolean
}

function networks(): Shown[] {
  const builtIn = BUILT_IN.map(name => ({
    name,
    id: builtInId(name),
    driver: name === 'none' ? 'null' : name,
    builtIn: true,
    state: undefined,
    leases: name === 'bridge' ? readLeases(bridgeNetwork()) : [],
  }))
  const made = listNetworks().map(view => ({
    ...view,
    id: view.state?.id ?? '?',
    driver: view.state?.driver ?? 'bridge',
    builtIn: false,
  }))
  return [...builtIn, ...made].toSorted((a, b) => (a.name < b.name ? -1 : 1))
}

const filters: Filters<Shown> = {
  name: ({ name }, value) => namePattern('network ls', value).test(name),
  id: ({ id }, value) => id.startsWith(value),
  label: ({ state }, value) => hasLabel(state?.labels, value),
  driver: ({ driver }, value) => driver === value,
  type: ({ builtIn }, value) => (builtIn ? 'builtin' : 'custom') === value,
  dangling: ({ builtIn, leases }, value) => (!builtIn && leases.length === 0) === truth('--filter dangling', value),
  scope: (_, value) => value === 'local',
}

function list(_: readonly string[], { json, quiet, filter, format: wanted, 'no-trunc': full }: Flags): number {
  const template =
    (wanted as string | undefined) ?? (quiet ? '{{.ID}}' : 'table {{.ID}}\t{{.Name}}\t{{.Driver}}\t{{.Scope}}')
  const rows = networks()
    .filter(filterOf(filter, filters))
    .map(({ id, name, driver, state }) => ({
      ID: full ? id : id.slice(0, 12),
      Name: name,
      Driver: driver,
      Scope: 'local',
      CreatedAt: state?.created ?? '',
      IPv4: true,
      IPv6: false,
      Internal: state?.internal ?? false,
      Labels: labelText(state?.labels ?? {}),
      Label: labelField(state?.labels),
    }))
  if (json) print(printableJson(rows))
  else printLines(formatRows(template, rows, { ID: 'NETWORK ID' }))
  return 0
}

/** By name, id or the beginning of one. Throws a UsageError (exit code 1). */
function find(word: string): Shown {
  const all = networks()
  const named = all.find(({ name }) => name === word)
  const found = named ? [named] : all.filter(({ id }) => word !== '' && id.startsWith(word))
  if (found.length > 1)
    throw new UsageError(`${JSON.stringify(word)} is the beginning of ${found.length} ids; give more of it`, 1)
  if (!found[0]) throw new UsageError(`no network ${JSON.stringify(word)}; 'toolkit network ls' lists them`, 1)
  if (!found[0].builtIn && !found[0].state)
    throw new UsageError(`network ${found[0].name}: its definition.json cannot be read`, 1)
  return found[0]
}

/** A network in docker's words. */
export function details(word: string): Row {
  const { name, id, driver, state, leases } = find(word)
  const names = new Map(listContainers().map(row => [row.state?.id, row.state?.name]))
  const containers = leases.map(lease => [lease.id, endpoint(lease, names.get(lease.id))])
  return {
    Name: name,
    Id: id,
    Created: state?.created ?? '',
    Scope: 'local',
    Driver: driver,
    EnableIPv4: true,
    EnableIPv6: false,
    IPAM: { Driver: 'default', Options: {}, Config: addresses(name, state) },
    Internal: state?.internal ?? false,
    Attachable: state?.attachable ?? false,
    Ingress: false,
    ConfigFrom: { Network: '' },
    ConfigOnly: false,
    Containers: Object.fromEntries(containers),
    Options: state?.options ?? {},
    Labels: state?.labels ?? {},
  }
}

function addresses(name: string, state: NetworkView['state']): Row[] {
  if (state) {
    const { subnet, gateway, range, auxiliary } = state
    const more = { ...(range && { IPRange: range }), ...(auxiliary && { AuxiliaryAddresses: auxiliary }) }
    return [{ Subnet: subnet, Gateway: gateway, ...more }]
  }
  const subnet = name === 'bridge' ? readState(bridgeNetwork())?.subnet : undefined
  return subnet ? [{ Subnet: subnet, Gateway: formatIpv4(parseSubnet(subnet)!.first + 1) }] : []
}

const endpoint = ({ address, subnet, mac, link, names }: Lease, name: string | undefined): Row => ({
  Name: name ?? names?.[0] ?? '',
  EndpointID: link,
  MacAddress: mac,
  IPv4Address: `${address}/${subnet.split('/')[1]}`,
  IPv6Address: '',
})

async function inspect(words: readonly string[], { format: template }: Flags): Promise<number> {
  const found: Row[] = []
  const status = await forEach(words, word => found.push(details(word)), { say: () => undefined })
  if (template === undefined) print(printableJson(found, 4))
  else printLines(formatRows(template as string, found, {}, NO_TEMPLATE))
  return status
}

async function remove(words: readonly string[], { force }: Flags): Promise<number> {
  await sweep() // containers whose engine was killed hold nothing any more
  const gone = (word: string) => {
    const all = networks()
    if (all.some(({ name, builtIn }) => builtIn && name === word))
      throw new UsageError(`network ${word} is always there, and cannot be removed`, 1)
    if (force && !all.some(({ name, id }) => name === word || id.startsWith(word))) return false
    removeNetwork(word)
    return true
  }
  return forEach(words, gone, { say: (word, isGone) => (isGone ? word : undefined) })
}

async function prune(_: readonly string[], { force, filter }: Flags): Promise<number> {
  const wanted = filterOf(filter, pruneFilters)
  if (!force) confirm('This will remove all networks that no container is in.', 'network prune')
  await sweep()
  printDeleted('Networks', pruneNetworks(wanted))
  return 0
}
