// The networks that a container shall be in: as its flags have said, and as `network connect` and `network disconnect`
// have changed that since. The change is a file of its own, networks.json in the container's directory, written only by
// those two: whoever starts the container next reads it.
//
// The rule for the way out: the first network that is not internal has the default route and the published ports. One
// that is connected later takes neither away; with `disconnect` the next one takes both over.
import { existsSync, readFileSync } from 'node:fs'
import { UsageError } from '../../kernel/usage-error.ts'
import { writeJson } from '../state/files.ts'

/** Another container under a name of one's own choice. */
export interface Link {
  /** As the user has called it: name or id. */
  readonly name: string
  readonly alias: string
}

/** What a container wants of one network. */
export interface Endpoint {
  /** Undefined: the engine's own, `bridge`. */
  readonly name?: string | undefined
  /** Its address; only in the network of a user. Default: the lowest that is free. */
  readonly ip?: string | undefined
  /** Other names for it there. */
  readonly aliases: readonly string[]
  readonly mac?: string | undefined
  /** With `network connect --link`. */
  readonly links?: readonly Link[]
}

const VERSION = 1

const pathOf = (directory: string): string => `${directory}/networks.json`

const isTexts = (found: unknown): boolean => Array.isArray(found) && found.every(text => typeof text === 'string')
const isEndpoint = (found: Partial<Endpoint> | null): boolean =>
  [found?.name, found?.ip, found?.mac].every(text => text === undefined || typeof text === 'string') &&
  isTexts(found?.aliases)

/**
 * The networks of a container whose directory this is, where they have been changed; undefined where they have not.
 * Throws a UsageError (exit code 1) for a file that is not ours to understand.
 */
export function readEndpoints(directory: string): readonly Endpoint[] | undefined {
  const path = pathOf(directory)
  if (!existsSync(path)) return undefined
  try {
    const found = JSON.parse(readFileSync(path, 'utf8')) as { version?: number; endpoints?: Endpoint[] } | null
    if (found?.version === VERSION && found.endpoints?.every(isEndpoint)) return found.endpoints
  } catch {}
  throw new UsageError(`${path} is not a list of networks of version ${VERSION}`, 1)
}

export function writeEndpoints(directory: string, endpoints: readonly Endpoint[]): void {
  writeJson(pathOf(directory), { version: VERSION, endpoints }, { durable: true })
}
