// Who a network namespace knows on its own cables, as `ip -4 neighbour` lists them: /proc/PID/net/arp, arp(7).
import { readText } from './read.ts'

export interface Neighbour {
  /** IPv4. */
  readonly address: string
  /** Undefined while nobody has answered. */
  readonly mac: string | undefined
  /** The link that it was asked for on. */
  readonly device: string
}

const COMPLETE = 0x2 // ATF_COM

/** The neighbours of a process's network namespace; undefined where the process is gone. */
export function readNeighbours(pid: number): Neighbour[] | undefined {
  const text = readText(`/proc/${pid}/net/arp`)
  // a heading, then: address, type of hardware, flags, hardware address, mask, device
  return text
    ?.trim()
    .split('\n')
    .slice(1)
    .map(line => {
      const [address, , flags, mac, , device] = line.split(/\s+/) as [string, string, string, string, string, string]
      return { address, mac: Number(flags) & COMPLETE ? mac : undefined, device }
    })
}
