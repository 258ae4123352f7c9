// toolkit network create.

import { DRIVERS, type DriverName } from '../engine/network/driver.ts'
import { createNetwork } from '../engine/network/networks.ts'
import { pairsOf } from '../engine/pairs.ts'
import { newId } from '../engine/state/store.ts'
import { UsageError } from '../kernel/usage-error.ts'
import { type Absent, absentFlags, refuseAbsent } from './flags/absent.ts'
import { labelFlag, labelsOf } from './flags/labels.ts'
import type { Subcommand } from './subcommands.ts'
import { print } from './text/output.ts'

const absent: Absent = {
  ingress: { why: 'there is no swarm' },
  ipv6: { why: 'networks have IPv4 only here' },
  'config-only': { why: 'a network is more than its configuration here' },
  'config-from': { value: 'NETWORK', why: 'no network is the configuration of others here; give the same flags' },
}

/** docker's flags that have one value here. */
const ONLY: Readonly<Record<string, string>> = { scope: 'local', 'ipam-driver': 'default' }

export const create: Subcommand = {
  usage: 'network create [OPTIONS] NAME',
  summary: 'Make a network, and print its id.',
  words: [1, 1],
  flags: {
    driver: {
      short: 'd',
      value: 'DRIVER',
      help: 'bridge; macvlan: links on the wire of -o parent=LINK; vxlan: a bridge that goes on on another host, -o id=NUMBER -o remote=IP (default: bridge)',
    },
    opt: {
      short: 'o',
      value: 'KEY=VALUE',
      many: true,
      help: 'mtu, com.docker.network.bridge.name; parent, macvlan_mode; id, remote, group, local, port',
    },
    subnet: { value: 'RANGE', many: true, help: 'its addresses, such as 10.5.0.0/24 (default: a range that is free)' },
    gateway: { value: 'IP', help: 'the host’s own address in it (default: the first); of macvlan: the router’s' },
    'ip-range': { value: 'RANGE', help: 'the part of it from which containers get addresses' },
    'aux-address': { value: 'NAME=IP', many: true, help: 'an address that no container gets' },
    internal: { help: 'nothing leads out of it, nothing in' },
    label: labelFlag,
    attachable: { help: 'for docker’s sake: one can come to every network, see network connect' },
    scope: { value: 'local', blank: true, help: 'for docker’s sake: networks are this host’s' },
    'ipam-driver': { value: 'default', blank: true, help: 'for docker’s sake: we give addresses ourselves' },
    'ipam-opt': { value: 'KEY=VALUE', many: true, help: 'for docker’s sake: the default driver has none' },
    ...absentFlags(absent),
  },
  run([name], flags) {
    const one = (flag: string) => flags[flag] as string | undefined
    refuseAbsent('network create', flags, absent)
    for (const [flag, value] of Object.entries(ONLY))
      if ((flags[flag] ?? value) !== value)
        throw new UsageError(`network create: --${flag} ${JSON.stringify(flags[flag])}: there is only ${value}`, 1)
    const { driver = 'bridge' } = flags
    if (!DRIVERS.includes(driver as DriverName))
      throw new UsageError(`network create: --driver ${driver}: there are ${DRIVERS.join(', ')}`, 1)
    const [subnet, other] = (flags.subnet ?? []) as readonly string[]
    if (other !== undefined)
      throw new UsageError(`network create: --subnet ${other}: a network has one range of addresses; give one`, 1)
    const { id } = createNetwork({
      ...{ id: newId(), name: name!, driver: driver as DriverName, internal: flags.internal === true },
      attachable: flags.attachable === true,
      ...{ subnet, gateway: one('gateway'), range: one('ip-range'), labels: labelsOf(flags.label) },
      ...{ options: pairs('opt', flags.opt), auxiliary: pairs('aux-address', flags['aux-address']) },
    })
    print(id)
    return 0
  },
}

function pairs(flag: string, given: unknown): Record<string, string> {
  const texts = (given ?? []) as readonly string[]
  const bad = texts.find(text => text.indexOf('=') < 1)
  if (bad !== undefined) throw new UsageError(`network create: --${flag} ${JSON.stringify(bad)}: give KEY=VALUE`, 1)
  return pairsOf(texts)
}
