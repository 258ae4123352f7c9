// What the checks of this lesson look at: the prepared containers, the bridge, and what has passed.
import { readFileSync } from 'node:fs'
import { CLONE } from '../../toolkit/kernel/constants.ts'
import { inNamespaces } from '../../toolkit/kernel/enter.ts'
import { readCounters } from '../../toolkit/observe/counters.ts'
import {
  type FirewallChain,
  type FirewallRule,
  readFirewall,
  type Translation,
} from '../../toolkit/observe/firewall.ts'
import { type Link, readLinks } from '../../toolkit/observe/links.ts'
import { readNeighbours } from '../../toolkit/observe/neighbours.ts'
import { defaultRoute, readRoutes } from '../../toolkit/observe/routes.ts'
import type { Scene } from '../lesson.ts'
import { sleeper } from '../network.ts'

export const NAMES = ['red', 'blue'] as const
export type Name = (typeof NAMES)[number] | 'north' | 'south' | 'outside'
const LAST = { red: 2, blue: 3 } as const

/** The process that a prepared container consists of. */
export const pidOf = (scene: Scene, name: Name): number | undefined => sleeper(scene, scene.values[name]!)?.pid

export const linksOf = (pid: number): Link[] => readLinks(pid) ?? []

export const addressOf = (scene: Scene, name: (typeof NAMES)[number]): string => `${scene.values.net}.${LAST[name]}`

/** Whether the lab passes packets on. */
export const forwards = ({ lab }: Scene): boolean =>
  inNamespaces(lab.pid, CLONE.NEWNET, () => readFileSync('/proc/sys/net/ipv4/ip_forward', 'utf8')).trim() === '1'

/** What keeps red and blue from being on the bridge; undefined where they are. */
export function unplugged(scene: Scene): string | undefined {
  const { bridge, net } = scene.values
  const lab = linksOf(scene.lab.pid)
  const sw = lab.find(({ name }) => name === bridge)
  if (!sw) {
    const other = lab.find(({ kind }) => kind === 'bridge')
    return other
      ? `there is a bridge, and it is called ${other.name}; the task asks for ${bridge}`
      : `the lab has no bridge ${bridge} yet`
  }
  if (sw.kind !== 'bridge') return `${bridge} is a ${sw.kind}, not a bridge`
  if (!sw.up) return `the bridge ${bridge} is switched off`
  for (const name of NAMES) {
    const pid = pidOf(scene, name)
    if (pid === undefined) return `the container ${name} has ended; reset the lab`
    const saw = notOnBridge(lab, sw, linksOf(pid), name, `${net}.${LAST[name]}/24`)
    if (saw !== undefined) return saw
  }
  return undefined
}

function notOnBridge(lab: Link[], sw: Link, inside: Link[], name: string, wanted: string): string | undefined {
  const end = inside.find(({ kind }) => kind === 'veth')
  if (!end) return `no cable leads to ${name}: it has only ${inside.map(link => link.name).join(', ')}`
  const port = lab.find(({ index, kind, peer }) => kind === 'veth' && index === end.peer && peer === end.index)
  if (!port) return `the cable of ${name} does not end in the lab`
  if (port.master === undefined)
    return `the cable of ${name} ends in the lab, at ${port.name}, and is not plugged into ${sw.name}`
  if (port.master !== sw.name) return `the cable of ${name} is plugged into ${port.master}, not ${sw.name}`
  if (!port.up) return `${port.name}, the port of ${name} on the bridge, is switched off`
  if (!end.up) return `${end.name} in ${name} is switched off`
  if (end.addresses.includes(wanted)) return undefined
  const has = end.addresses.filter(address => !address.includes(':')).join(', ')
  return `${end.name} in ${name} is up and has ${has || 'no address'}, not ${wanted}`
}

/** Whether one of them has had an answer from the other. */
export function haveTalked(scene: Scene): boolean {
  const pids = NAMES.map(name => pidOf(scene, name)!)
  const met = pids.some((pid, i) => {
    const other = addressOf(scene, NAMES[1 - i]!)
    return readNeighbours(pid)?.some(({ address, mac }) => address === other && mac !== undefined)
  })
  return met && pids.some(pid => (readCounters(pid)?.Icmp.InEchoReps ?? 0) > 0)
}

/** What is still missing for packets to leave the containers and to be passed on. */
export function unrouted(scene: Scene): string | undefined {
  const missing = unplugged(scene)
  if (missing !== undefined) return missing
  const { bridge, net } = scene.values
  const gateway = `${net}.1`
  const holder = linksOf(scene.lab.pid).find(({ addresses }) => addresses.some(text => text.startsWith(`${gateway}/`)))
  if (!holder) return `the lab has no address in the network of the bridge: nobody is ${gateway}`
  if (holder.name !== bridge)
    return `${gateway} is an address of ${holder.name}; it belongs to the bridge ${bridge} itself`
  if (!holder.addresses.includes(`${gateway}/24`)) return `${bridge} has ${gateway}, but not with the length /24`
  for (const name of NAMES) {
    const route = defaultRoute(readRoutes(pidOf(scene, name)!) ?? [])
    if (!route) return `${name} has no default route`
    if (route.gateway !== gateway)
      return `the default route of ${name} leads to ${route.gateway ?? route.device}; the lab is ${gateway}`
  }
  return forwards(scene) ? undefined : 'the routes are right, and the lab does not forward: ip_forward is 0'
}

/** Rules of the lab that change addresses in this way, and the chains that they are in. */
export function translations(scene: Scene, ...kinds: Translation[]): { chain: FirewallChain; rule: FirewallRule }[] {
  return (readFirewall(scene.lab.pid) ?? []).flatMap(chain =>
    chain.rules.flatMap(rule => (rule.translation && kinds.includes(rule.translation) ? [{ chain, rule }] : [])),
  )
}
