// A program of a few instructions that makes system calls by every door an x86-64 kernel has: `syscall`, `syscall` with
// the numbers of x32, and `int 0x80` with those of i386. It writes what each returned, 4 bytes a call, to its output.
import { chmodSync, writeFileSync } from 'node:fs'

export interface Probe {
  readonly door: 'syscall' | 'int80'
  readonly number: number
  readonly args: readonly bigint[]
}

const word = (value: number | bigint): Buffer => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(Number(BigInt.asUintN(32, BigInt(value))))
  return bytes
}
const long = (value: bigint): Buffer => {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64LE(BigInt.asUintN(64, value))
  return bytes
}
const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex')

// mov rdi, rsi, rdx, r10, r8 with 64 bits each; mov ebx, ecx, edx, esi, edi with 32
const REGISTERS = { syscall: ['48bf', '48be', '48ba', '49ba', '49b8'], int80: ['bb', 'b9', 'ba', 'be', 'bf'] }

function code({ door, number, args }: Probe): Buffer {
  const loads = REGISTERS[door].flatMap((opcode, i) => [
    hex(opcode),
    door === 'syscall' ? long(args[i] ?? 0n) : word(args[i] ?? 0n),
  ])
  return Buffer.concat([
    ...loads,
    hex('b8'), //                        mov eax, number
    word(number),
    hex(door === 'syscall' ? '0f05' : 'cd80'),
    hex('41 89 07  49 83 c7 04'), //     mov [r15], eax; add r15, 4
  ])
}

/** Writes the program as a static ELF file for x86-64 that needs nothing else. */
export function writeProbes(path: string, probes: readonly Probe[]): void {
  const text = Buffer.concat([
    hex('48 81 ec 00 10 00 00  49 89 e7'), //  sub rsp, 4096; mov r15, rsp
    ...probes.map(code),
    hex('4c 89 fa  48 29 e2  48 89 e6'), //    write(1, rsp, r15 - rsp)
    hex('bf 01 00 00 00  b8 01 00 00 00  0f 05'),
    hex('31 ff  b8 e7 00 00 00  0f 05'), //    exit_group(0)
  ])
  const base = 0x400000n
  const size = BigInt(120 + text.length)
  const header = Buffer.concat([
    hex('7f 45 4c 46 02 01 01 00 00 00 00 00 00 00 00 00  02 00 3e 00 01 00 00 00'), // ELF64, EXEC, x86-64
    long(base + 120n), //                      entry
    long(64n), //                              program headers
    long(0n),
    hex('00 00 00 00  40 00  38 00  01 00  40 00  00 00  00 00'),
    hex('01 00 00 00  05 00 00 00'), //        PT_LOAD, read and execute
    ...[0n, base, base, size, size, 4096n].map(long),
  ])
  writeFileSync(path, Buffer.concat([header, text]))
  chmodSync(path, 0o755)
}

/** What the program wrote. */
export function readResults(output: Buffer): number[] {
  return Array.from({ length: output.length / 4 }, (_, i) => output.readInt32LE(4 * i))
}
