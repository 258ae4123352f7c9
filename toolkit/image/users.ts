// From the word of --user to numbers. The kernel knows numbers only; the names are in the image's /etc/passwd and
// /etc/group, passwd(5) and group(5). Docker's rules, but what is not plainly a number is never taken for one, and what
// cannot be understood is never root.
import { quoteValue, UsageError } from '../kernel/usage-error.ts'
import { readInside } from './inside.ts'

/** The largest id, docker's. Beyond it a program that keeps ids in a signed number goes wrong; 2**32 is 0 to the kernel. */
export const MAX_ID = 2 ** 31 - 1

/** A user of an image. */
export interface ImageUser {
  readonly uid: number
  readonly gid: number
  /** With the primary group, which the kernel does not count among them by itself (CVE-2022-36109). */
  readonly additionalGids: readonly number[]
  /** For HOME. */
  readonly home: string
}

export interface UserWish {
  /** UID[:GID] or NAME[:GROUP], mixed as one likes; undefined: root. */
  readonly user: string | undefined
  /** Further groups, names or numbers. */
  readonly groupAdd: readonly string[]
}

interface Entry {
  readonly name: string
  readonly fields: readonly string[]
  /** The third field: uid of a user, gid of a group. */
  readonly id: number
}

/** A number without sign, 0x or other ornament; undefined where it is none that may be an id. */
export const parseId = (text: string): number | undefined =>
  /^\d{1,10}$/.test(text) && Number(text) <= MAX_ID ? Number(text) : undefined

/** The lines that name somebody by a number that may be one; others are as if they were not there. */
function entries(root: string | number, path: string): Entry[] {
  const text = readInside(root, path)?.toString('utf8') ?? ''
  return text.split('\n').flatMap(line => {
    const fields = line.split(':')
    const id = parseId(fields[2] ?? '')
    return id === undefined || fields[0] === '' ? [] : [{ name: fields[0]!, fields, id }]
  })
}

/** What `word` stands for: the first entry of that number or name, or a number that has none. */
function find(word: string, table: readonly Entry[], flag: string, kind: 'user' | 'group', path: string) {
  const refuse = (why: string) => new UsageError(`run: ${flag}: ${why}`)
  const named = table.find(({ name }) => name === word)
  if (!/^\d+$/.test(word)) {
    if (!named) throw refuse(`no such ${kind} in ${path} of the image; give a name from there, or a number`)
    return { id: named.id, entry: named }
  }
  const id = parseId(word)
  if (id === undefined) throw refuse(`${quoteValue(word)} is out of range; allowed: 0 to ${MAX_ID}`)
  if (named && named.id !== id)
    throw refuse(
      `${word} is a number, and also the name of ${kind} ${named.id} in ${path} of the image; give ${named.id}`,
    )
  return { id, entry: table.find(entry => entry.id === id) }
}

const members = ({ fields }: Entry): string[] => (fields[3] ?? '').split(',')

/**
 * Looks the user up in the files of the image at `root` (a path, or a descriptor of its root directory). Without a group
 * it has those that /etc/passwd and /etc/group give it; with one only that one. Throws a UsageError that names the flag.
 */
export function resolveUser(root: string | number, { user = '0', groupAdd }: UserWish): ImageUser {
  const [who = '', group, ...rest] = user.split(':')
  if (who === '' || group === '' || rest.length > 0)
    throw new UsageError(`run: --user ${quoteValue(user)}: allowed: UID[:GID] or NAME[:GROUP]`)
  const flag = `--user ${quoteValue(user)}`
  const groups = entries(root, '/etc/group')
  const users = entries(root, '/etc/passwd').filter(({ fields }) => parseId(fields[3] ?? '') !== undefined)
  const { id: uid, entry } = find(who, users, flag, 'user', '/etc/passwd')
  const findGroup = (word: string, flag: string) => find(word, groups, flag, 'group', '/etc/group').id
  const gid = group === undefined ? Number(entry?.fields[3] ?? 0) : findGroup(group, flag)
  const memberOf = group === undefined && entry ? groups.filter(line => members(line).includes(entry.name)) : []
  const added = groupAdd.map(word => findGroup(word, `--group-add ${quoteValue(word)}`))
  return {
    uid,
    gid,
    additionalGids: [...new Set([gid, ...memberOf.map(({ id }) => id), ...added])],
    home: entry?.fields[5] || '/',
  }
}
