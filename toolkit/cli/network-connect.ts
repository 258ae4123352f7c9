// toolkit network connect, toolkit network disconnect.
import { putAway } from '../engine/life/lifecycle.ts'
import type { Tell } from '../engine/network/connect.ts'
import { narrator } from './explain.ts'
import { type Absent, absentFlags, refuseAbsent } from './flags/absent.ts'
import { endpoint, linkOf } from './flags/network.ts'
import type { Parsed } from './options.ts'
import type { Subcommand } from './subcommands.ts'

const explain = { help: 'print every step before it is made, and why' }

const tellOf = (flags: Parsed['flags']): Tell => (flags.explain ? narrator() : () => {})
/** The engine's own network has a name for users only. */
const named = (word: string): string | undefined => (word === 'bridge' || word === 'default' ? undefined : word)

const absent: Absent = {
  ip6: { value: 'IP', why: 'networks have IPv4 only here' },
  'link-local-ip': { value: 'IP', many: true, why: 'a container has one address in a network here, that of --ip' },
  'driver-opt': { value: 'KEY=VALUE', many: true, why: 'no driver here has options for a single container' },
}

export const connect: Subcommand = {
  usage: 'network connect [OPTIONS] NETWORK CONTAINER',
  summary: 'Put a container into one more network, while it runs or for its next start.',
  words: [2, 2],
  flags: {
    ip: { value: 'IP', help: 'its address there (default: the lowest that is free)' },
    alias: { value: 'NAME', many: true, help: 'another name for it, for others in this network' },
    link: {
      value: 'CONTAINER[:ALIAS]',
      many: true,
      help: 'another container there under a name that this one gives it',
    },
    explain,
    ...absentFlags(absent),
  },
  async run([network, container], flags) {
    refuseAbsent('network connect', flags, absent)
    const many = (flag: string) => (flags[flag] ?? []) as readonly string[]
    const wish = endpoint({ name: named(network!), ip: flags.ip as string | undefined, aliases: many('alias') })
    const engine = await import('../engine/network/connect.ts')
    await putAway(container!)
    engine.connect(wish.name, container!, { ...wish, links: many('link').map(linkOf) }, tellOf(flags))
    return 0
  },
}

export const disconnect: Subcommand = {
  usage: 'network disconnect [OPTIONS] NETWORK CONTAINER',
  summary: 'Take a container out of a network.',
  words: [2, 2],
  flags: { force: { short: 'f', help: 'also out of one that is gone, or cannot be read' }, explain },
  async run([network, container], flags) {
    const engine = await import('../engine/network/connect.ts')
    await putAway(container!)
    engine.disconnect(named(network!), container!, { force: flags.force === true }, tellOf(flags))
    return 0
  },
}
