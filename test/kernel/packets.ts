// Packets for the tests: whether one network namespace reaches another, without any program there.
import { closeSync } from 'node:fs'
import { attempt, invoke } from '../../toolkit/kernel/call.ts'
import { AF, CLONE, SO, SOCK, SOL } from '../../toolkit/kernel/constants.ts'
import { inNamespaces } from '../../toolkit/kernel/enter.ts'
import { ip4 } from '../../toolkit/kernel/netlink-message.ts'

const PORT = 7777

/** struct sockaddr_in. */
function endpoint(address: string): Buffer {
  const bytes = Buffer.alloc(16)
  bytes.writeUInt16LE(AF.INET)
  bytes.writeUInt16BE(PORT, 2)
  ip4(address).copy(bytes, 4)
  return bytes
}

/** A UDP socket in the network namespace of a process; a read waits at most for `milliseconds`. */
function udp(pid: number, milliseconds: number): number {
  const fd = inNamespaces(pid, CLONE.NEWNET, () => invoke('socket', [AF.INET, SOCK.DGRAM | SOCK.CLOEXEC, 0]))
  const wait = Buffer.alloc(16)
  wait.writeUInt32LE(Math.floor(milliseconds / 1000))
  wait.writeUInt32LE((milliseconds % 1000) * 1000, 8)
  invoke('setsockopt', [fd, SOL.SOCKET, SO.RCVTIMEO, wait, wait.length])
  return fd
}

/** Sends a packet from one namespace to an address of another, several times while none arrives; tells what did. */
export function deliver(from: number, to: number, address: string, text = 'hello', tries = 25): string | undefined {
  const [here, there] = [udp(from, 200), udp(to, 200)]
  try {
    invoke('bind', [there, endpoint('0.0.0.0'), 16])
    for (let i = 0; i < tries; i++) {
      if (attempt('sendto', [here, Buffer.from(text), text.length, 0, endpoint(address), 16]) < 0) continue
      const bytes = Buffer.alloc(2000)
      const length = attempt('recvfrom', [there, bytes, bytes.length, 0, null, null])
      if (length >= 0) return bytes.toString('utf8', 0, length)
    }
    return undefined
  } finally {
    closeSync(here)
    closeSync(there)
  }
}
