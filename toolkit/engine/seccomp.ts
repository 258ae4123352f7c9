// From the wish of `run` to the filter; and filters compiled before, since that takes half as long as all of a start.
//
//   STATE/cache/seccomp/NAME.bpf
//     u32 magic, flags, bytes of the program, bytes of the inputs, checksum of the program
//     the program: struct sock_filter, 8 bytes each
//     the inputs: all that it was made from, compared in full; NAME is only a short hash
//
// It is a cache: what is not exactly what was written is passed over and made again, and none of it need be there.
import {
  closeSync,
  constants,
  fstatSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  type Stats,
  writeSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { stateDir } from '../image/paths.ts'
import type { Step } from '../kernel/step.ts'
import { quoteValue, UsageError } from '../kernel/usage-error.ts'
import { type Program, plan } from '../primitives/seccomp/filter.ts'
import type { Seccomp } from '../primitives/seccomp/profile.ts'
import { makeTree, remove } from './state/files.ts'

/** To be raised when the default profile or the compiler changes; the test that knows the programs says when. */
export const REVISION = 2

const MAGIC = 0x46504253
const HEADER = 20
type FiveWords = [number, number, number, number, number]
const MOST_PROGRAM = 8 * 4096 // bytes: the longest filter the kernel takes
const MOST_PROFILE = 1 << 20 // bytes; docker's own has 15,000
const MOST_FILES = 64

export interface SeccompWish {
  /** `default`, `unconfined`, or the path of a JSON file. */
  readonly profile: string
  /** The bounding set: CAP_CHOWN … */
  readonly capabilities: readonly string[]
}

/** The step that puts the wished-for filter in place; none for `unconfined`. Throws a UsageError for a bad file. */
export async function seccompSteps({ profile, capabilities }: SeccompWish): Promise<Step[]> {
  if (profile === 'unconfined') return []
  const text = textOf(profile)
  const kernel = profile === 'default' ? '' : readFileSync('/proc/sys/kernel/osrelease', 'utf8').trim()
  const key = [process.arch, ...[...capabilities].sort(), profile].join(' ')
  const path = `${stateDir()}/cache/seccomp/${hash(Buffer.from(key)).toString(16).padStart(8, '0')}.bpf`
  const inputs = Buffer.from([REVISION, kernel, key, text].join('\n'))
  return plan(readCached(path, inputs) ?? (await compileAndKeep(path, inputs, { profile, text, capabilities, kernel })))
}

/** The same filter in the plain form of an OCI config.json; undefined for `unconfined`. */
export async function plainProfile({
  profile,
  ...host
}: SeccompWish & { kernel: string }): Promise<Seccomp | undefined> {
  return profile === 'unconfined' ? undefined : reduceFor({ profile, text: textOf(profile), ...host })
}

/** What is in the file; nothing for our own profile. */
const textOf = (profile: string): string => (profile === 'default' ? '' : readProfile(profile))

/** FNV-1a, 32 bits, of bytes or words. It finds damage, not malice: the directory is root's. */
function hash(values: Uint8Array | Uint32Array): number {
  let sum = 0x811c9dc5
  for (let i = 0; i < values.length; i++) sum = Math.imul(sum ^ values[i]!, 0x01000193)
  return sum >>> 0
}

const words = ({ buffer, byteOffset, length }: Uint8Array) => new Uint32Array(buffer, byteOffset, length / 4)

/** The first `most` bytes of a file; undefined where it is not a plain file, or not one that `trusted` takes. */
function readBounded(path: string, most: number, flags: number, trusted = (_: Stats) => true): Buffer | undefined {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | flags)
  try {
    const stats = fstatSync(fd)
    if (!stats.isFile() || !trusted(stats)) return undefined
    const bytes = Buffer.alloc(Math.min(stats.size, most))
    return bytes.subarray(0, readSync(fd, bytes))
  } finally {
    closeSync(fd)
  }
}

function readProfile(path: string): string {
  const fail = (what: string): never => {
    throw new UsageError(
      `run: --security-opt seccomp=${path}: ${what}; allowed are default, unconfined and a JSON file`,
    )
  }
  let bytes: Buffer | undefined
  try {
    bytes = readBounded(path, MOST_PROFILE + 1, 0)
  } catch (error) {
    return fail(`cannot be read (${(error as NodeJS.ErrnoException).code})`)
  }
  if (bytes === undefined) return fail('not a file')
  return bytes.length > MOST_PROFILE ? fail('more than 1 MiB') : bytes.toString()
}

/** That nobody else can have written it. */
const isOurs = ({ uid, mode }: Stats): boolean => uid === process.geteuid!() && (mode & 0o022) === 0

function readCached(path: string, inputs: Buffer): Program | undefined {
  let bytes: Buffer | undefined
  try {
    bytes = readBounded(path, HEADER + inputs.length + MOST_PROGRAM, constants.O_NOFOLLOW, isOurs)
  } catch {
    return undefined
  }
  if (bytes === undefined || bytes.length < HEADER) return undefined
  const [magic, flags, size, rest, checksum] = [0, 4, 8, 12, 16].map(at => bytes.readUInt32LE(at)) as FiveWords
  const whole = magic === MAGIC && size > 0 && size % 8 === 0 && HEADER + size + rest === bytes.length
  if (!whole || !bytes.subarray(HEADER + size).equals(inputs)) return undefined
  const filter = bytes.subarray(HEADER, HEADER + size)
  return checksum === hash(words(filter)) ? { filter, flags } : undefined
}

const arch = process.arch as 'x64' | 'arm64'

interface ReadWish extends SeccompWish {
  readonly text: string
  readonly kernel: string
}

async function reduceFor({ profile, text, capabilities, kernel }: ReadWish): Promise<Seccomp> {
  const { defaultProfile, parseProfile, reduce } = await import('../primitives/seccomp.ts')
  const parsed = profile === 'default' ? defaultProfile : ofFlag(profile, () => parseProfile(text, profile))
  return reduce(parsed, { arch, capabilities, kernel })
}

/** What is wrong with a profile, said of the flag. */
function ofFlag<T>(profile: string, read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    const why = error.message.replace(/^seccomp profile(?: [^:]*)?: /, '')
    throw new UsageError(`run: --security-opt ${quoteValue(`seccomp=${profile}`)}: ${why}`)
  }
}

async function compileAndKeep(path: string, inputs: Buffer, wish: ReadWish): Promise<Program> {
  const { compile, FLAGS } = await import('../primitives/seccomp.ts')
  const plain = await reduceFor(wish)
  const filter = ofFlag(wish.profile, () => compile(plain, { arch }))
  const flags = (plain.flags ?? []).reduce((bits, name) => bits | FLAGS[name], 0)
  keep(path, inputs, { filter, flags })
  return { filter, flags }
}

/** Writes the file beside and renames it. Where that cannot be, the next start compiles again. */
function keep(path: string, inputs: Buffer, { filter, flags }: Program): void {
  const header = Buffer.alloc(HEADER)
  for (const [i, word] of [MAGIC, flags, filter.length, inputs.length, hash(words(filter))].entries())
    header.writeUInt32LE(word, 4 * i)
  const directory = dirname(path)
  const temporary = `${path}.${process.pid}`
  try {
    makeTree(directory)
    const files = readdirSync(directory)
    if (files.length >= MOST_FILES) for (const name of files) remove(`${directory}/${name}`)
    const { O_WRONLY, O_CREAT, O_EXCL } = constants
    const fd = openSync(temporary, O_WRONLY | O_CREAT | O_EXCL, 0o600)
    try {
      writeSync(fd, Buffer.concat([header, filter, inputs]))
    } finally {
      closeSync(fd)
    }
    renameSync(temporary, path)
  } catch {
    remove(temporary)
  }
}
