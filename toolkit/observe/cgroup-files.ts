// The files that a cgroup's directories show, and what is written in them. cgroups(7).
import { list, readText } from './read.ts'

/**
 * The files of one cgroup, which on v1 lie in several directories. Of two with the same name the first counts: a hybrid
 * machine's v2 hierarchy, which comes last, has a cpu.stat, too.
 */
export class Files {
  readonly #places: ReadonlyMap<string, string>

  constructor(directories: readonly string[]) {
    this.#places = new Map(
      directories.toReversed().flatMap(directory => list(directory).map(name => [name, directory])),
    )
  }

  directory = (name: string): string | undefined => this.#places.get(name)

  text(name: string): string | undefined {
    const directory = this.#places.get(name)
    return directory === undefined ? undefined : readText(`${directory}/${name}`)?.trim()
  }

  number(name: string): number | undefined {
    const text = this.text(name)
    return text ? toNumber(text) : undefined
  }

  /** A file of lines `KEY VALUE`. */
  table(name: string): Map<string, number> | undefined {
    const text = this.text(name)
    return text === undefined ? undefined : new Map(lines(text).map(([key, value]) => [key!, Number(value)]))
  }
}

/** Lines as their words. */
export const lines = (text: string): string[][] =>
  text
    .split('\n')
    .filter(Boolean)
    .map(line => line.split(' '))

/** A limit; Infinity for none, which v1 writes as -1 or as the largest number of bytes in whole pages, and v2 as max. */
export const toNumber = (text: string): number => {
  const n = text === 'max' ? Number.POSITIVE_INFINITY : Number(text)
  return n < 0 || n > 2 ** 62 ? Number.POSITIVE_INFINITY : n
}
