// An open file that goes to another process through a socket: SCM_RIGHTS in unix(7). While it is on its way the kernel
// keeps it open, whoever ends. It arrives under the lowest number that is free there.
import { closeSync } from 'node:fs'
import { invoke } from './call.ts'
import { AF, SOCK, SOL } from './constants.ts'
import type { Struct } from './step.ts'

const SCM_RIGHTS = 1
const CONTROL = 24 // bytes: struct cmsghdr, one descriptor, and padding
const LENGTH = 20 // without the padding

/** struct msghdr with nothing but a descriptor in it, or with room for one. For sendmsg(2) and recvmsg(2). */
export function descriptorMessage(fd?: number): Struct {
  const control = Buffer.alloc(CONTROL)
  if (fd !== undefined) {
    control.writeUInt32LE(LENGTH, 0)
    control.writeInt32LE(SOL.SOCKET, 8)
    control.writeInt32LE(SCM_RIGHTS, 12)
    control.writeInt32LE(fd, 16)
  }
  const bytes = Buffer.alloc(56) // name, its length, iovec, their number, control, its length, flags
  bytes.writeUInt32LE(fd === undefined ? CONTROL : LENGTH, 40)
  return { bytes, text: fd === undefined ? '{SCM_RIGHTS}' : `{SCM_RIGHTS, ${fd}}`, pointers: [{ at: 32, to: control }] }
}

/** A message is whole or not there: also an empty one, with a descriptor. Both ends close when a program starts. */
export function socketPair(): [number, number] {
  const fds = Buffer.alloc(8)
  invoke('socketpair', [AF.UNIX, SOCK.SEQPACKET + SOCK.CLOEXEC, 0, fds])
  return [fds.readInt32LE(0), fds.readInt32LE(4)]
}

/** Sends a descriptor, and closes the socket. Throws a KernelError. */
export function passDescriptor(socket: number, fd: number): void {
  try {
    invoke('sendmsg', [socket, descriptorMessage(fd), 0])
  } finally {
    closeSync(socket)
  }
}
