// The plan runner as a program: a file of a few hundred bytes that exists in memory only. A new process becomes this
// program before it sets anything up. From then on nothing of Node is in it: not its memory, not its environment; and
// /proc/PID/exe leads to this file, which nobody can write to, not even root in the container (CVE-2019-5736).
// elf(5), memfd_create(2), F_ADD_SEALS in fcntl(2).
import { closeSync, writeSync } from 'node:fs'
import { attempt, invoke } from './call.ts'
import { F, F_SEAL, MAP, MFD, PROT } from './constants.ts'
import { ERRNO } from './errno.ts'
import { KernelError } from './error.ts'
import { machineCode } from './machine-code.ts'

const BASE = 0x400000 // its address in memory
const HEADERS = 64 + 2 * 56 // bytes: one file header and two program headers
const MACHINE: Record<string, number> = { x64: 62, arm64: 183 } // EM_X86_64, EM_AARCH64
const ET_EXEC = 2 // a program that cannot be moved
const PT = { LOAD: 1, GNU_STACK: 0x6474e551 }
const PF = { X: 1, W: 2, R: 4 }

/** The program: an ELF file whose only segment is the file itself, headers included. */
export function elf(arch: string): Uint8Array {
  const code = machineCode(arch)
  const size = HEADERS + code.bytes.length
  const file = Buffer.alloc(size)
  /** Numbers of 2, 4 or 8 bytes, one after the other. */
  const put = (bytes: number, at: number, ...values: number[]) => {
    for (const [i, value] of values.entries()) file.writeUIntLE(value, at + bytes * i, Math.min(bytes, 6))
  }
  // Elf64_Ehdr
  file.write('\x7fELF\x02\x01\x01', 'latin1') // 64 bits, little-endian, version 1
  put(2, 16, ET_EXEC, MACHINE[arch]!)
  put(4, 20, 1) // version 1 again
  put(8, 24, BASE + HEADERS + code.runner, 64, 0) // where it begins; the program headers' place; no section headers
  put(2, 52, 64, 56, 2) // bytes of the file header and of a program header, and how many there are
  // Elf64_Phdr: type and flags; place in the file, address, the same for loaders of the past, sizes there, alignment
  put(4, 64, PT.LOAD, PF.R | PF.X)
  put(8, 72, 0, BASE, BASE, size, size, 0x10000)
  put(4, 120, PT.GNU_STACK, PF.R | PF.W) // no code on the stack
  file.set(code.bytes, HEADERS)
  return file
}

/** The file that holds the program: its descriptor, and where this process has the function `start` of machine-code.ts. */
export interface Runner {
  readonly fd: number
  readonly start: number
}

let kept: Runner | undefined

/** The program, made once: the same file, sealed, for every process that is started. */
export function runner(): Runner {
  if (kept) return kept
  const program = elf(process.arch)
  const fd = makeFile(program)
  const address = invoke('mmap', [0, program.length, PROT.READ | PROT.EXEC, MAP.PRIVATE, fd, 0])
  kept = { fd, start: address + HEADERS }
  return kept
}

function makeFile(program: Uint8Array): number {
  const flags = MFD.CLOEXEC | MFD.ALLOW_SEALING
  const seals = F_SEAL.SEAL | F_SEAL.SHRINK | F_SEAL.GROW | F_SEAL.WRITE
  // Since Linux 6.3 one says that the file is to be executed, and can keep it so. Before, both are unknown (EINVAL).
  const known = attempt('memfd_create', ['toolkit', flags | MFD.EXEC])
  if (known < 0 && known !== -ERRNO.EINVAL) throw new KernelError('memfd_create', ['toolkit', flags | MFD.EXEC], -known)
  const fd = known < 0 ? invoke('memfd_create', ['toolkit', flags]) : known
  try {
    writeSync(fd, program)
    invoke('fcntl', [fd, F.ADD_SEALS, known < 0 ? seals : seals | F_SEAL.EXEC])
    return fd
  } catch (error) {
    closeSync(fd)
    throw error
  }
}
