// A request that the kernel's network stack refused, said as that of a system call is (error.ts).
import { findNetlinkCause } from './causes/netlink.ts'
import { KernelError } from './error.ts'
import { formatMessage, type Message } from './netlink-message.ts'

/** Where the message stood in a transaction: the third (from 1) of 7. */
export interface Position {
  readonly position: number
  readonly of: number
}

export class NetlinkError extends KernelError {
  readonly request: Message
  /** In a transaction: which of its messages was refused, from 1; undefined where the kernel refused it as a whole. */
  readonly position: number | undefined

  /** `said`: the kernel's own words (NLMSGERR_ATTR_MSG), where it had some. */
  constructor(request: Message, errno: number, said?: string, where?: Position) {
    const text = formatMessage(request)
    const asked = where ? `${text} (message ${where.position} of ${where.of})` : text
    const sent = { bytes: request.body, text }
    super('sendto', [sent], errno, undefined, { text: asked, found: findNetlinkCause(request, errno), said })
    this.request = request
    this.position = where?.position
  }
}
