// Bind mounts: files of the host at another place in the container. mount(2), open_tree(2), mount_setattr(2).
//
// The engine copies the mounts at the source into a tree that is attached nowhere and gives that the attributes it shall
// have; the new process attaches it. So the source is looked up by the engine, in the host's files only, and the
// destination by a process that sees the container's files only: no symbolic link of an image leads from one to the other.
import { type Action, callAction } from '../kernel/action.ts'
import { AT, MOUNT_ATTR, MOVE_MOUNT, MS, O, OPEN_TREE, RESOLVE, S } from '../kernel/constants.ts'
import { type MountAttr, mountAttr, openHow } from '../kernel/mount-structs.ts'
import { type Descriptor, type Step, step } from '../kernel/step.ts'

const lesson = '18-volumes'
const inside = { lesson, shell: '' } as const

/** A mount entry of an OCI config.json with the option `bind` or `rbind`. */
export interface Bind {
  readonly source: string
  readonly destination: string
  /** Besides those of mount(8): `rotop`, read-only but for what is mounted below it. */
  readonly options: readonly string[]
  /** A path below the source: looked up with that as the root, so that no link in it leads out. */
  readonly below?: string | undefined
}

const ATIME = 0x70 // MOUNT_ATTR__ATIME: one field of three bits, so it is cleared before it is set

/** mount(8)'s words as attributes of a mount. */
const ATTRIBUTES: Record<string, Pick<MountAttr, 'set' | 'clear'>> = {
  ro: { set: MOUNT_ATTR.RDONLY },
  rro: { set: MOUNT_ATTR.RDONLY },
  nosuid: { set: MOUNT_ATTR.NOSUID },
  nodev: { set: MOUNT_ATTR.NODEV },
  noexec: { set: MOUNT_ATTR.NOEXEC },
  noatime: { set: MOUNT_ATTR.NOATIME, clear: ATIME },
  relatime: { clear: ATIME },
  strictatime: { set: MOUNT_ATTR.STRICTATIME, clear: ATIME },
  nodiratime: { set: MOUNT_ATTR.NODIRATIME },
}

const PROPAGATION: Record<string, number> = { shared: MS.SHARED, slave: MS.SLAVE, unbindable: MS.UNBINDABLE }

/** What is changed in a copy, in all its mounts at once: a file system mounted below a read-only one is no way to write. */
function attributesOf(options: readonly string[]): MountAttr {
  const words = options.flatMap(word => ATTRIBUTES[word] ?? [])
  const spreads = options.map(word => PROPAGATION[word.replace(/^r/, '')]).find(Boolean)
  return {
    set: words.reduce((bits, { set = 0 }) => bits | set, 0),
    clear: words.reduce((bits, { clear = 0 }) => bits | clear, 0),
    propagation: spreads ?? MS.PRIVATE,
  }
}

/**
 * Copies what is mounted at `source`, with `rbind` all that is mounted below it, too: the descriptor `name` from now on.
 * Nothing mounted in it shows up on the host, and nothing there in it, where no other propagation is asked for.
 */
export function tree(name: string, { source, destination, options, below }: Bind): Action[] {
  const recursive = options.includes('rbind')
  const flags = OPEN_TREE.CLONE | OPEN_TREE.CLOEXEC | (recursive ? AT.RECURSIVE : 0)
  const from =
    below === undefined ? [AT.FDCWD, source, flags] : [{ descriptor: `${name} below` }, '', flags | AT.EMPTY_PATH]
  return [
    ...(below === undefined ? [] : openBelow(name, source, below)),
    callAction(
      step('open_tree', from, {
        why: 'a copy of what is mounted there, attached nowhere yet',
        lesson,
        shell: `mount --${recursive ? 'rbind' : 'bind'} ${below === undefined ? source : `${source}/${below}`} ${destination}`,
      }),
      name,
    ),
    callAction(
      step(
        'mount_setattr',
        [
          { descriptor: name },
          '',
          AT.EMPTY_PATH | (recursive ? AT.RECURSIVE : 0),
          mountAttr(attributesOf(options)),
          32,
        ],
        {
          why: options.some(word => ATTRIBUTES[word] === ATTRIBUTES.ro || word === 'rro')
            ? 'read-only in every part, and its own: nothing is mounted from here to there or back'
            : 'its own: what may be mounted from here to there and back is only what was asked for',
          lesson,
          shell: `mount -o remount,bind,${options.join(',')} ${destination}`,
        },
      ),
    ),
    ...(options.includes('rotop') ? [readOnlyTop(name, destination)] : []),
  ]
}

const openBelow = (name: string, source: string, below: string): Action[] => [
  callAction(
    step('openat', [AT.FDCWD, source, O.PATH | O.DIRECTORY | O.CLOEXEC, 0], {
      ...inside,
      why: 'the root for the path below it',
    }),
    `${name} above`,
  ),
  callAction(
    step(
      'openat2',
      [
        { descriptor: `${name} above` },
        below,
        openHow(O.PATH | O.CLOEXEC, RESOLVE.IN_ROOT | RESOLVE.NO_MAGICLINKS),
        24,
      ],
      {
        ...inside,
        why: 'who can write there may make a link to anywhere: it is followed as if the source were the root',
      },
    ),
    `${name} below`,
  ),
]

const readOnlyTop = (name: string, destination: string): Action =>
  callAction(
    step('mount_setattr', [{ descriptor: name }, '', AT.EMPTY_PATH, mountAttr({ set: MOUNT_ATTR.RDONLY }), 32], {
      why: 'read-only, but for what is mounted below it: as was asked for',
      lesson,
      shell: `mount -o remount,bind,ro ${destination}`,
    }),
  )

/**
 * Makes the place for a mount, and opens it as descriptor 3. A symbolic link is followed as the container would follow
 * it, but none of /proc that leads to whatever a process has open. `links: 'refuse'`: none at all; `'cover'`: not the
 * destination itself, which is mounted on where it is a link (perhaps to nowhere). Run it when the container's files are
 * the root and working directory, and the old root is gone.
 */
export function mountPoint(
  destination: string,
  kind: 'directory' | 'file',
  links: 'follow' | 'refuse' | 'cover' = 'follow',
): Step[] {
  const resolve = links === 'refuse' ? RESOLVE.NO_SYMLINKS : RESOLVE.NO_MAGICLINKS
  const flags = (kind === 'directory' ? O.DIRECTORY : 0) | (links === 'cover' ? O.NOFOLLOW : 0)
  const names = destination.split('/').filter(Boolean)
  const make = (name: string, i: number) => (kind === 'file' && i === names.length - 1 ? file(name) : directory(name))
  return [
    ...names.flatMap((name, i) => [...open(names.slice(0, i), O.DIRECTORY, resolve), make(name, i)]),
    ...open(names, flags, resolve),
  ]
}

const open = (names: readonly string[], flags: number, resolve: number): Step[] => [
  step('close_range', [3, 3, 0], {
    ...inside,
    why: 'makes 3 the lowest free descriptor, so that the next call returns it',
  }),
  step('openat2', [AT.FDCWD, names.join('/') || '.', openHow(O.PATH | O.CLOEXEC | flags, resolve), 24], {
    ...inside,
    why: 'a directory held open stays the same one, whatever becomes of its name',
  }),
]

const directory = (name: string): Step =>
  step('mkdirat', [3, name, 0o755], {
    why: 'a directory is mounted on a directory; that it is there already is as good',
    lesson,
    shell: `mkdir -p ${name}`,
    allow: ['EEXIST'],
  })

const file = (name: string): Step =>
  step('mknodat', [3, name, S.IFREG | 0o644, 0], {
    why: 'a file is mounted on a file; that it is there already is as good',
    lesson,
    shell: `touch ${name}`,
    allow: ['EEXIST'],
  })

/** Attaches a copied tree at the place that `mountPoint` has opened, or another descriptor of one. */
export function attach(name: string, place: number | Descriptor = 3): Step[] {
  return [
    step('move_mount', [{ descriptor: name }, '', place, '', MOVE_MOUNT.F_EMPTY_PATH | MOVE_MOUNT.T_EMPTY_PATH], {
      why: 'the host’s files appear here',
      lesson,
      shell: '',
    }),
  ]
}
