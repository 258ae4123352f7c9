// Where the name server listens in a container: at 127.0.0.11, on ports that the kernel chooses. A rule of the container's
// own network namespace leads there who asks port 53; so that port stays free, should it want to be a name server itself.
import { closeSync } from 'node:fs'
import { attempt, invoke } from '../../kernel/call.ts'
import { AF, CLONE, NETLINK, SOCK } from '../../kernel/constants.ts'
import { inNamespaces } from '../../kernel/enter.ts'
import { openNetlink } from '../../kernel/netlink.ts'
import { fields, redirect } from '../../kernel/nftables.ts'
import { replaceTable, type Table } from '../../primitives/nftables.ts'
import { ADDRESS } from './dns-service.ts'
import { boundPort, socketAddress } from './ports.ts'

const BACKLOG = 64
const SOL_IP = 0
const IP_FREEBIND = 15 // its loopback may not be up yet

export interface Sockets {
  readonly udp: number
  readonly tcp: number
}

/** Opens sockets in the network namespace of a process, and makes the way to them. The caller closes them. Throws KernelError. */
export function openIn(pid: number): Sockets {
  const sockets = inNamespaces(pid, CLONE.NEWNET, openSockets)
  try {
    const netlink = openNetlink(NETLINK.NETFILTER, { pid })
    try {
      netlink.batch(replaceTable(redirection(sockets)))
    } finally {
      netlink.close()
    }
    return sockets
  } catch (error) {
    for (const socket of Object.values(sockets)) closeSync(socket)
    throw error
  }
}

/** To be called where the container is. */
function openSockets(): Sockets {
  const udp = open(SOCK.DGRAM)
  try {
    const tcp = open(SOCK.STREAM)
    try {
      invoke('listen', [tcp, BACKLOG])
      return { udp, tcp }
    } catch (error) {
      closeSync(tcp)
      throw error
    }
  } catch (error) {
    closeSync(udp)
    throw error
  }
}

function open(type: number): number {
  const socket = invoke('socket', [AF.INET, type | SOCK.CLOEXEC, 0])
  attempt('setsockopt', [socket, SOL_IP, IP_FREEBIND, Uint8Array.of(1, 0, 0, 0), 4])
  try {
    invoke('bind', [socket, socketAddress(ADDRESS, 0), 16])
    return socket
  } catch (error) {
    closeSync(socket)
    throw error
  }
}

/** In the container: who asks port 53 of our address finds us, and a name server of the container's own can have it. */
function redirection({ udp, tcp }: Sockets): Table {
  const { destinationPort, ipDestination, protocol } = fields
  const to = (name: string, socket: number) => ({
    key: [ADDRESS, name, '53'],
    data: [ADDRESS, String(boundPort(socket))],
  })
  return {
    family: 'ip',
    name: 'toolkit-names',
    sets: [
      {
        name: 'servers',
        key: ['ipv4_addr', 'inet_proto', 'inet_service'],
        data: ['ipv4_addr', 'inet_service'],
        elements: [to('udp', udp), to('tcp', tcp)],
      },
    ],
    chains: [
      {
        ...{ name: 'asking', type: 'nat', hook: 'output', priority: -100, policy: 'accept' },
        rules: [[redirect([ipDestination, protocol, destinationPort], 'servers')]],
      },
    ],
  }
}
