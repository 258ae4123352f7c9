// The network links of a process's network namespace, as `ip link` lists them. netdevice(7), network_namespaces(7).

import { closeSync } from 'node:fs'
import { networkInterfaces } from 'node:os'
import { attempt, invoke } from '../kernel/call.ts'
import { AF, CLONE, IFF, IOCTL, SOCK } from '../kernel/constants.ts'
import { readText } from './read.ts'
import { visit } from './visit.ts'

export interface Link {
  readonly name: string
  /** Switched on (IFF_UP). */
  readonly up: boolean
  readonly loopback: boolean
  /** Addresses with prefix length, of links that are up: 127.0.0.1/8. */
  readonly addresses: readonly string[]
}

// struct ifreq: the name in 16 bytes, then a union whose short of flags comes first; 40 bytes in all.
function flagsOf(socket: number, name: string): number | undefined {
  const request = Buffer.alloc(40)
  request.write(name)
  return attempt('ioctl', [socket, IOCTL.SIOCGIFFLAGS, request]) < 0 ? undefined : request.readUInt16LE(16)
}

function linksHere(): Link[] {
  const table = readText('/proc/thread-self/net/dev') ?? ''
  const names = [...table.matchAll(/^ *([^\s|:]+):/gm)].map(([, name]) => name!)
  const socket = invoke('socket', [AF.INET, SOCK.DGRAM | SOCK.CLOEXEC, 0]) // of the namespace we are in now
  try {
    const addresses = networkInterfaces()
    return names.flatMap(name => {
      const flags = flagsOf(socket, name)
      if (flags === undefined) return [] // gone between the two looks
      return {
        name,
        up: (flags & IFF.UP) !== 0,
        loopback: (flags & IFF.LOOPBACK) !== 0,
        addresses: addresses[name]?.map(({ cidr, address }) => cidr ?? address) ?? [],
      }
    })
  } finally {
    closeSync(socket)
  }
}

/** The links of a process's network namespace; undefined where it is gone or we may not enter. */
export const readLinks = (pid: number): Link[] | undefined => visit(pid, CLONE.NEWNET, linksHere)
