// The second process of twin.ts: takes the plan from one descriptor, makes its calls, tells each result on another.
import { readSync, writeSync } from 'node:fs'
import { attempt } from './call.ts'
import { F } from './constants.ts'
import { errorBits, isFailure } from './row.ts'
import { type Arg, type Descriptor, type Gate, isGate, type Step, type Struct } from './step.ts'
import { ANSWER_FD, type Answer, PLAN_FD } from './twin.ts'

type EncodedArg =
  | Exclude<Arg, Uint8Array | Struct | Descriptor>
  | { readonly bytes: string }
  | { readonly bytes: string; readonly text: string; readonly pointers?: readonly { at: number; to: string }[] }
type Encoded = Gate | (Omit<Step, 'args'> & { readonly args: readonly EncodedArg[] })

const memory = (text: string) => Buffer.from(text, 'base64')

function decode(arg: EncodedArg): Arg {
  if (typeof arg !== 'object' || arg === null || !('bytes' in arg)) return arg
  if (!('text' in arg)) return memory(arg.bytes)
  const pointers = (arg.pointers ?? []).map(({ at, to }) => ({ at, to: memory(to) }))
  return { bytes: memory(arg.bytes), text: arg.text, pointers }
}

function readLine(): string {
  const byte = Buffer.alloc(1)
  const line: number[] = []
  while (readSync(PLAN_FD, byte) === 1 && byte[0] !== 0x0a) line.push(byte[0]!)
  return Buffer.from(line).toString()
}

const answer = (answer: Answer) => writeSync(ANSWER_FD, `${JSON.stringify(answer)}\n`)

function run(flags: number, entries: readonly Encoded[]): void {
  for (const fd of [PLAN_FD, ANSWER_FD]) attempt('fcntl', [fd, F.SETFD, 1]) // close-on-exec
  for (const fd of [0, 1, 2]) attempt('fcntl', [fd, F.SETFD, 0]) // Node has marked these
  const born = attempt('unshare', [flags])
  if (born < 0) {
    answer({ step: 0, result: born })
    return
  }
  let number = 0
  for (const entry of entries) {
    if (isGate(entry as Gate)) {
      answer(entry as Gate)
      readLine()
      continue
    }
    const { call, args, allow } = entry as Exclude<Encoded, Gate>
    const result = attempt(call, args.map(decode)) // execve does not come back
    answer({ step: ++number, result })
    if (isFailure(result, errorBits(allow))) return
  }
}

const { flags, entries } = JSON.parse(readLine()) as { flags: number; entries: Encoded[] }
run(flags, entries)
attempt('exit_group', [127])
