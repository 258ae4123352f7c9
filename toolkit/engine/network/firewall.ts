// The engine's firewall, whole: two tables made from the networks and the containers in them, and from nothing else. So
// every change makes all of it anew, in one transaction, and repairs whatever anybody has done to it meanwhile.
import {
  accept,
  drop,
  established,
  fields,
  inSet,
  is,
  masquerade,
  redirect,
  redirected,
  type Term,
  toThisMachine,
} from '../../kernel/nftables.ts'
import type { Chain, NamedSet, Table } from '../../primitives/nftables.ts'
import type { Port } from './ports.ts'

/** What the firewall must know of a container. */
export interface Member {
  /** IPv4. */
  readonly address: string
  readonly mac: string
  /** The host's end of its cable. */
  readonly link: string
  readonly ports: readonly Port[]
}

/** A network, as far as the firewall is concerned: a bridge and who is plugged into it. */
export interface Segment {
  readonly bridge: string
  /** address/prefix of the network. */
  readonly subnet: string
  /** Nothing goes out of it, nothing comes in. */
  readonly internal: boolean
  readonly members: readonly Member[]
  /** A link that leads to the same network on another host, which has a gateway of this MAC address, too. */
  readonly tunnel?: { readonly link: string; readonly mac: string }
}

export interface FirewallOptions {
  /** The name of the tables. */
  readonly name: string
  /** The host forwarded nothing before we came: then it shall forward nothing but for our containers. */
  readonly alone: boolean
}

const { bridged, destinationPort, iifkind, iifname, ipDestination, ipSource, oifkind, oifname, protocol } = fields
const LOOPBACK = '127.0.0.0/8'

/** `segments`: all networks of the engine that have a container in them. */
export function firewall(options: FirewallOptions, segments: readonly Segment[]): Table[] {
  const members = segments.flatMap(({ members }) => members)
  return [routing(options, segments.map(wired), members), switching(options, segments, members)]
}

/** Terms that come in many rules are made once, and so encoded once. */
const wired = (segment: Segment) => ({
  ...segment,
  from: is(iifname, segment.bridge),
  notFrom: is(iifname, segment.bridge, { not: true }),
  into: is(oifname, segment.bridge),
  notInto: is(oifname, segment.bridge, { not: true }),
  isSource: is(ipSource, segment.subnet),
})
type Wired = ReturnType<typeof wired>

/** What is routed: published ports, the way out, and nothing else in; from one network to another no more than that. */
function routing({ name, alone }: FirewallOptions, segments: readonly Wired[], members: readonly Member[]): Table {
  const open = segments.filter(({ internal }) => !internal)
  const publish = [
    [toThisMachine, redirect([ipDestination, protocol, destinationPort], 'published_on')],
    [toThisMachine, redirect([protocol, destinationPort], 'published')],
  ]
  const chains: Chain[] = [
    {
      // Before anything is redirected. A neighbour may know the network and send straight to a container, or send to
      // 127.0.0.1 at the host's MAC address, where a port may be published that is meant for the host alone.
      ...{ name: 'guard', type: 'filter', hook: 'prerouting', priority: -300, policy: 'accept' },
      rules: [
        [is(iifname, 'lo', { not: true }), is(ipDestination, LOOPBACK), drop],
        ...segments.map(({ notFrom, subnet }) => [notFrom, is(ipDestination, subnet), drop]),
      ],
    },
    { ...{ name: 'published_in', type: 'nat', hook: 'prerouting', priority: -100, policy: 'accept' }, rules: publish },
    { ...{ name: 'published_here', type: 'nat', hook: 'output', priority: -100, policy: 'accept' }, rules: publish },
    {
      ...{ name: 'forward', type: 'filter', hook: 'forward', priority: 0, policy: alone ? 'drop' : 'accept' },
      rules: [
        // From one container of a network to another: such frames pass here where the host has br_netfilter.
        ...segments.map(({ from, into }) => [from, into, accept]),
        ...segments.flatMap(({ internal, from }) => (internal ? [[from, drop]] : [])),
        ...segments.flatMap(({ internal, into }) => [
          ...(internal
            ? []
            : [
                [into, established, accept],
                [into, redirected, accept], // a published port
              ]),
          [into, drop],
        ]),
        ...open.map(({ from }) => [from, accept]), // out
        // A bridge between other links is none of our business, though its frames may pass here (br_netfilter).
        ...(alone ? [[is(iifkind, 'bridge'), is(oifkind, 'bridge'), accept]] : []),
      ],
    },
    {
      ...{ name: 'leaving', type: 'nat', hook: 'postrouting', priority: 100, policy: 'accept' },
      rules: open.flatMap(({ isSource, into, notInto }) => [
        [isSource, notInto, masquerade], // the world does not know this network
        // One container reaches another by a published port: without this the answer would go straight back to it, from
        // an address that it has not asked. The same for the host itself by 127.0.0.1, which is nobody's else.
        [isSource, into, redirected, masquerade],
        [is(ipSource, LOOPBACK), into, masquerade],
      ]),
    },
  ]
  return { family: 'ip', name, sets: portMaps(members), chains }
}

/** A port that two seem to have is the later one's: whoever was there before has let go of it, or it could not have it. */
function portMaps(members: readonly Member[]): NamedSet[] {
  const all = members.flatMap(({ address, ports }) => ports.map(port => ({ ...port, to: address })))
  const map = (name: string, anywhere: boolean): NamedSet => {
    const elements = all
      .filter(({ address }) => (address === '0.0.0.0') === anywhere)
      .map(({ address, protocol, host, container, to }) => ({
        key: [...(anywhere ? [] : [address]), protocol, String(host)],
        data: [to, String(container)],
      }))
    return {
      name,
      key: anywhere ? ['inet_proto', 'inet_service'] : ['ipv4_addr', 'inet_proto', 'inet_service'],
      data: ['ipv4_addr', 'inet_service'],
      elements: [...new Map(elements.map(element => [element.key.join(' '), element])).values()],
    }
  }
  return [map('published_on', false), map('published', true)]
}

/** What a container may say on the wire: its own addresses, IPv4 and ARP. No IPv6 (router advertisements), no DHCP server. */
function switching({ name }: FirewallOptions, segments: readonly Segment[], members: readonly Member[]): Table {
  const rules: Term[][] = [
    // Each host is the gateway of its own containers: what another one says as theirs is not heard.
    ...segments.flatMap(({ tunnel }) =>
      tunnel ? [[is(iifname, tunnel.link), is(bridged.etherSource, tunnel.mac), drop]] : [],
    ),
    [inSet([iifname], 'links', { not: true }), accept],
    [is(bridged.udpSource, '67'), drop],
    [inSet([iifname, bridged.etherSource, bridged.ipSource], 'members'), accept],
    [inSet([iifname, bridged.arpEther, bridged.arpIp], 'members'), accept],
    [inSet([iifname], 'links'), drop],
  ]
  return {
    family: 'bridge',
    name,
    sets: [
      { name: 'links', key: ['ifname'], elements: members.map(({ link }) => ({ key: [link] })) },
      {
        name: 'members',
        key: ['ifname', 'ether_addr', 'ipv4_addr'],
        elements: members.map(({ link, mac, address }) => ({ key: [link, mac, address] })),
      },
    ],
    chains: [{ name: 'guard', type: 'filter', hook: 'prerouting', priority: -300, policy: 'accept', rules }],
  }
}
