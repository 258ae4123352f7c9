// Memory that the kernel or a child process may look at while JavaScript goes on. V8's own heap will not do: it is not
// there in a forked child (MADV_DONTFORK), and a buffer in it may be freed under the kernel's hands.
import { attempt, invoke } from './call.ts'
import { MAP, PROT } from './constants.ts'
import { ERRNO } from './errno.ts'
import { KernelError } from './error.ts'
import { koffi } from './koffi.ts'
import { type Arg, isDescriptor, isStruct, type Struct } from './step.ts'

// Where shared memory goes: to the first free one of many places in a range that is never used otherwise, neither by
// programs and libraries nor by stacks. So it can have the same address in another program, and pointers in it hold there.
const PLACES = 0x10_0000_0000
const MAX_PLACES = 1024

/** Maps `size` bytes of a file, to be seen and filled by all who map it, at an address where others can map it, too. */
function mapShared(fd: number, size: number): number {
  for (let i = 0; i < MAX_PLACES; i++) {
    const args = [PLACES + i * size, size, PROT.READ | PROT.WRITE, MAP.SHARED | MAP.FIXED_NOREPLACE, fd, 0]
    const address = attempt('mmap', args)
    if (address === args[0]) return address
    if (address !== -ERRNO.EEXIST) throw new KernelError('mmap', args, -address)
  }
  throw new RangeError(`more than ${MAX_PLACES} processes are being started`)
}

/** A mapping, filled from its start. Places in it are offsets: V8 keeps small numbers without allocating memory. */
export class Memory {
  readonly address: number
  readonly size: number
  readonly #view: Buffer
  readonly #words: Uint32Array
  readonly #lists = new Map<readonly string[], number>()
  readonly #bytes = new Map<Uint8Array, number>()
  /** Where the results of steps are, by their labels. */
  readonly results = new Map<string, number>()
  #used = 0

  /** Maps `size` bytes of a file, a multiple of the page size. Throws KernelError. */
  constructor(size: number, fd: number) {
    this.size = size
    this.address = mapShared(fd, size)
    const bytes = koffi.view(BigInt(this.address), size)
    this.#view = Buffer.from(bytes)
    this.#words = new Uint32Array(bytes)
  }

  /** Takes `length` bytes; their place is a multiple of 16. */
  reserve(length: number): number {
    const start = (this.#used + 15) & ~15
    if (start + length > this.size) throw new RangeError(`plan too large: more than ${this.size} bytes`)
    this.#used = start + length
    return start
  }

  /** Puts bytes in place, the same ones once: what one call fills another may read. */
  put(bytes: Uint8Array): number {
    const known = this.#bytes.get(bytes)
    if (known !== undefined) return known
    const at = this.reserve(bytes.length)
    this.#view.set(bytes, at)
    this.#bytes.set(bytes, at)
    return at
  }

  #putString(text: string): number {
    if (text.includes('\0')) throw new TypeError(`a NUL inside ${JSON.stringify(text)}`) // C would end the string there
    const length = Buffer.byteLength(text)
    const at = this.reserve(length + 1) // the memory is zero: its NUL is there
    this.#view.write(text, at, length)
    return at
  }

  #putStruct({ bytes, pointers = [], results = [] }: Struct): number {
    const at = this.put(bytes)
    for (const pointer of pointers)
      this.write64(at + pointer.at, this.address + this.put(pointer.to) + (pointer.from ?? 0))
    for (const result of results) this.write64(at + result.at, this.address + this.results.get(result.of)!)
    return at
  }

  // argv and envp: the same list for every directory of PATH that is tried, put once.
  #putList(list: readonly string[]): number {
    const known = this.#lists.get(list)
    if (known !== undefined) return known
    const pointers = this.reserve(8 * (list.length + 1))
    for (let i = 0; i < list.length; i++) this.write64(pointers + 8 * i, this.address + this.#putString(list[i]!))
    this.#lists.set(list, pointers)
    return pointers
  }

  /** Puts what an argument points to in place and returns what the kernel is to be given for it. */
  argument(arg: Arg): number {
    if (arg === null) return 0
    if (typeof arg === 'number') return arg
    return this.address + this.#place(arg)
  }

  #place(arg: Exclude<Arg, number | null>): number {
    if (typeof arg === 'string') return this.#putString(arg)
    if (isStruct(arg)) return this.#putStruct(arg)
    if (isDescriptor(arg)) throw new TypeError(`descriptor ${arg.descriptor} has no number; see action.ts`)
    return arg instanceof Uint8Array ? this.put(arg) : this.#putList(arg)
  }

  /** `at` is a multiple of 4. */
  write32(at: number, value: number): void {
    this.#words[at / 4] = value
  }

  /** Up to 53 bits, signed; in two halves, because a BigInt costs more than all else here. `at` is a multiple of 8. */
  write64(at: number, value: number): void {
    if (value === 0) return // the memory is zero
    this.#words[at / 4] = value
    this.#words[at / 4 + 1] = Math.floor(value / 2 ** 32)
  }

  /** `at` is a multiple of 8. */
  read64(at: number): number {
    return (this.#words[at / 4 + 1]! | 0) * 2 ** 32 + this.#words[at / 4]!
  }

  free(): void {
    invoke('munmap', [this.address, this.size])
  }
}
