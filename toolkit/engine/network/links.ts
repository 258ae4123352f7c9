// --link: another container under a name of one's own. On the engine's own bridge, where nobody answers questions for
// names, that is a line of /etc/hosts and variables that tell of its ports, as they were when this one was started. In a
// network of users the name server does it, see dns-server.ts.
import { UsageError } from '../../kernel/usage-error.ts'
import type { RunOptions } from '../options.ts'
import { findContainer } from '../state/list.ts'
import { survives } from '../state/store.ts'
import { readLeases } from './leases.ts'
import type { NameWishes } from './names.ts'
import { bridgeNetwork } from './network.ts'

export interface Linked {
  /** Lines of /etc/hosts. */
  readonly hosts: NameWishes['hosts']
  /** NAME=value. */
  readonly env: readonly string[]
}

/** Throws a UsageError where the other container is not there, or not where this one can reach it. */
export function planLinks({ network, name = '' }: RunOptions, id: string): Linked {
  const leases = readLeases(bridgeNetwork())
  const onBridge = network.endpoints.some(({ name }) => name === undefined)
  const found = (network.links ?? []).map(({ name: word, alias }) => {
    const refuse = (why: string) => new UsageError(`run: --link ${word}: ${why}`)
    let row: ReturnType<typeof findContainer>
    try {
      row = findContainer(word)
    } catch (error) {
      throw error instanceof UsageError ? refuse(error.message) : error
    }
    const { state } = row
    if (!onBridge) return undefined
    if (!state || !survives(state)) throw refuse('it does not run')
    const lease = leases.find(({ id }) => id === state.id)
    if (!lease) throw refuse('it is not on the bridge, as this container is')
    const names = [...new Set([alias, state.id.slice(0, 12), state.name])].join(' ')
    return {
      host: { name: names, address: lease.address },
      env: variables(`/${name || id.slice(0, 12)}/${alias}`, alias, lease.address, state.options),
    }
  })
  return { hosts: found.flatMap(link => link?.host ?? []), env: found.flatMap(link => link?.env ?? []) }
}

/** docker's: DB_PORT_5432_TCP=tcp://172.17.0.2:5432 and its parts, and the variables of the other one, for an alias db. */
function variables(name: string, alias: string, address: string, options: RunOptions | undefined): string[] {
  const prefix = alias.toUpperCase().replaceAll(/[^A-Z0-9_]/g, '_')
  const published = (options?.network.publish ?? []).map(({ container, protocol }) => `${container}/${protocol}`)
  const ports = [...new Set([...(options?.network.expose ?? []), ...published])].toSorted(
    (a, b) => Number.parseInt(a, 10) - Number.parseInt(b, 10),
  )
  const url = (text: string) => text.replace(/^(\d+)\/(.*)$/, `$2://${address}:$1`)
  return [
    ...(ports[0] === undefined ? [] : [`${prefix}_PORT=${url(ports[0])}`]),
    ...ports.flatMap(text => {
      const [number, protocol = ''] = text.split('/')
      const port = `${prefix}_PORT_${number}_${protocol.toUpperCase()}`
      return [`${port}=${url(text)}`, `${port}_ADDR=${address}`, `${port}_PORT=${number}`, `${port}_PROTO=${protocol}`]
    }),
    `${prefix}_NAME=${name}`,
    ...(options?.env ?? []).map(setting => `${prefix}_ENV_${setting}`),
  ]
}
