// eBPF: small programs that the kernel checks, and then runs itself at certain places. bpf(2); "BPF instruction set" in
// the kernel's documentation. As much of an assembler as a cgroup's device rules need; what it makes can be read.
//
// An instruction has 8 bytes: the operation, two registers of 4 bits, a jump's distance in instructions or an offset
// in memory (16 bits), and a constant (32 bits). Registers r0 … r9 have 64 bits; w0 … w9 are their lower halves.

/** One instruction, and how an assembler writes it. */
export interface Instruction {
  readonly bytes: Uint8Array
  readonly text: string
}

function encode(
  text: string,
  operation: number,
  to: number,
  from: number,
  offset: number,
  constant: number,
): Instruction {
  const bytes = Buffer.alloc(8)
  bytes.writeUInt8(operation, 0)
  bytes.writeUInt8((from << 4) | to, 1)
  bytes.writeInt16LE(offset, 2)
  bytes.writeInt32LE(constant, 4)
  return { bytes, text }
}

/** Four bytes from where `from` points to, plus an offset. */
export const load32 = (to: number, from: number, offset: number): Instruction =>
  encode(`r${to} = *(u32 *)(r${from} + ${offset})`, 0x61, to, from, offset, 0)

export const copy = (to: number, from: number): Instruction => encode(`r${to} = r${from}`, 0xbf, to, from, 0, 0)

export const set = (to: number, value: number): Instruction => encode(`r${to} = ${value}`, 0xb7, to, 0, 0, value)

/** Keeps the bits of a mask, and of the lower half only. */
export const and = (to: number, mask: number): Instruction =>
  encode(`w${to} &= 0x${mask.toString(16)}`, 0x54, to, 0, 0, mask)

export const shiftRight = (to: number, bits: number): Instruction => encode(`r${to} >>= ${bits}`, 0x77, to, 0, 0, bits)

/** Jumps over the next `over` instructions, if a register has this value. */
export const skipIf = (register: number, value: number, over: number): Instruction =>
  encode(`if r${register} == ${value} goto +${over}`, 0x15, register, 0, over, value)

/** Jumps over the next `over` instructions, unless a register has this value. */
export const skipUnless = (register: number, value: number, over: number): Instruction =>
  encode(`if r${register} != ${value} goto +${over}`, 0x55, register, 0, over, value)

/** Ends the program; r0 is its answer. */
export const exit = (): Instruction => encode('exit', 0x95, 0, 0, 0, 0)

export const bytesOf = (program: readonly Instruction[]): Uint8Array => Buffer.concat(program.map(({ bytes }) => bytes))
