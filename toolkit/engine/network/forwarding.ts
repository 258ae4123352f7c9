// What the host does for its networks as a router: it passes packets on, and remembers that it did not before.
import { readFileSync, writeFileSync } from 'node:fs'
import { type Action, type Context, writeAction } from '../../kernel/action.ts'
import { bootId } from '../state/store.ts'
import type { Network } from './lease.ts'
import { exclusively, readHost, writeHost } from './leases.ts'

const IP_FORWARD = '/proc/sys/net/ipv4/ip_forward'

/** Lets 127.0.0.1 of the host lead to a published port: such packets are redirected, and leave through the bridge. */
export function localAction({ bridge }: Network): Action {
  const path = `/proc/sys/net/ipv4/conf/${bridge}/route_localnet`
  return writeAction(path, '1', {
    why: 'a published port is to answer on 127.0.0.1, too, and such packets may not leave the machine otherwise',
    lesson: '15-bridge',
    shell: `sysctl -w net.ipv4.conf.${bridge}.route_localnet=1`,
  })
}

/** Makes the host pass packets on, and remembers that it did not before. */
export function forwardAction(network: Network): Action {
  const write = writeAction(IP_FORWARD, '1', {
    why: 'a host that is no router drops what is not for itself; switched off again with the last container',
    lesson: '15-bridge',
    shell: 'sysctl -w net.ipv4.ip_forward=1',
  })
  const switchOn = (context: Context) => {
    if (forwards()) return
    writeHost(network, { forwarding: bootId() }) // first: so that it is undone after a crash
    write.apply(context)
  }
  return { ...write, apply: context => exclusively(network, () => switchOn(context)) }
}

export const forwards = (): boolean => readFileSync(IP_FORWARD, 'utf8').trim() !== '0'

/** Switches forwarding off again, if it was us who switched it on. To be called `exclusively`. */
export function restoreForwarding(network: Network): void {
  const { forwarding } = readHost(network)
  if (forwarding === undefined) return
  if (forwarding === bootId()) writeFileSync(IP_FORWARD, '0')
  writeHost(network, {})
}
