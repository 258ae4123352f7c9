// Classic BPF, the little machine that a seccomp filter runs on: one accumulator, no loops, jumps go forward only.
// The kernel runs it on struct seccomp_data before every system call. seccomp(2); the instructions: bpf(4) of FreeBSD.
import { UsageError } from '../../kernel/usage-error.ts'

/** What may stand in an instruction's `code` here. */
const CODE = { ld: 0x20, ja: 0x05, jeq: 0x15, jgt: 0x25, jge: 0x35, and: 0x54, ret: 0x06 } as const

const SIZE = 8 // bytes of struct sock_filter: u16 code, u8 jt, u8 jf, u32 k
const MOST = 4096 // instructions of a filter, BPF_MAXINSNS
const FAR = 255 // instructions that a conditional jump can skip

/** Where things lie in struct seccomp_data; all are words of 32 bits. */
export const DATA = {
  number: 0,
  arch: 4,
  argument: (index: number, half: 'low' | 'high') => 16 + 8 * index + (half === 'low' ? 0 : 4),
}

/** A place in a program, with all that may follow: programs are built from their ends, so what is equal is shared. */
export type Node =
  | { readonly op: 'ret'; readonly k: number }
  | { readonly op: 'ld' | 'and'; readonly k: number; readonly next: Node }
  | { readonly op: 'jeq' | 'jgt' | 'jge'; readonly k: number; readonly yes: Node; readonly no: Node }

/** Makes nodes, each only once, and none that decides nothing. */
export class Graph {
  readonly #nodes = new Map<string, Node>()
  readonly #ids = new Map<Node, number>()

  #id(node: Node): number {
    return this.#ids.get(node)!
  }

  #share(key: string, node: Node): Node {
    const known = this.#nodes.get(key)
    if (known) return known
    this.#nodes.set(key, node)
    this.#ids.set(node, this.#ids.size)
    return node
  }

  /** Whether what is in the accumulator matters to a node. */
  #reads({ op }: Node): boolean {
    return op !== 'ret' && op !== 'ld'
  }

  ret(k: number): Node {
    return this.#share(`ret ${k}`, { op: 'ret', k })
  }

  /** Loads a word of seccomp_data; `k` is its offset. */
  ld(k: number, next: Node): Node {
    return this.#reads(next) ? this.#share(`ld ${k} ${this.#id(next)}`, { op: 'ld', k, next }) : next
  }

  and(k: number, next: Node): Node {
    return k !== 0xffffffff && this.#reads(next)
      ? this.#share(`and ${k} ${this.#id(next)}`, { op: 'and', k, next })
      : next
  }

  jump(op: 'jeq' | 'jgt' | 'jge', k: number, yes: Node, no: Node): Node {
    if (yes === no || (op === 'jge' && k === 0)) return yes
    return this.#share(`${op} ${k} ${this.#id(yes)} ${this.#id(no)}`, { op, k, yes, no })
  }
}

interface Instruction {
  readonly op: keyof typeof CODE
  readonly k: number
  readonly yes?: number
  readonly no?: number
}

/**
 * Lays a graph out as a program, from its end: when an instruction is written, all that it may jump to has its place.
 * What lies further away than a conditional jump reaches gets a stepping stone: a jump of 32 bits, or simply the same
 * `ret` once more.
 */
function layOut(root: Node): Instruction[] {
  const backwards: Instruction[] = []
  const places = new Map<Node, number>()
  const distance = (place: number) => backwards.length - 1 - place
  const put = (node: Node, instruction: Instruction): number => {
    places.set(node, backwards.push(instruction) - 1)
    return backwards.length - 1
  }
  const bridge = (node: Node, place: number): number =>
    put(node, node.op === 'ret' ? node : { op: 'ja', k: distance(place) })

  const place = (node: Node): number => {
    const known = places.get(node)
    if (known !== undefined) return known
    if (node.op === 'ret') return put(node, node)
    if ('next' in node) {
      const next = place(node.next)
      if (distance(next) > 0) bridge(node.next, next)
      return put(node, { op: node.op, k: node.k })
    }
    let no = place(node.no)
    let yes = place(node.yes)
    if (distance(no) >= FAR) no = bridge(node.no, no) // one less, since the other bridge may come between
    if (distance(yes) > FAR) yes = bridge(node.yes, yes)
    return put(node, { op: node.op, k: node.k, yes: distance(yes), no: distance(no) })
  }

  place(root)
  return backwards.reverse()
}

/** An array of struct sock_filter. Throws a UsageError where it is larger than the kernel takes. */
export function assemble(root: Node): Uint8Array {
  const instructions = layOut(root)
  if (instructions.length > MOST)
    throw new UsageError(
      `seccomp profile: ${instructions.length} instructions; the kernel takes ${MOST}: use fewer rules`,
    )
  const bytes = Buffer.alloc(SIZE * instructions.length)
  for (const [i, { op, k, yes = 0, no = 0 }] of instructions.entries()) {
    bytes.writeUInt16LE(CODE[op], SIZE * i)
    bytes.writeUInt8(yes, SIZE * i + 2)
    bytes.writeUInt8(no, SIZE * i + 3)
    bytes.writeUInt32LE(k, SIZE * i + 4)
  }
  return bytes
}

const RETURNS: Record<number, string> = {
  0: 'KILL_THREAD',
  32768: 'KILL_PROCESS',
  3: 'TRAP',
  5: 'ERRNO',
  32752: 'TRACE',
  32764: 'LOG',
  32767: 'ALLOW',
}

function describe(op: string, k: number): string {
  const hex = `0x${k.toString(16)}`
  if (op === 'ret') {
    const [action, data] = [RETURNS[k >>> 16] ?? hex, k & 0xffff]
    return `ret ${action}${action === 'ERRNO' || action === 'TRACE' ? `(${data})` : ''}`
  }
  if (op === 'ld') return `ld [${k}]`
  return `${op} #${k < 1024 ? k : hex}`
}

/** The listing of a program, a line an instruction; `→` tells where a jump goes when it is taken, and else. */
export function disassemble(program: Uint8Array): string[] {
  const bytes = Buffer.from(program.buffer, program.byteOffset, program.length)
  return Array.from({ length: bytes.length / SIZE }, (_, i) => {
    const code = bytes.readUInt16LE(SIZE * i)
    const op = Object.entries(CODE).find(([, known]) => known === code)?.[0] ?? `0x${code.toString(16)}`
    const k = bytes.readUInt32LE(SIZE * i + 4)
    const [yes, no] = [bytes[SIZE * i + 2]!, bytes[SIZE * i + 3]!]
    const line = `${String(i).padStart(4)}  `
    if (op === 'ja') return `${line}ja → ${i + 1 + k}`
    if (!['jeq', 'jgt', 'jge'].includes(op)) return line + describe(op, k)
    return `${line}${describe(op, k)} → ${i + 1 + yes}, else ${i + 1 + no}`
  })
}
