// /dev for a user namespace. Whoever is root there only may not make devices: with one for the disk they could read it.
// So the engine makes the file system with all that shall be in it, as a detached mount, and the container attaches it.
// user_namespaces(7), mknod(2).
import { type Action, callAction } from '../kernel/action.ts'
import { AT, FSCONFIG, FSMOUNT, FSOPEN, MOUNT_ATTR, S } from '../kernel/constants.ts'
import { type Descriptor, type Step, step } from '../kernel/step.ts'
import { UsageError } from '../kernel/usage-error.ts'

const lesson = '07-user'
const inside = { lesson, shell: '' } as const

/** The descriptor of the detached /dev. */
export const DEV: Descriptor = { descriptor: 'dev' }
const FS: Descriptor = { descriptor: 'dev-under-construction' }

/** Who the container's users and groups are outside; undefined: nobody. */
export interface Outside {
  readonly uid: (id: number) => number | undefined
  readonly gid: (id: number) => number | undefined
}

/**
 * The engine's actions that make a tmpfs with these options and do in it what `steps` would do in /dev.
 * Throws UsageError for a step that has another place in mind, or an owner that is nobody outside.
 */
export function plan(options: readonly string[], steps: readonly Step[], ids: Outside): Action[] {
  const words = ['source=tmpfs', ...options.filter(option => option.includes('='))]
  const data = words.map(option => option.split('=') as [string, string])
  return [
    callAction(step('fsopen', ['tmpfs', FSOPEN.CLOEXEC], { ...inside, why: 'what will be /dev' }), FS.descriptor),
    ...data.map(([key, value]) =>
      callAction(step('fsconfig', [FS, FSCONFIG.SET_STRING, key, value, 0], { ...inside, why: 'one of its options' })),
    ),
    callAction(
      step('fsconfig', [FS, FSCONFIG.CMD_CREATE, null, null, 0], { ...inside, why: 'the file system itself' }),
    ),
    callAction(
      step('fsmount', [FS, FSMOUNT.CLOEXEC, MOUNT_ATTR.NOSUID | MOUNT_ATTR.STRICTATIME], {
        ...inside,
        why: 'mounted nowhere: made by the host’s root, so that devices in it are devices',
      }),
      DEV.descriptor,
    ),
    own('.', 0, 0, ids),
    ...steps.flatMap(one => outside(one, ids)),
  ]
}

function own(path: string, user: number, group: number, ids: Outside): Action {
  const [uid, gid] = [ids.uid(user), ids.gid(group)]
  if (uid === undefined || gid === undefined)
    throw new UsageError(
      `/dev/${path}: ${user}:${group} is nobody outside; choose an owner that the user namespace maps`,
    )
  return callAction(
    step('fchownat', [DEV, path, uid, gid, AT.SYMLINK_NOFOLLOW], {
      ...inside,
      why: 'belongs to the container’s user, whoever that is outside',
    }),
  )
}

/** The same step, done by the engine in the detached /dev. */
function outside({ call, args, ...about }: Step, ids: Outside): Action[] {
  const at = args.indexOf(AT.FDCWD) + 1
  const path = String(args[at])
  if (!path.startsWith('/dev/'))
    throw new UsageError(`${path}: in a user namespace, devices can be in /dev only; give it a name there`)
  const name = path.slice('/dev/'.length)
  if (call === 'fchownat') return [own(name, Number(args[at + 1]), Number(args[at + 2]), ids)]
  const made = callAction({ ...about, call, args: args.map((arg, i) => (i === at - 1 ? DEV : i === at ? name : arg)) })
  if (call === 'symlinkat') return [made, own(name, 0, 0, ids)]
  const mode = step('fchmodat', [DEV, name, Number(args[at + 1]) & ~S.IFMT], {
    ...inside,
    why: 'whatever our umask is',
  })
  return [made, callAction(mode), own(name, 0, 0, ids)]
}
