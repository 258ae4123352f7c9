// Something in the state that is not as it should be: what it means, and how it is put right. To look changes nothing.
import { renameSync } from 'node:fs'
import { basename, dirname } from 'node:path'

export type Kind = 'container' | 'name' | 'volume' | 'network' | 'lab' | 'cache' | 'cgroup' | 'mount' | 'process'

export interface Finding {
  readonly kind: Kind
  /** Which one: a name, an id, a path. */
  readonly subject: string
  /** One line. */
  readonly meaning: string
  /** Puts it right, and says what was done. Not there where a person has to. Throws where it cannot be done now. */
  readonly repair?: () => string | Promise<string>
}

const MARK = /\.corrupt-\d{8}T\d{6}Z$/

/** What a repair has put aside: nobody looks at it any more but a person. */
export const isAside = (name: string): boolean => MARK.test(name)

/** Puts a file or directory aside; nothing of it is lost. Returns what to say. */
export function setAside(path: string, name = basename(path), directory = dirname(path)): string {
  const time = new Date().toISOString().replace(/[-:]|\.\d+/g, '')
  const aside = `${directory}/${name}.corrupt-${time}`
  renameSync(path, aside)
  return `set aside as ${aside}`
}
