// Overlay: several directories seen as one. Reads fall through the layers from the top, writes land in `upper`, and what
// lies below is never changed: many containers share one root file system. kernel.org, filesystems/overlayfs.
//
// There are two ways to one. The engine builds a detached mount, which exists as a descriptor only and is attached by
// whoever gets it (fsopen(2) and friends); or the new process calls mount(2) in its own mount namespace. Neither mounts
// anything on the host. The first takes layers one by one, and tells in words what it does not like.
import { closeSync, readFileSync } from 'node:fs'
import { type Action, type Context, callAction } from '../kernel/action.ts'
import { attempt, invoke } from '../kernel/call.ts'
import { findCause } from '../kernel/causes.ts'
import { AT, CLONE, FSCONFIG, FSMOUNT, FSOPEN, MOVE_MOUNT, MS, O } from '../kernel/constants.ts'
import { ERRNO } from '../kernel/errno.ts'
import { KernelError } from '../kernel/error.ts'
import { formatCall } from '../kernel/format.ts'
import { start } from '../kernel/start.ts'
import { type Arg, type Descriptor, type Step, step } from '../kernel/step.ts'
import type { SyscallName } from '../kernel/syscalls.ts'
import { UsageError } from '../kernel/usage-error.ts'

const lesson = '12-overlay'

export interface Layers {
  /** Read-only directories, the topmost first. */
  readonly lower: readonly string[]
  /** Where changes go. Not on an overlay itself. */
  readonly upper: string
  /** An empty directory on the same file system as `upper`, for the kernel's use. */
  readonly work: string
  /** The changes will be thrown away: the kernel need not write them to the disk when the last user has gone. */
  readonly volatile?: boolean
  /** What it has to remember of a directory goes into attributes that anybody may set: in a user namespace it has no others. */
  readonly userAttributes?: boolean
}

/** The kernel's OVL_MAX_STACK. */
export const MAX_LAYERS = 500

// Extended attributes in a layer can send the kernel to another path (redirect) or to another file's content (metacopy).
// Layers come from strangers, and a list of changes shall need no more than whiteouts and opaque directories.
const OPTIONS = { redirect_dir: 'nofollow', metacopy: 'off' } as const

function check(lower: readonly unknown[]): void {
  if (lower.length === 0) throw new UsageError('an overlay needs at least one layer to read from')
  if (lower.length > MAX_LAYERS)
    throw new UsageError(`${lower.length} layers are too many for one overlay; the kernel takes ${MAX_LAYERS}`)
}

/** Whether this kernel takes layers one by one. Asks it, and leaves nothing behind; it answers root only. */
export function canDetach(): boolean {
  const context = attempt('fsopen', ['overlay', FSOPEN.CLOEXEC])
  if (context === -ERRNO.EPERM) return isSince(6, 5)
  if (context < 0) return false
  const taken = attempt('fsconfig', [context, FSCONFIG.SET_STRING, 'lowerdir+', '/', 0])
  closeSync(context)
  return taken >= 0
}

function isSince(major: number, minor: number): boolean {
  const [here = 0, below = 0] = readFileSync('/proc/sys/kernel/osrelease', 'utf8').split('.').map(Number)
  return here > major || (here === major && below >= minor)
}

// Literally, as the kernel takes it: upperdir and workdir know a backslash, a value has 255 bytes at most.
const isPlain = (path: string): boolean => [...'\\,:\n'].every(c => !path.includes(c)) && Buffer.byteLength(path) < 256

/** A call on the file system under construction, whose descriptor keeps the kernel's words about a failure. */
const contextAction = (what: Step, opens?: string): Action => callAction(what, opens, invokeAndAsk)

function invokeAndAsk(call: SyscallName, args: readonly Arg[]): number {
  const result = attempt(call, args)
  if (result >= 0) return result
  const words = Buffer.alloc(1024)
  const length = Math.max(attempt('read', [args[0]!, words, words.length]), 0)
  const said = words
    .toString('utf8', 0, length)
    .replace(/^[ewi] /, '')
    .trim()
  const told = { text: formatCall(call, args), found: findCause(call, args, -result), said: said || undefined }
  throw new KernelError(call, args, -result, undefined, told)
}

/**
 * The overlay as a detached mount: the descriptor `name` from now on. What is odd in a path (a comma, a backslash, more
 * than 255 bytes) cannot be told literally; then it is opened, and named by its descriptor. Throws UsageError for more
 * layers than the kernel takes.
 */
export function detached(layers: Layers, name: string): Action[] {
  check(layers.lower)
  const { lower, upper, work, volatile, userAttributes } = layers
  const fs = { descriptor: `${name}-under-construction` }
  const inside = { lesson, shell: '' } as const
  const set = (key: string, value: string, why: string): Action =>
    contextAction(step('fsconfig', [fs, FSCONFIG.SET_STRING, key, value, 0], { ...inside, why }))
  const flag = (key: string, why: string): Action =>
    contextAction(step('fsconfig', [fs, FSCONFIG.SET_FLAG, key, null, 0], { ...inside, why }))
  const directory = (key: string, path: string, why: string): Action[] => {
    if (isPlain(path)) return [set(key, path, why)]
    const opened = `${name}-${key}-${path}`
    const open = step('openat', [AT.FDCWD, path, O.PATH | O.DIRECTORY | O.CLOEXEC, 0], {
      ...inside,
      why: 'a path with a comma, colon or backslash in it, or too long a one, could be taken for something else',
    })
    return [callAction(open, opened), byDescriptor(fs, key, opened, why)]
  }
  return [
    callAction(
      step('fsopen', ['overlay', FSOPEN.CLOEXEC], { ...inside, why: 'a file system begins as a list of wishes' }),
      fs.descriptor,
    ),
    set('source', 'overlay', 'the name that mountinfo shows'),
    ...lower.flatMap((path, i) => directory('lowerdir+', path, i === 0 ? 'the topmost layer' : 'the layer below')),
    ...directory('upperdir', upper, 'writes go here, and no layer ever changes'),
    ...directory('workdir', work, 'the kernel prepares here what then appears in upper at once'),
    ...Object.entries(OPTIONS).map(([key, value]) =>
      set(key, value, 'no layer shall send a reader to another place by an attribute of its files'),
    ),
    ...(volatile ? [flag('volatile', 'the changes will be thrown away, so nobody waits for the disk')] : []),
    ...(userAttributes ? [flag('userxattr', 'the usual attributes, trusted.overlay.*, are for real root')] : []),
    contextAction(
      step('fsconfig', [fs, FSCONFIG.CMD_CREATE, null, null, 0], { ...inside, why: 'the wishes become a file system' }),
    ),
    contextAction(
      step('fsmount', [fs, FSMOUNT.CLOEXEC, 0], {
        lesson,
        why: 'a mount that is mounted nowhere: it ends with its last descriptor, so that no crash can leave it behind',
        shell: `mount -t overlay overlay -o ${optionsOf(layers)} DIR`,
      }),
      name,
    ),
  ]
}

function byDescriptor(fs: Descriptor, key: string, opened: string, why: string): Action {
  const call = (value: string) => step('fsconfig', [fs, FSCONFIG.SET_STRING, key, value, 0], { why, lesson, shell: '' })
  return {
    ...callAction(call(`/proc/self/fd/{${opened}}`)),
    apply: (context: Context) => contextAction(call(`/proc/self/fd/${context.descriptors.get(opened)}`)).apply(context),
  }
}

const IN = '/proc' // where no layer lies; covered in a mount namespace of its own

/**
 * The same, over layers that are detached mounts. Only Linux 6.15 takes such; before, a layer must be attached in the
 * mount namespace of whoever makes the overlay. So a process does it that has one of its own and ends at once; the
 * engine takes the descriptor from it, see pidfd_getfd(2).
 */
export function detachedOver(lower: readonly Descriptor[], { upper, work, volatile }: Layers, name: string): Action {
  check(lower)
  const about = { why: 'makes the overlay where its layers are attached', lesson, shell: '' } as const
  const call = (name: SyscallName, ...args: Arg[]): Step => step(name, args, about)
  const set = (key: string, value: string): Step => call('fsconfig', 3, FSCONFIG.SET_STRING, key, value, 0)
  const steps = [
    call('mount', null, '/', null, MS.REC | MS.PRIVATE, null),
    call('mount', 'tmpfs', IN, 'tmpfs', 0, null),
    ...Object.entries({ upper, work }).map(([name, path]) => call('symlinkat', path, AT.FDCWD, `${IN}/${name}`)),
    ...lower.flatMap((layer, i) => [
      call('mkdirat', AT.FDCWD, `${IN}/${i}`, 0o755),
      call('move_mount', layer, '', AT.FDCWD, `${IN}/${i}`, MOVE_MOUNT.F_EMPTY_PATH),
    ]),
    call('close_range', 3, 4, 0),
    call('fsopen', 'overlay', FSOPEN.CLOEXEC),
    ...lower.map((_, i) => set('lowerdir+', `${IN}/${i}`)),
    set('upperdir', `${IN}/upper`),
    set('workdir', `${IN}/work`),
    ...Object.entries(OPTIONS).map(([key, value]) => set(key, value)),
    ...(volatile ? [call('fsconfig', 3, FSCONFIG.SET_FLAG, 'volatile', null, 0)] : []),
    call('fsconfig', 3, FSCONFIG.CMD_CREATE, null, null, 0),
    call('fsmount', 3, FSMOUNT.CLOEXEC, 0),
  ]
  return {
    text: `${name} = fsmount(…) of an overlay of ${lower.map(({ descriptor }) => descriptor).join(', ')}, ${upper} and ${work}`,
    why: 'a mount that is mounted nowhere: the files of the image under the ids of the container’s users',
    lesson,
    shell: '',
    apply({ descriptors }) {
      const maker = start(
        { namespaces: [{ ...about, flag: CLONE.NEWNS }], steps: [...steps, { gate: name }] },
        { descriptors },
      )
      maker.next()
      try {
        descriptors.set(name, invoke('pidfd_getfd', [maker.pidfd, 4, 0]))
      } finally {
        maker.abort()
      }
    },
  }
}

/**
 * Attaches a detached overlay at `/`, over the root that is there, and stands in it. A process sees no more of it than
 * that: `/` stays where it was until pivot_root(2). No other directory would be as sure to exist and to be open to it.
 */
export function attach(name: string): Step[] {
  return [
    step('move_mount', [{ descriptor: name }, '', AT.FDCWD, '/', MOVE_MOUNT.F_EMPTY_PATH], {
      why: 'a root directory must be a mount of this namespace',
      lesson,
      shell: '',
    }),
    step('fchdir', [{ descriptor: name }], { why: 'stands in the new root', lesson, shell: '' }),
  ]
}

// In the option string a comma ends an option and a colon a layer; a backslash takes their meaning away.
const escapeOption = (path: string): string => path.replace(/[\\,:]/g, '\\$&')

function optionsOf({ lower, upper, work, ...flags }: Layers): string {
  const layers = lower.map(escapeOption).join(':')
  const directories = [`lowerdir=${layers}`, `upperdir=${escapeOption(upper)}`, `workdir=${escapeOption(work)}`]
  const options = Object.entries(OPTIONS).map(option => option.join('='))
  const { volatile, userAttributes } = flags
  const words = [...(volatile ? ['volatile'] : []), ...(userAttributes ? ['userxattr'] : [])]
  return [...directories, ...options, ...words].join(',')
}

const MOUNT_DATA = 4095 // bytes: a page with a NUL at its end

/**
 * Mounts the layers at `target`, a directory, with mount(2). Where their names are more than the kernel takes in one
 * string, they get shorter ones first: links in a tmpfs that the overlay then covers.
 * Throws UsageError for more layers than the kernel takes.
 */
export function plan(layers: Layers, target: string): Step[] {
  check(layers.lower)
  const literal = optionsOf(layers)
  const mounted = (options: string): Step =>
    step('mount', ['overlay', target, 'overlay', 0, options], {
      why: 'the container may write anywhere, and the files it was made from stay as they are',
      lesson,
      shell: `mount -t overlay overlay -o ${literal} ${target}`,
    })
  if (Buffer.byteLength(literal) <= MOUNT_DATA) return [mounted(literal)]
  const names = layers.lower.map((_, i) => i.toString(36))
  return [
    step('mount', ['tmpfs', target, 'tmpfs', 0, 'mode=755'], {
      why: `the names of ${names.length} layers do not fit into one page: here they get short ones`,
      lesson,
      shell: `mount -t tmpfs tmpfs ${target}`,
    }),
    step('chdir', [target], { why: 'the short names are relative', lesson, shell: `cd ${target}` }),
    ...layers.lower.map((path, i) =>
      step('symlinkat', [path, AT.FDCWD, names[i]!], {
        why: `layer ${i + 1} from the top`,
        lesson,
        shell: `ln -s ${path} ${names[i]}`,
      }),
    ),
    mounted(optionsOf({ ...layers, lower: names })),
  ]
}
