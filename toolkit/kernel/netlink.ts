// Talks with the kernel's network stack: rtnetlink (links, addresses, routes) and nfnetlink (firewall). netlink(7),
// rtnetlink(7). A request is one datagram, and the kernel has done it when sendto returns; its answer waits in the socket.
import { closeSync } from 'node:fs'
import type { Context } from './action.ts'
import { attempt, invoke } from './call.ts'
import { AF, CLONE, MSG, NETLINK, NLM_F, SO, SOCK, SOL } from './constants.ts'
import { inNamespaces, inNetwork } from './enter.ts'
import { ERRNO } from './errno.ts'
import { NetlinkError } from './netlink-error.ts'
import {
  align,
  attributes,
  be16,
  decode,
  encode,
  type Later,
  type Message,
  type Reply,
  textOf,
  u32,
} from './netlink-message.ts'
import { getLink, indexOf } from './rtnetlink.ts'

const TIMEOUT = 5 // seconds: the kernel answers at once, but a change may wait for another one's lock
const TRIES = 10 // of a list that keeps changing while it is read
const SMALL = 32_768 // bytes: more the kernel does not put in one datagram of a list
const ERROR = 2 // NLMSG_ERROR: an acknowledgement, too, with errno 0
const DONE = 3 // NLMSG_DONE: the end of a list
const BATCH_BEGIN = 0x10 // NFNL_MSG_BATCH_BEGIN
const BATCH_END = 0x11 // NFNL_MSG_BATCH_END
const ERROR_TEXT = 1 // NLMSGERR_ATTR_MSG

type Protocol = typeof NETLINK.ROUTE | typeof NETLINK.NETFILTER

/** Another network namespace than ours: of a process, or held by an open descriptor. */
export type NamespaceOf = { readonly pid: number } | { readonly netns: number }

let buffer = Buffer.alloc(0) // where answers are read to; one is done with before the next is read
let sequence = 0 // an answer carries the number of its request

/** What an acknowledgement or the end of a list says: errno (0 where all is well), and the kernel's own words, if any. */
function readError({ type, flags, payload }: Reply): { errno: number; said: string | undefined } {
  const errno = payload.length < 4 ? 0 : -payload.readInt32LE(0)
  if ((flags & NLM_F.ACK_TLVS) === 0) return { errno, said: undefined }
  // A refused request comes back in front of the attributes: its header only (CAPPED), or all of it.
  const request = type === DONE ? 0 : flags & NLM_F.CAPPED ? 16 : align(payload.readUInt32LE(4))
  const text = attributes(payload, 4 + request).get(ERROR_TEXT)
  return { errno, said: text && textOf(text) }
}

/** A socket to the network stack of one namespace. */
export class Netlink {
  /** For the one who closes it, where that is not `close`: see messageAction. */
  readonly descriptor: number

  constructor(descriptor: number) {
    this.descriptor = descriptor
  }

  close(): void {
    closeSync(this.descriptor)
  }

  /**
   * Asks for one thing, and waits until it is done. Returns the payloads of what the kernel sent before its
   * acknowledgement: for RTM_GETLINK the link. `context` fills in the gaps that are not links.
   * Throws a NetlinkError with errno, likely cause and remedy.
   */
  request(asked: Message, context?: Context): Buffer[] {
    const number = this.#send(asked, NLM_F.ACK, context)
    const answers: Buffer[] = []
    for (;;) {
      for (const reply of this.#receive(asked)) {
        if (reply.sequence !== number) continue // of an earlier request that gave up
        if (reply.type !== ERROR) {
          answers.push(Buffer.from(reply.payload))
          continue
        }
        const { errno, said } = readError(reply)
        if (errno === 0 || (asked.allow && ERRNO[asked.allow] === errno)) return answers
        throw new NetlinkError(asked, errno, said)
      }
    }
  }

  /**
   * Asks for a list: the payloads of all its messages. One that changed while it was read (NLM_F_DUMP_INTR) is read
   * again, but not for ever: the last one is taken, and what came or went meanwhile may be missing in it, or there
   * twice. Throws a NetlinkError.
   */
  dump(asked: Message): Buffer[] {
    // The flags of DUMP mean EXCL and REPLACE in what makes things.
    if (!asked.name.includes('_GET')) throw new TypeError(`not a question: ${asked.name}`)
    for (let tries = 1; ; tries++) {
      const { found, whole } = this.#list(asked)
      if (whole || tries === TRIES) return found
    }
  }

  #list(asked: Message): { found: Buffer[]; whole: boolean } {
    const number = this.#send(asked, NLM_F.DUMP)
    const found: Buffer[] = []
    let whole = true
    for (;;) {
      for (const reply of this.#receive(asked)) {
        if (reply.sequence !== number) continue
        if (reply.flags & NLM_F.DUMP_INTR) whole = false
        if (reply.type === ERROR || reply.type === DONE) {
          const { errno, said } = readError(reply)
          if (errno > 0) throw new NetlinkError(asked, errno, said)
          return { found, whole }
        }
        found.push(Buffer.from(reply.payload))
      }
    }
  }

  /**
   * A transaction of nfnetlink: all of the messages, which are of one subsystem, or none. Throws a NetlinkError of the
   * first that was refused (`position`, from 1); of the first message and without a position where the kernel refused
   * the whole.
   */
  batch(messages: readonly Message[]): void {
    const [first] = messages
    if (!first) return
    const begin = ++sequence
    // struct nfgenmsg: family, version, and for what subsystem
    const body = Buffer.concat([Buffer.alloc(2), be16(first.type >> 8)])
    const frame = (type: number) =>
      encode({ type, flags: NLM_F.REQUEST, body, gaps: [] }, type === BATCH_BEGIN ? begin : ++sequence)
    // Each failure is told anyway, in order; so the last one's acknowledgement comes after all others.
    const bytes = messages.map((each, i) => {
      const flags = each.flags | NLM_F.REQUEST | (i === messages.length - 1 ? NLM_F.ACK : 0)
      return encode({ ...each, flags }, ++sequence)
    })
    this.#write(first, Buffer.concat([frame(BATCH_BEGIN), ...bytes, frame(BATCH_END)]))
    const failed = this.#refusal(messages, begin)
    if (failed) throw failed
  }

  /** The first refusal in a transaction whose frame has the number `begin`. Reads all answers. */
  #refusal(messages: readonly Message[], begin: number): NetlinkError | undefined {
    let found: NetlinkError | undefined
    for (let lost = false; ; ) {
      const replies = this.#receive(messages[0]!, { mayLose: true, wait: !lost })
      if (!replies && lost) return found ?? new NetlinkError(messages[0]!, ERRNO.ENOBUFS)
      if (!replies) lost = true
      for (const reply of replies ?? []) {
        const position = reply.sequence - begin
        if (reply.type !== ERROR || position < 0 || position > messages.length) continue
        const { errno, said } = readError(reply)
        const where = { position, of: messages.length }
        if (errno > 0 && position === 0) return new NetlinkError(messages[0]!, errno, said)
        if (errno > 0) found ??= new NetlinkError(messages[position - 1]!, errno, said, where)
        if (position === messages.length) return found
      }
    }
  }

  #find(asked: Message, later: Later, context?: Context): number {
    if ('link' in later) return this.#index(asked, later.link)
    const found = 'process' in later ? context?.process?.pid : context?.descriptors.get(later.descriptor)
    if (found === undefined)
      throw new Error('descriptor' in later ? `no descriptor ${later.descriptor}` : 'no process yet')
    return found
  }

  #index(asked: Message, name: string): number {
    try {
      return indexOf(this.request(getLink(name)))
    } catch (error) {
      if (error instanceof NetlinkError) throw new NetlinkError(asked, error.errno, `no link ${name}`)
      throw error
    }
  }

  #send(asked: Message, flags: number, context?: Context): number {
    const values = asked.gaps.map(({ later }) => this.#find(asked, later, context)) // may ask, too
    const number = ++sequence
    const bytes = encode({ ...asked, flags: asked.flags | NLM_F.REQUEST | flags }, number, values)
    this.#write(asked, bytes)
    return number
  }

  #write(asked: Message, bytes: Buffer): void {
    if (bytes.length > SMALL)
      attempt('setsockopt', [this.descriptor, SOL.SOCKET, SO.SNDBUFFORCE, u32(2 * bytes.length), 4])
    const result = attempt('sendto', [this.descriptor, bytes, bytes.length, 0, null, 0])
    if (result < 0) throw new NetlinkError(asked, -result)
  }

  /** The messages of the next datagram, valid until the next call. With `mayLose`: undefined where the kernel lost some; without `wait`: where there is none. */
  #receive(asked: Message): Reply[]
  #receive(asked: Message, options: { mayLose: true; wait?: boolean }): Reply[] | undefined
  #receive(asked: Message, { mayLose = false, wait = true } = {}): Reply[] | undefined {
    const sender = Buffer.alloc(12) // struct sockaddr_nl
    for (;;) {
      const flags = wait ? 0 : MSG.DONTWAIT
      let result = attempt('recvfrom', [this.descriptor, buffer, 0, MSG.PEEK | MSG.TRUNC | flags, null, null])
      if (result > buffer.length) buffer = Buffer.alloc(Math.max(result, SMALL))
      if (result >= 0) result = attempt('recvfrom', [this.descriptor, buffer, buffer.length, flags, sender, u32(12)])
      if (result === -ERRNO.EINTR) continue
      if (mayLose && (result === -ERRNO.ENOBUFS || (!wait && result === -ERRNO.EAGAIN))) return undefined
      if (result < 0) throw new NetlinkError(asked, -result)
      if (sender.readUInt32LE(4) === 0) return decode(buffer.subarray(0, result)) // port 0 is the kernel
    }
  }
}

/**
 * Opens a socket to the network stack, of another namespace if so wanted: it stays there for ever. `close` it.
 * Throws a KernelError; where the process is gone an error of node:fs (see inNamespaces).
 */
export function openNetlink(protocol: Protocol = NETLINK.ROUTE, of?: NamespaceOf): Netlink {
  const open = () => invoke('socket', [AF.NETLINK, SOCK.RAW | SOCK.CLOEXEC, protocol])
  let fd: number
  if (of === undefined) fd = open()
  else fd = 'pid' in of ? inNamespaces(of.pid, CLONE.NEWNET, open) : inNetwork(of.netns, open)
  const seconds = Buffer.alloc(16) // struct timeval
  seconds.writeUInt32LE(TIMEOUT)
  invoke('setsockopt', [fd, SOL.SOCKET, SO.RCVTIMEO, seconds, seconds.length])
  // Linux 4.12; without them errors have no words
  for (const option of [NETLINK.CAP_ACK, NETLINK.EXT_ACK]) attempt('setsockopt', [fd, SOL.NETLINK, option, u32(1), 4])
  return new Netlink(fd)
}

/** Does what is asked by a socket that is opened and closed for it, in the namespace that we are in now. */
export function withNetlink<T>(protocol: Protocol, action: (netlink: Netlink) => T): T {
  const netlink = openNetlink(protocol)
  try {
    return action(netlink)
  } finally {
    netlink.close()
  }
}

/** One list, by a socket of its own. For observe/. */
export const dump = (asked: Message, protocol: Protocol = NETLINK.ROUTE): Buffer[] =>
  withNetlink(protocol, netlink => netlink.dump(asked))
