// Requests to the network stack as actions of the engine.
import type { Action, Context } from './action.ts'
import { NETLINK } from './constants.ts'
import { Netlink, openNetlink } from './netlink.ts'
import { formatMessage, type ToldMessage } from './netlink-message.ts'

/** In whose network namespace: the engine's, or that of the new process. */
export type Where = 'outside' | 'inside'

const process = (context: Context) => {
  if (!context.process) throw new Error('no process yet')
  return context.process
}

/**
 * The socket for actions of one context, opened when first asked for and left among the context's descriptors, which
 * whoever made the context closes. Throws as openNetlink does.
 */
export function netlinkOf(
  context: Context,
  where: Where,
  protocol: (typeof NETLINK)['ROUTE' | 'NETFILTER'] = NETLINK.ROUTE,
): Netlink {
  const name = `${protocol === NETLINK.ROUTE ? 'rtnetlink' : 'nfnetlink'} ${where}`
  const known = context.descriptors.get(name)
  if (known !== undefined) return new Netlink(known)
  const netlink = openNetlink(protocol, where === 'inside' ? { pid: process(context).pid } : undefined)
  context.descriptors.set(name, netlink.descriptor)
  return netlink
}

/**
 * A request as an action: done in the engine's network namespace, or in that of the new process. `make` makes it, where
 * that takes more than the request.
 */
export function messageAction(asked: ToldMessage, where: Where = 'outside', make = request(asked, where)): Action {
  const { why, lesson, shell } = asked
  return {
    get text() {
      return where === 'inside' ? `${formatMessage(asked)} in its namespace` : formatMessage(asked)
    },
    why,
    lesson,
    shell,
    apply: make,
  }
}

const request =
  (asked: ToldMessage, where: Where): Action['apply'] =>
  context =>
    void netlinkOf(context, where).request(asked, context)
