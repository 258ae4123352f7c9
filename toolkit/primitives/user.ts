// The user namespace: root inside, nobody special outside. user_namespaces(7).
//
// A new one has no users at all until somebody outside says who is who: a map from ids inside to ids outside, written
// once. The process waits meanwhile, and must not start a program: without a map it would lose its capabilities then.
import { closeSync, openSync, writeSync } from 'node:fs'
import { type Action, type Context, callAction, resolve } from '../kernel/action.ts'
import { invoke } from '../kernel/call.ts'
import { AT, CLONE, MOUNT_ATTR, OPEN_TREE } from '../kernel/constants.ts'
import { formatCall } from '../kernel/format.ts'
import { mountAttr } from '../kernel/mount-structs.ts'
import { start } from '../kernel/start.ts'
import { type Descriptor, type Gate, type Namespace, type Step, step } from '../kernel/step.ts'
import { UsageError } from '../kernel/usage-error.ts'

const lesson = '07-user'

export const namespace: Namespace = {
  flag: CLONE.NEWUSER,
  why: 'users of its own: its root has power over what belongs to the container, and none outside',
  lesson,
  shell: '--user',
}

/** An entry of `linux.uidMappings`: `size` ids from `containerID` on are those from `hostID` on outside. */
export interface IdMapping {
  readonly containerID: number
  readonly hostID: number
  readonly size: number
}

/** The part of `linux` in an OCI config.json. */
export interface Mappings {
  readonly uidMappings: readonly IdMapping[]
  readonly gidMappings: readonly IdMapping[]
}

const MAX_RANGES = 340 // what the kernel takes in a map
const MAX_ID = 2 ** 32 - 2 // the one above means "no id"

/** The text of /proc/PID/uid_map. Throws UsageError for a map that the kernel would refuse, or that has no root. */
export function formatMap(map: readonly IdMapping[], what: 'uid' | 'gid'): string {
  const refuse = (why: string) => new UsageError(`${what} map: ${why}`)
  if (map.length > MAX_RANGES) throw refuse(`${map.length} ranges are too many; the kernel takes ${MAX_RANGES}`)
  for (const { containerID, hostID, size } of map) {
    if (size < 1 || Math.max(containerID, hostID) + size - 1 > MAX_ID)
      throw refuse(`${containerID}:${hostID}:${size} is not a range of ids between 0 and ${MAX_ID}`)
  }
  for (const side of ['containerID', 'hostID'] as const) {
    const sorted = map.toSorted((a, b) => a[side] - b[side])
    const clash = sorted.findIndex((range, i) => i > 0 && sorted[i - 1]![side] + sorted[i - 1]!.size > range[side])
    if (clash > 0) throw refuse(`${sorted[clash]![side]} is in two ranges; each id has one partner`)
  }
  if (outside(map, 0) === undefined) throw refuse('0 is in no range; the container needs a root to be set up')
  return map.map(({ containerID, hostID, size }) => `${containerID} ${hostID} ${size}\n`).join('')
}

/** Who an id of the container is outside; undefined where it is nobody. */
export function outside(map: readonly IdMapping[], id: number): number | undefined {
  const range = map.find(({ containerID, size }) => id >= containerID && id < containerID + size)
  return range && range.hostID + id - range.containerID
}

/** Mount options without the owners (uid=, gid=) that are nobody in the namespace: the kernel would refuse them. */
export const withoutStrangers = (options: readonly string[], { uidMappings, gidMappings }: Mappings): string[] =>
  options.filter(option => {
    const [, what, id] = /^([ug]id)=(\d+)$/.exec(option) ?? []
    return what === undefined || outside(what === 'uid' ? uidMappings : gidMappings, Number(id)) !== undefined
  })

const maps = ({ uidMappings, gidMappings }: Mappings) => [
  { file: 'uid_map', text: formatMap(uidMappings, 'uid') },
  { file: 'gid_map', text: formatMap(gidMappings, 'gid') },
]

function writeMap(pid: number, file: string, text: string): void {
  const fd = openSync(`/proc/${pid}/${file}`, 'w')
  try {
    writeSync(fd, text) // in one write, and the only one: the kernel takes no second
  } finally {
    closeSync(fd)
  }
}

/**
 * The map that everybody may write without any right: one's own id is 0, and nobody else is anybody. For groups the kernel
 * takes it when the namespace's setgroups(2) is off, for good: else one could leave a group that is kept out of a file.
 */
export function writeOwnMap(pid: number, what: 'uid' | 'gid', id: number): void {
  if (what === 'gid') writeMap(pid, 'setgroups', 'deny')
  writeMap(pid, `${what}_map`, `0 ${id} 1\n`)
}

export const USER_GATE = 'user namespace'

/** Where the process waits until its users are known. Before anything that starts a program: in `Plan.first`. */
export function gate(mappings: Mappings): Gate {
  const actions = maps(mappings).map(
    ({ file, text }): Action => ({
      text: `write("/proc/PID/${file}", ${JSON.stringify(text)})`,
      why: `who the ${file === 'uid_map' ? 'users' : 'groups'} of the container are outside; all others are nobody`,
      lesson,
      shell: `printf '${text.replaceAll('\n', '\\n')}' >/proc/PID/${file}`,
      apply: ({ process }) => writeMap(process!.pid, file, text),
    }),
  )
  return { gate: USER_GATE, actions }
}

/** Behind the gate: the process is still who it was outside, and that is nobody here. */
export function becomeRoot(): Step[] {
  const about = { lesson, shell: '' } as const
  return [
    step('setgroups', [0, null], {
      ...about,
      why: 'the groups of whoever started this mean nothing here; a namespace made by an ordinary user may forbid it',
      allow: ['EPERM'],
    }),
    step('setresgid', [0, 0, 0], { ...about, why: 'group 0 of the namespace, whoever that is outside' }),
    step('setresuid', [0, 0, 0], {
      lesson,
      why: 'its root: files it makes belong to the user outside that the map names',
      shell: 'setpriv --reuid 0 --regid 0 --clear-groups',
    }),
  ]
}

/** A user namespace that nobody is in: made with a process, kept by a descriptor. */
function holdNamespace(name: string, mappings: Mappings): Action {
  const text = maps(mappings).map(({ file, text }) => `${file} ${JSON.stringify(text)}`)
  return {
    text: `${name} = open("/proc/PID/ns/user", O_RDONLY|O_CLOEXEC) of a process with ${text.join(' and ')}`,
    why: 'the kernel takes a map of ids in the shape of a user namespace',
    lesson,
    shell: '',
    apply({ descriptors }) {
      const process = start({ namespaces: [namespace], first: [{ gate: USER_GATE }], steps: [] })
      try {
        process.next()
        for (const { file, text } of maps(mappings)) writeMap(process.pid, file, text)
        descriptors.set(name, openSync(`/proc/${process.pid}/ns/user`, 'r'))
      } finally {
        process.abort()
      }
    },
  }
}

/**
 * Layers as the container's users see them: id-mapped copies of their mounts, in which a file of user 0 belongs to the
 * user outside that is the container's 0. Nothing is changed on the disk, and others may use the same layers with other
 * maps. Linux 5.12, on a file system that can (ext4, btrfs, xfs; tmpfs since 6.3). mount_setattr(2), ID-mapped mounts.
 */
export function mapLayers(
  lower: readonly string[],
  mappings: Mappings,
): { readonly actions: readonly Action[]; readonly layers: readonly Descriptor[] } {
  const layers = lower.map((_, i) => ({ descriptor: `layer-${i}` }))
  const copies = lower.flatMap((path, i) => [
    callAction(
      step('open_tree', [AT.FDCWD, path, OPEN_TREE.CLONE | OPEN_TREE.CLOEXEC], {
        why: 'a copy of the mount that the layer lies on, attached nowhere',
        lesson,
        shell: '',
      }),
      layers[i]!.descriptor,
    ),
    mapIds(layers[i]!, USERS),
  ])
  return { actions: [holdNamespace(USERS, mappings), ...copies], layers }
}

const USERS = 'users-of-the-container'

function mapIds(tree: Descriptor, userns: string): Action {
  const args = (fd: number) => [tree, '', AT.EMPTY_PATH, mountAttr({ set: MOUNT_ATTR.IDMAP, userns: fd }), 32] as const
  return {
    text: formatCall('mount_setattr', args(0)).replace('MOUNT_ATTR_IDMAP', `MOUNT_ATTR_IDMAP, userns_fd=${userns}`),
    why: 'files of the image’s user 0 are files of the container’s root',
    lesson,
    shell: '',
    apply(context: Context) {
      invoke('mount_setattr', resolve(args(context.descriptors.get(userns)!), context))
    },
  }
}
