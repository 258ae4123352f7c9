// What the commands of the course have in common: their words, and where they stop with one clear line.
import { parseArgs } from 'node:util'
import { type EnsureOptions, ensureBusybox } from '../../toolkit/image/rootfs.ts'
import { UsageError } from '../../toolkit/kernel/usage-error.ts'
import { lessons } from '../index.ts'
import type { Lesson, Task } from '../lesson.ts'

type Options = Record<string, { type: 'string' | 'boolean'; short?: string }>

export interface Words {
  readonly flags: Readonly<Record<string, string | boolean | undefined>>
  readonly words: readonly string[]
}

/** Flags may stand anywhere. `most` is how many other words there may be. */
export function parse(command: string, argv: readonly string[], options: Options, most: number): Words {
  const see = `see 'toolkit ${command.split(' ')[0]} --help'`
  let parsed: Words
  try {
    const all = { ...options, help: { type: 'boolean' as const, short: 'h' } }
    const { values, positionals } = parseArgs({ args: [...argv], options: all, allowPositionals: true })
    parsed = { flags: values as Words['flags'], words: positionals }
  } catch (error) {
    const [message] = (error as Error).message.split(/\. To specify|\n/)
    throw new UsageError(`${command}: ${message!.replace(/\.$/, '')}; ${see}`)
  }
  const extra = parsed.words[most]
  if (extra !== undefined) throw new UsageError(`${command}: what is ${JSON.stringify(extra)} to mean? ${see}`)
  return parsed
}

/** By name (01-chroot), number (1) or the word alone (chroot). */
export function findLesson(wanted: string | undefined, command: string): Lesson {
  const names = lessons.map(({ name }) => name).join(', ')
  if (wanted === undefined) throw new UsageError(`${command}: which lesson? There are: ${names}`)
  const found = lessons.find(({ name }) => {
    const [number, ...word] = name.split('-')
    return name === wanted || word.join('-') === wanted || (/^\d+$/.test(wanted) && Number(number) === Number(wanted))
  })
  if (!found) throw new UsageError(`${command}: no lesson ${JSON.stringify(wanted)}; there are: ${names}`)
  return found
}

/** By number, from 1, or id; its index. */
export function findTask({ name, tasks }: Lesson, wanted: string | undefined, command: string): number {
  const known = tasks.map(({ id }, i) => `${i + 1} ${id}`).join(', ')
  if (wanted === undefined) throw new UsageError(`${command}: which task of ${name}? There are: ${known}`)
  const index = tasks.findIndex(({ id }, i) => id === wanted || String(i + 1) === wanted)
  if (index < 0) throw new UsageError(`${command}: no task ${JSON.stringify(wanted)} in ${name}; there are: ${known}`)
  return index
}

/**
 * What every lab needs: a busybox, and root. For an ordinary user the command runs once more, as root of a user namespace,
 * and this process ends with it. Throws UsageErrors that say why either cannot be had.
 */
export async function prepareForLab(command: string, busybox: EnsureOptions): Promise<void> {
  await ensureBusybox(busybox) // as whoever it is for
  if (process.getuid?.() === 0) return
  const { asRoot } = await import('../../toolkit/engine/rootless.ts')
  process.exit(await asRoot(process.argv.slice(2), command, { apart: true }))
}

export const taskAt = (lesson: Lesson, index: number): Task => lesson.tasks[index]!

export const print = (text: string): void => void process.stdout.write(`${text}\n`)

export const printJson = (value: unknown): void => print(JSON.stringify(value, null, 2))
