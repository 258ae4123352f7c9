// One system call, made now, by this thread. What changes the thread (unshare, setns, prctl …) changes the main thread
// of Node only: undo it before anything asynchronous runs, see `inNamespaces` in enter.ts.
import { O } from './constants.ts'
import { KernelError } from './error.ts'
import { koffi } from './koffi.ts'
import { type Arg, isDescriptor, isStruct } from './step.ts'
import { number, type SyscallName } from './syscalls.ts'

interface Libc {
  /** -1 where the call has failed. */
  syscall(...registers: (number | bigint)[]): number
  /** Why, in its only element: this thread's errno(3). */
  readonly errno: Int32Array
}

let libc: Libc | undefined

// libc's syscall(2) is variadic, but takes only integers: declared with its seven registers.
function loadLibc(): Libc {
  const library = koffi.load('libc.so.6')
  const syscall = library.func('syscall', 'long', [
    'long',
    ...['intptr', 'intptr', 'intptr', 'intptr', 'intptr', 'intptr'],
  ])
  const errnoAt = library.func('__errno_location', 'uintptr_t', [])() as number
  return { syscall: syscall as Libc['syscall'], errno: new Int32Array(koffi.view(BigInt(errnoAt), 4)) }
}

/** A string as C wants it. One with a NUL inside would silently end there, and name something else. */
function cString(text: string): Uint8Array {
  if (text.includes('\0')) throw new TypeError(`a NUL inside ${JSON.stringify(text)}`)
  return Buffer.from(`${text}\0`)
}

function register(arg: Arg, keep: Uint8Array[]): number | bigint {
  if (arg === null) return 0
  if (typeof arg === 'number') return arg
  let bytes: Uint8Array
  if (typeof arg === 'string') bytes = cString(arg)
  else if (arg instanceof Uint8Array) bytes = arg
  else if (isStruct(arg)) {
    bytes = Buffer.from(arg.bytes)
    for (const { at, to } of arg.pointers ?? []) (bytes as Buffer).writeBigUInt64LE(BigInt(register(to, keep)), at)
  } else if (isDescriptor(arg)) throw new TypeError(`descriptor ${arg.descriptor} has no number; see action.ts`)
  else {
    const pointers = Buffer.alloc(8 * (arg.length + 1))
    for (const [i, text] of arg.entries()) pointers.writeBigUInt64LE(BigInt(register(text, keep)), 8 * i)
    bytes = pointers
  }
  keep.push(bytes) // alive until the call has returned
  return koffi.address(bytes)
}

/** Makes the call and returns its result, or -errno like the kernel itself. */
export function attempt(name: SyscallName, args: readonly Arg[]): number {
  const keep: Uint8Array[] = []
  const registers: (number | bigint)[] = [number(name), 0, 0, 0, 0, 0, 0]
  for (let i = 0; i < args.length; i++) registers[i + 1] = register(args[i]!, keep)
  libc ??= loadLibc()
  const result = libc.syscall(...registers)
  // Read from memory at once: asked of koffi, by a second call, V8 may collect garbage before the answer, and its locks
  // leave an errno of their own.
  return result === -1 ? -libc.errno[0]! : Number(result)
}

/** Makes the call and returns its result. Throws a KernelError where it fails. */
export function invoke(name: SyscallName, args: readonly Arg[]): number {
  const result = attempt(name, args)
  if (result < 0) throw new KernelError(name, args, -result)
  return result
}

/** A new pipe, pipe(2); neither end is passed on to a program. */
export function pipe(): [read: number, write: number] {
  const fds = Buffer.alloc(8)
  invoke('pipe2', [fds, O.CLOEXEC])
  return [fds.readInt32LE(0), fds.readInt32LE(4)]
}
