// Copies between a container and the host, by docker's rules of where things end up:
//
//   the source is   the destination is     then
//   a file          a directory            it goes into it
//                   a file                 it takes its place
//                   not there              it is made, if the directory it is in is there
//   a directory     a directory            it goes into it; with `/.` at its end only what is in it does
//                   not there              it is made, and holds what is in the source
//                   a file                 that is an error
import { closeSync, fstatSync, openSync, type Stats } from 'node:fs'
import { O } from '../../kernel/constants.ts'
import { UsageError } from '../../kernel/usage-error.ts'
import { type ContainerRoot, insideIds, openContainer, outsideIds } from './container-root.ts'
import { type Entries, type Entry, fromText, split, toText } from './entry.ts'
import { locate, type Within } from './locate.ts'
import { readTar } from './read-tar.ts'
import { readTree, textOf } from './read-tree.ts'
import { writeTar } from './write-tar.ts'
import { type Making, writeTree } from './write-tree.ts'

export interface Place {
  /** Undefined: the host. */
  readonly container: string | undefined
  readonly path: string
}

export interface CopyWish {
  /** Owners are those of the source, and on the host rights and attributes, too. */
  readonly archive: boolean
  /** Where the source is a symlink, what it leads to. */
  readonly followLink: boolean
  /** Is told the paths of devices that are not made. */
  readonly leftOut?: (path: string) => void
}

interface Root extends Pick<ContainerRoot, 'fd' | 'users'> {
  readonly within: Within
  close(): void
}

const refuse = (path: string, why: string): UsageError => new UsageError(`${toText(path)}: ${why}`, 1)

/** All paths begin at the root of what they are looked up in. */
async function open({ container, path }: Place): Promise<{ root: Root; path: string }> {
  if (container !== undefined)
    return { root: { ...(await openContainer(container)), within: 'root' }, path: fromText(path) }
  const fd = openSync('/', O.PATH + O.DIRECTORY + O.CLOEXEC)
  const whole = path.startsWith('/') ? path : `${process.cwd()}/${path}`
  return { root: { fd, users: undefined, within: 'host', close: () => closeSync(fd) }, path: fromText(whole) }
}

/** The kernel takes a path from here as from the root itself. */
const relative = (path: string): string => path.replace(/^\/+/, '')

interface Source {
  readonly entries: Entries
  readonly isDirectory: boolean
  /** Only what is in it. */
  readonly contents: boolean
  readonly name: string
}

const IS_CONTENTS = /(^|\/)\.?$/ // ends with / or /., or is nothing else

/** The name of a thing in the directory that it is in; of the root '.'. */
function nameOf(path: string): string {
  const words = path.split('/').filter(word => word !== '' && word !== '.')
  return words.at(-1) ?? '.'
}

function openSource(root: Root, path: string, { followLink }: CopyWish): Source & { close(): void } {
  const asked = /(^|\/)\.?$/.test(path) // a directory, and through a link
  const fd = locate(root.fd, relative(path), { within: root.within, noFollow: !followLink && !asked })
  if (fd === undefined) throw refuse(path, 'there is no such file or directory')
  const stat = fstatSync(fd)
  if (asked && !stat.isDirectory()) {
    closeSync(fd)
    throw refuse(path, 'is not a directory')
  }
  return {
    entries: readTree(fd, {
      ...{ owners: insideIds(root.users), from: path },
      symlink: stat.isSymbolicLink() ? linkText(root, path) : undefined,
    }),
    isDirectory: stat.isDirectory(),
    contents: /(^|\/)\.$/.test(path),
    name: nameOf(path),
    close: () => closeSync(fd),
  }
}

/** What a symlink says that is no directory's own entry. */
function linkText(root: Root, path: string): string {
  const [above, name] = split(path)
  const directory = locate(root.fd, relative(above), { within: root.within, directory: true })
  if (directory === undefined) return ''
  try {
    return textOf(directory, name)
  } finally {
    closeSync(directory)
  }
}

/** Where copies go: a directory, and what the top of them is called in it ('': they go into it). */
interface Target {
  readonly directory: number
  readonly name: string
}

const LINKS = 40 // as many as the kernel follows

function openTarget(root: Root, path: string, source: Source): Target {
  const { within } = root
  const look = (path: string, noFollow = false) => locate(root.fd, relative(path), { within, noFollow })
  const wantsDirectory = IS_CONTENTS.test(path)
  let at = path
  for (let links = 0; links < LINKS; links++) {
    const found = look(at)
    if (found !== undefined) {
      const stat = fstatSync(found)
      if (stat.isDirectory()) return { directory: found, name: source.contents ? '' : source.name }
      closeSync(found)
      if (source.isDirectory) throw refuse(path, 'cannot copy a directory over a file')
      if (wantsDirectory) throw refuse(path, 'is not a directory')
      checkFile(stat, path)
    } else if (wantsDirectory && !source.isDirectory) throw refuse(path, 'there is no such directory')
    const [above, name] = split(at.replace(/\/+\.?$/, ''))
    const directory = locate(root.fd, relative(above), { within, directory: true })
    if (directory === undefined) throw refuse(path, 'the directory that it would be in is not there')
    const text = textOf(directory, name)
    if (text === '') return { directory, name }
    closeSync(directory)
    at = text.startsWith('/') ? text : `${above}/${text}` // through the link, as the shell's > does
  }
  throw refuse(path, 'is a link in a circle')
}

/** Nobody means to replace /dev/null by a file. */
function checkFile(stat: Stats, path: string): void {
  if (!stat.isFile()) throw refuse(path, 'is a device, a pipe or a socket; give a file or a directory')
}

const EVERYTHING = 0o7777
const NO_MORE_POWER = 0o1777 // no set-user-ID: a program of the container is not to run as us for everybody on the host

/** Who owns the copies, and what they may. */
function rightsOf(root: Root, archive: boolean): Pick<Making, 'owner' | 'rights' | 'attributes' | 'devices'> {
  const { uid, gid } = outsideIds(root.users)
  const keep = (entry: Entry) => [uid(entry.uid), gid(entry.gid)] as const
  if (root.within === 'root')
    return {
      owner: archive ? keep : () => [uid(0), gid(0)],
      rights: EVERYTHING,
      devices: true,
      attributes: name => name.startsWith('user.') || (name === 'security.capability' && !root.users),
    }
  return {
    owner: archive ? keep : () => [process.geteuid!(), process.getegid!()],
    rights: archive ? EVERYTHING : NO_MORE_POWER,
    devices: archive, // nor a disk of the host, under a name that everybody may read
    attributes: () => archive,
  }
}

/** Where a file of the source ends up, by its path in the source. */
const rename =
  (top: string) =>
  (path: string): string =>
    top === '' ? path : path === '' ? top : `${top}/${path}`

/** Copies. Returns how many bytes of content that were. Throws UsageError (exit code 1), KernelError, errors of node:fs. */
export async function copy(from: Place, to: Place, wish: CopyWish): Promise<number> {
  const { root: fromRoot, path } = await open(from)
  try {
    const source = openSource(fromRoot, path, wish)
    try {
      const { root, path } = await open(to)
      try {
        const { directory, name } = openTarget(root, path, source)
        try {
          return await writeTree(source.entries, {
            directory: path => locate(directory, path, { within: 'beneath', directory: true }),
            rename: rename(name),
            makeParents: false,
            ...(wish.leftOut && { leftOut: wish.leftOut }),
            ...rightsOf(root, wish.archive),
          })
        } finally {
          closeSync(directory)
        }
      } finally {
        root.close()
      }
    } finally {
      source.close()
    }
  } finally {
    fromRoot.close()
  }
}

/** As an archive in pieces; its paths begin with the name of the source, or with `.` for what is in it. */
export async function* copyOut(from: Place, wish: CopyWish): AsyncGenerator<Buffer> {
  const { root, path } = await open(from)
  try {
    const source = openSource(root, path, wish)
    try {
      yield* writeTar(source.entries, rename(source.contents ? '.' : source.name))
    } finally {
      source.close()
    }
  } finally {
    root.close()
  }
}

/** Unpacks an archive into a directory that is there. Owners are those of the archive. Returns the bytes of content. */
export async function copyIn(archive: AsyncIterable<Buffer>, to: Place): Promise<number> {
  const { root, path } = await open(to)
  try {
    const found = locate(root.fd, relative(path), { within: root.within, directory: true })
    if (found === undefined) throw refuse(path, 'an archive goes into a directory, and there is none')
    closeSync(found)
    // Links in the container count, also on the way to a file of the archive; wherever they lead, it is inside.
    const top = relative(path)
    return await writeTree(readTar(archive), {
      directory: path => locate(root.fd, `${top}/${path}`.replace(/^\//, ''), { within: root.within, directory: true }),
      rename: path => path,
      makeParents: true,
      ...rightsOf(root, true),
    })
  } finally {
    root.close()
  }
}
