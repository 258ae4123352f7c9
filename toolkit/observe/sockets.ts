// The sockets of a process's network namespace, as `ss -a` lists them: /proc/PID/net/tcp and its sisters, proc_net(5).
import { formatAddress } from './addresses.ts'
import { list, readLink, readText } from './read.ts'

// include/net/tcp_states.h, from 1; UDP and UNIX sockets use some of them.
const STATES = [
  'ESTABLISHED',
  'SYN_SENT',
  'SYN_RECV',
  'FIN_WAIT1',
  'FIN_WAIT2',
  'TIME_WAIT',
  'CLOSE',
  'CLOSE_WAIT',
  'LAST_ACK',
  'LISTEN',
  'CLOSING',
  'NEW_SYN_RECV',
] as const

const INTERNET = ['tcp', 'tcp6', 'udp', 'udp6'] as const
const UNIX_TYPES: Readonly<Record<number, 'stream' | 'dgram' | 'seqpacket'>> = {
  1: 'stream',
  2: 'dgram',
  5: 'seqpacket',
}
const ACCEPTS = 0x10000 // __SO_ACCEPTCON: listens
const CONNECTED = 3 // SS_CONNECTED

/** A process that holds a socket open, and by what descriptor. */
export interface Owner {
  readonly pid: number
  readonly fd: number
}

interface Common {
  /** As /proc/PID/fd shows it: socket:[inode]. 0 of a connection that no process has any more, or not yet. */
  readonly inode: number
  /** Only where asked for. */
  readonly owners?: readonly Owner[]
}

export interface Endpoint {
  /** 0.0.0.0 or :: where it is any of the host's, or nobody. */
  readonly address: string
  readonly port: number
}

export interface InternetSocket extends Common {
  readonly protocol: (typeof INTERNET)[number]
  /** tcp(7). UNCONN: a UDP socket that takes from everybody. */
  readonly state: (typeof STATES)[number] | 'UNCONN'
  readonly local: Endpoint
  readonly remote: Endpoint
}

export interface UnixSocket extends Common {
  readonly protocol: 'unix'
  readonly state: 'LISTEN' | 'ESTABLISHED' | 'UNCONN'
  readonly type: 'stream' | 'dgram' | 'seqpacket'
  /** Its name: a path, or with @ in front one that is no file (abstract); undefined where it has none. */
  readonly path: string | undefined
}

export type Socket = InternetSocket | UnixSocket

/** `0100007F:1F90`: the address in words of 4 bytes, each in the machine's byte order, and the port. */
function endpoint(text: string): Endpoint {
  const [words = '', port = ''] = text.split(':')
  const bytes = Buffer.from(words, 'hex')
  return { address: formatAddress(bytes.swap32()), port: Number.parseInt(port, 16) }
}

// sl: local remote state tx:rx tr:when retransmits uid timeout inode …
const ROW = /^ *\d+: ([\dA-F]+:[\dA-F]{4}) ([\dA-F]+:[\dA-F]{4}) ([\dA-F]{2}) \S+ \S+ \S+ +\d+ +\d+ (\d+)/gm

function internet(pid: number, protocol: InternetSocket['protocol']): InternetSocket[] {
  const rows = (readText(`/proc/${pid}/net/${protocol}`) ?? '').matchAll(ROW)
  return [...rows].map(([, local, remote, number, inode]) => {
    const state = STATES[Number.parseInt(number!, 16) - 1] ?? 'CLOSE'
    return {
      protocol,
      state: protocol.startsWith('udp') && state === 'CLOSE' ? 'UNCONN' : state,
      local: endpoint(local!),
      remote: endpoint(remote!),
      inode: Number(inode),
    }
  })
}

// Num: RefCount Protocol Flags Type St Inode Path. The kernel does not quote the path: one with a line break in it may
// look like two sockets.
const UNIX_ROW = /^[\da-f]+: [\dA-F]+ [\dA-F]+ ([\dA-F]+) ([\dA-F]+) ([\dA-F]+) +(\d+)(?: (.*))?$/gm

function unix(pid: number): UnixSocket[] {
  const rows = (readText(`/proc/${pid}/net/unix`) ?? '').matchAll(UNIX_ROW)
  return [...rows].map(([, flags, type, state, inode, path]) => {
    const connected = Number.parseInt(state!, 16) === CONNECTED
    return {
      protocol: 'unix',
      state: Number.parseInt(flags!, 16) & ACCEPTS ? 'LISTEN' : connected ? 'ESTABLISHED' : 'UNCONN',
      type: UNIX_TYPES[Number.parseInt(type!, 16)] ?? 'stream',
      path,
      inode: Number(inode),
    }
  })
}

/** Who holds which socket, of all processes that we may look into. */
function owners(): Map<number, Owner[]> {
  const found = new Map<number, Owner[]>()
  for (const pid of list('/proc').filter(name => /^\d+$/.test(name))) {
    for (const fd of list(`/proc/${pid}/fd`)) {
      const [, inode] = /^socket:\[(\d+)\]$/.exec(readLink(`/proc/${pid}/fd/${fd}`) ?? '') ?? []
      if (inode === undefined) continue
      const owner = { pid: Number(pid), fd: Number(fd) }
      found.set(Number(inode), [...(found.get(Number(inode)) ?? []), owner])
    }
  }
  return found
}

export interface SocketOptions {
  /** Also which processes hold them: looks at every descriptor on the machine, so it takes its time. */
  readonly owners?: boolean
}

/**
 * The sockets of a process's network namespace, whoever holds them; undefined where the process is gone. UNIX sockets
 * with a path are listed in the namespace that made them, though whoever sees the file can use them from any.
 */
export function readSockets(pid: number, options: SocketOptions = {}): Socket[] | undefined {
  if (readText(`/proc/${pid}/net/unix`) === undefined) return undefined
  const sockets = [...INTERNET.flatMap(protocol => internet(pid, protocol)), ...unix(pid)]
  if (!options.owners) return sockets
  const held = owners()
  return sockets.map(socket => ({ ...socket, owners: held.get(socket.inode) ?? [] }))
}
