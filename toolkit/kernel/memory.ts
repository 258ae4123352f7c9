// Memory that the kernel or a child process may look at while JavaScript goes on. V8's own heap will not do: it is not
// there in a forked child (MADV_DONTFORK), and a buffer in it may be freed under the kernel's hands.
import { invoke } from './call.ts'
import { MAP, PROT } from './constants.ts'
import { koffi } from './koffi.ts'
import type { Arg } from './step.ts'

/** An anonymous mapping, filled from its start. Where it is shared, a child of clone3(2) sees and fills the same bytes. */
export class Memory {
  readonly address: number
  readonly size: number
  readonly view: Buffer
  #used = 0

  /** Maps `size` bytes, a multiple of the page size. */
  constructor(size: number, sharing: number = MAP.SHARED) {
    this.size = size
    this.address = invoke('mmap', [0, size, PROT.READ | PROT.WRITE, sharing | MAP.ANONYMOUS, -1, 0])
    this.view = Buffer.from(koffi.view(BigInt(this.address), size))
  }

  /** Takes `length` bytes; the address is a multiple of 16. */
  reserve(length: number): number {
    const start = (this.#used + 15) & ~15
    if (start + length > this.size) throw new RangeError(`plan too large: more than ${this.size} bytes`)
    this.#used = start + length
    return this.address + start
  }

  put(bytes: Uint8Array): number {
    const at = this.reserve(bytes.length)
    this.view.set(bytes, at - this.address)
    return at
  }

  /** Puts what an argument points to in place and returns what the kernel is to be given for it. */
  argument(arg: Arg): number {
    if (arg === null) return 0
    if (typeof arg === 'number') return arg
    if (typeof arg === 'string') return this.put(Buffer.from(`${arg}\0`))
    if (arg instanceof Uint8Array) return this.put(arg)
    const pointers = this.reserve(8 * (arg.length + 1))
    for (const [i, text] of arg.entries()) this.write64(pointers + 8 * i, this.argument(text))
    return pointers
  }

  write32(at: number, value: number): void {
    this.view.writeInt32LE(value, at - this.address)
  }

  write64(at: number, value: number): void {
    this.view.writeBigInt64LE(BigInt(value), at - this.address)
  }

  read64(at: number): number {
    return Number(this.view.readBigInt64LE(at - this.address))
  }

  /** From now on to be run and read, never written: no page is both. */
  makeExecutable(): void {
    invoke('mprotect', [this.address, this.size, PROT.READ | PROT.EXEC])
  }

  free(): void {
    invoke('munmap', [this.address, this.size])
  }
}
