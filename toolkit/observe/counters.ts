// What a network namespace has counted: packets by protocol, as `nstat` and /proc/PID/net/snmp show them (RFC 1213).
import { readText } from './read.ts'

const PROTOCOLS = ['Ip', 'Icmp', 'Tcp', 'Udp'] as const

/** By protocol and by the kernel's names: `Icmp.InEchoReps` are the answers to our pings, `Tcp.PassiveOpens` who called. */
export type Counters = Readonly<Record<(typeof PROTOCOLS)[number], Readonly<Record<string, number>>>>

/** What the network namespace of a process has counted since it was made; undefined where the process is gone. */
export function readCounters(pid: number): Counters | undefined {
  const text = readText(`/proc/${pid}/net/snmp`)
  if (!text) return undefined
  const lines = text.split('\n').map(line => line.split(' '))
  // two lines a protocol: `Icmp: InMsgs InErrors …`, `Icmp: 3 0 …`
  const of = (protocol: string) => {
    const [names = [], numbers = []] = lines.filter(([head]) => head === `${protocol}:`)
    return Object.fromEntries(names.map((name, i) => [name, Number(numbers[i])]).slice(1))
  }
  return Object.fromEntries(PROTOCOLS.map(protocol => [protocol, of(protocol)])) as unknown as Counters
}
