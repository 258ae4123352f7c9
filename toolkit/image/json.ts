// JSON from strangers. What is not there, or of another type than it should be, is said with the place where it was
// looked for; and a key that nobody asks for is never read, whatever it is called.
import { UsageError } from '../kernel/usage-error.ts'

/** An object of JSON, and where it stands, for messages: `index.json: manifests[0]`. */
export class Fields {
  readonly #object: object
  readonly #where: string

  /** Throws UsageError for what is no object. */
  constructor(value: unknown, where: string) {
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      throw new UsageError(`${where} is ${kindOf(value)}, not an object`)
    this.#object = value
    this.#where = where
  }

  has(key: string): boolean {
    return Object.hasOwn(this.#object, key)
  }

  /** Throws UsageError with what is wrong about this object. */
  refuse(what: string): never {
    throw new UsageError(`${this.#where}: ${what}`)
  }

  #get(key: string): unknown {
    return this.has(key) ? (this.#object as Record<string, unknown>)[key] : undefined
  }

  string(key: string): string {
    const value = this.#get(key)
    return typeof value === 'string' ? value : this.#wrong(key, 'a string')
  }

  /** A key that need not be there; null is as good as not there, as Go writes it. */
  optionalString(key: string): string | undefined {
    return this.#get(key) == null ? undefined : this.string(key)
  }

  /** A whole number, not negative. */
  count(key: string): number {
    const value = this.#get(key)
    return Number.isSafeInteger(value) && (value as number) >= 0
      ? (value as number)
      : this.#wrong(key, 'a whole number')
  }

  strings(key: string): string[] {
    const value = this.#list(key)
    return value.every(entry => typeof entry === 'string') ? value : this.#wrong(key, 'a list of strings')
  }

  optionalStrings(key: string): string[] | undefined {
    return this.#get(key) == null ? undefined : this.strings(key)
  }

  object(key: string): Fields {
    return new Fields(this.#get(key), `${this.#where}: ${key}`)
  }

  optionalObject(key: string): Fields | undefined {
    return this.#get(key) == null ? undefined : this.object(key)
  }

  objects(key: string): Fields[] {
    return this.#list(key).map((entry, i) => new Fields(entry, `${this.#where}: ${key}[${i}]`))
  }

  #list(key: string): unknown[] {
    const value = this.#get(key)
    return Array.isArray(value) ? value : this.#wrong(key, 'a list')
  }

  #wrong(key: string, wanted: string): never {
    const value = this.#get(key)
    return this.refuse(value === undefined ? `${key} is missing` : `${key} is ${kindOf(value)}, not ${wanted}`)
  }
}

function kindOf(value: unknown): string {
  if (value === undefined) return 'missing'
  if (value === null) return 'null'
  return Array.isArray(value) ? 'a list' : typeof value === 'object' ? 'an object' : JSON.stringify(value)
}

/** Reads a file of JSON that holds an object. Throws UsageError that begins with `where`. */
export function parseObject(bytes: Uint8Array, where: string): Fields {
  let value: unknown
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch (error) {
    throw new UsageError(`${where} is no JSON: ${(error as Error).message}`)
  }
  return new Fields(value, where)
}
