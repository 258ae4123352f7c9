// network connect, network disconnect: a container gets one more network, or loses one, while it runs or before it is
// started again. While it runs that is a cable more in its network namespace, an address, names; what the container shall
// have at its next start is in networks.json (endpoints.ts).
//
// One command at a time changes the networks of a container: it holds networks.lock in its directory, and of one that
// does not run the lock that whoever starts it needs.
import { closeSync } from 'node:fs'
import type { Action, Context } from '../../kernel/action.ts'
import { NETLINK } from '../../kernel/constants.ts'
import { withNetlink } from '../../kernel/netlink.ts'
import { messageAction, netlinkOf } from '../../kernel/netlink-action.ts'
import { UsageError } from '../../kernel/usage-error.ts'
import { linkDelete } from '../../primitives/link.ts'
import { route } from '../../primitives/route.ts'
import { hostnameIn, hostsAction, resolverAction } from '../etc-changes.ts'
import { failpoint } from '../failpoint.ts'
import { holdProcess } from '../life/lifecycle.ts'
import type { RunOptions } from '../options.ts'
import { lock } from '../state/files.ts'
import { type ContainerRow, findContainer, placeOf } from '../state/list.ts'
import type { ContainerState } from '../state/store.ts'
import { hasNames, nameAction } from './dns-service.ts'
import { type Endpoint, readEndpoints, writeEndpoints } from './endpoints.ts'
import { deviceOf, isNamed, isWayOut, type Lease, type Network, nameOf, networkOf, rootOf } from './lease.ts'
import { exclusively, readAllLeases, readLeases } from './leases.ts'
import { fullName, ownLine, ownNames } from './names.ts'
import { bridgeNetwork, joinNetwork, recordMember } from './network.ts'
import { leaseWish, MOST_LINKS, networkNamed, placeIn } from './networks.ts'
import { findNetwork } from './store.ts'
import { tidyLater } from './tidy.ts'
import { handOver, withoutLeases } from './unwiring.ts'
import { wire } from './wiring.ts'

/** Is told of each step before it is done. */
export type Tell = (action: Action) => void

interface Subject {
  readonly state: ContainerState
  readonly options: RunOptions
  readonly directory: string
  /** Its first process, where it runs. */
  readonly process: { readonly pid: number; readonly pidfd: number } | undefined
  readonly endpoints: readonly Endpoint[]
}

/** Calls `action` while nobody else changes this container's networks. Throws UsageErrors with exit code 1. */
function change(word: string, action: (subject: Subject) => void): void {
  const row = findContainer(word)
  const { state } = row
  if (!state?.options) throw new UsageError(`container ${word}: ${row.problem ?? 'it is of an older toolkit'}`, 1)
  const { mode, container } = state.options.network
  if (mode !== 'bridge')
    throw new UsageError(
      `container ${word} has ${container === undefined ? `--network ${mode}` : `the network of ${container}`}, and can be in no other network`,
      1,
    )
  const held: number[] = []
  const pidfd = holdProcess(state)
  try {
    const directory = lockAll(row, pidfd !== undefined, held)
    const endpoints = readEndpoints(directory) ?? state.options.network.endpoints
    const process = pidfd === undefined ? undefined : { pid: state.pid!, pidfd }
    action({ state, options: state.options, directory, process, endpoints })
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    throw new UsageError(error.message.replace(/^run: /, ''), 1)
  } finally {
    for (const fd of [...held, ...(pidfd === undefined ? [] : [pidfd])]) closeSync(fd)
  }
}

/** Takes the locks. Returns the container's directory. */
function lockAll(row: ContainerRow, runs: boolean, held: number[]): string {
  const directory = placeOf(row)
  held.push(lock(`${directory}/networks.lock`, { wait: true })!)
  if (runs) return directory
  const start = lock(`${directory}/lock`, { wait: false })
  if (start === undefined || placeOf(row) !== directory)
    throw new UsageError(`container ${row.id}: another command is at it; try again`, 1)
  held.push(start)
  return directory
}

/** The names of networks that an endpoint means: a network can be called by its id, too. */
function isOf({ name }: Endpoint, network: Network): boolean {
  if (name === undefined || nameOf(network) === 'bridge') return name === undefined && nameOf(network) === 'bridge'
  try {
    return findNetwork(rootOf(network), name).name === nameOf(network)
  } catch {
    return false // it has been removed meanwhile
  }
}

/** Puts a container into one more network. Throws UsageError (exit code 1), KernelError. */
export function connect(networkName: string | undefined, word: string, wish: Omit<Endpoint, 'name'>, tell: Tell): void {
  const endpoint: Endpoint = { ...wish, name: networkName }
  const base = bridgeNetwork()
  change(word, ({ state, options, directory, process, endpoints }) => {
    const network = placeIn(endpoint, base)
    if (endpoints.some(one => isOf(one, network)))
      throw new UsageError(`container ${word} is in network ${nameOf(network)} already`, 1)
    if (endpoints.length >= MOST_LINKS)
      throw new UsageError(`container ${word} is in ${MOST_LINKS} networks already; there is no room for more`, 1)
    if (process) {
      plugIn({ state, options, directory, process, endpoints }, endpoint, network, tell)
      recordMember(network, 'connect', state.id)
    }
    try {
      writeEndpoints(directory, [
        ...endpoints,
        { ...endpoint, name: nameOf(network) === 'bridge' ? undefined : nameOf(network) },
      ])
    } catch (error) {
      if (process) unplug(state.id, network, { descriptors: new Map(), process }, () => {})
      throw error
    }
  })
}

function plugIn(
  { state, options, directory, process }: Subject & { process: object },
  endpoint: Endpoint,
  network: Network,
  tell: Tell,
): void {
  const { id, name } = state
  const mine = () => readAllLeases(network).filter(lease => lease.id === id)
  const isWay = !network.internal && !mine().some(isWayOut)
  const used = new Set(mine().map(deviceOf))
  const place = Array.from({ length: MOST_LINKS }, (_, i) => i).find(i => !used.has(`eth${i}`))!
  const stillRuns = () => {
    const pidfd = holdProcess(state)
    if (pidfd === undefined) throw new UsageError(`container ${name} has just ended`, 1)
    closeSync(pidfd)
  }
  const wish = leaseWish(
    { ...options.network, publish: [] },
    { endpoint, network, isWay },
    { id, names: ownNames(name, options), place },
  )
  const { lease } = joinNetwork(wish, network, stillRuns)
  const context = { descriptors: new Map<string, number>(), process }
  const ownName = fullName(hostnameIn(directory, id), options.domainname)
  const needsNames = isNamed(lease) && !hasNames(id, network)
  const actions = [
    ...wire(lease, networkOf(lease, network)),
    ...(needsNames ? [nameAction(lease, network), resolverAction(directory, options)] : []),
    hostsAction(directory, lease, lines => [...lines, ownLine(lease.address, ownName)]),
  ]
  try {
    for (const [i, action] of actions.entries()) {
      tell(action)
      action.apply(context)
      failpoint(`connected ${i + 1}`)
    }
  } catch (error) {
    unplug(id, network, context, () => {})
    throw error
  } finally {
    for (const fd of context.descriptors.values()) closeSync(fd)
  }
}

/** Takes a container out of a network. Throws UsageError (exit code 1): it is not in it; KernelError. */
export function disconnect(
  networkName: string | undefined,
  word: string,
  { force }: { force: boolean },
  tell: Tell,
): void {
  const base = bridgeNetwork()
  change(word, ({ state, directory, process, endpoints }) => {
    const network = force ? evenIfRemoved(networkName, base) : networkNamed(networkName, base)
    const rest = endpoints.filter(one => !isOf(one, network) && !(force && one.name === networkName))
    const leased = readLeases(network).some(({ id }) => id === state.id)
    if (rest.length === endpoints.length && !leased)
      throw new UsageError(`container ${word} is not in network ${nameOf(network)}`, 1)
    writeEndpoints(directory, rest)
    const context = { descriptors: new Map<string, number>(), ...(process && { process }) }
    try {
      if (leased) {
        unplug(state.id, network, context, tell, directory)
        recordMember(network, 'disconnect', state.id)
      }
    } finally {
      for (const fd of context.descriptors.values()) closeSync(fd)
    }
  })
}

/** A network that is gone, or cannot be read: what is left of it is a directory with leases, or nothing. */
function evenIfRemoved(name: string | undefined, base: Network): Network {
  try {
    return networkNamed(name, base)
  } catch (error) {
    if (!(error instanceof UsageError) || !/^[\w.-]+$/.test(name!) || name!.startsWith('.')) throw error
    const directory = `${rootOf(base)}/${name}`
    const [lease] = readLeases({ directory })
    return { ...base, directory, bridge: lease?.bridge ?? base.bridge, ...(lease?.driver && { driver: lease.driver }) }
  }
}

/** Takes the cable out, and all that is written down for it. */
function unplug(id: string, network: Network, context: Context, tell: Tell, directory?: string): void {
  const lease = readLeases(network).find(lease => lease.id === id)
  if (!lease) return
  const there = lease.driver?.kind === 'macvlan'
  const actions = [
    ...(there && !context.process
      ? []
      : [messageAction(linkDelete(there ? deviceOf(lease) : lease.link), there ? 'inside' : 'outside')]),
    forgetAction(lease, network),
    ...(directory === undefined
      ? []
      : [hostsAction(directory, lease, lines => lines.filter(line => line.split(/\s/)[0] !== lease.address))]),
  ]
  for (const action of actions) {
    tell(action)
    action.apply(context)
  }
  const heir = isWayOut(lease) && context.process && handOver(lease, network)
  if (!heir) return
  const way = messageAction(route({ gateway: heir.gateway }), 'inside')
  tell(way)
  way.apply(context)
}

/** Its address is free, and nothing leads to it any more; with the last one in the network the bridge goes. */
function forgetAction(lease: Lease, network: Network): Action {
  const forget = (context: Context) => {
    const firewall = netlinkOf(context, 'outside', NETLINK.NETFILTER)
    exclusively(network, () => withoutLeases([lease], network, firewall))
    if (readLeases(network).length === 0)
      withNetlink(NETLINK.NETFILTER, firewall => tidyLater(networkOf(lease, network), firewall))
  }
  return {
    text: `unlink("${network.directory}/leases/${lease.address}"); nfnetlink: the firewall without it`,
    why: 'its address can be given to another, and no rule may let through what is meant for this one',
    lesson: '15-bridge',
    shell: '',
    apply: forget,
  }
}
