// Who the process is: user, group and further groups. credentials(7).
//
// Three calls, and their order matters: the groups first, because whoever has stopped being root cannot change them.
import { AT, PR } from '../kernel/constants.ts'
import { type Step, type Struct, step } from '../kernel/step.ts'

const lesson = '17-security'

/** `process.user` in an OCI config.json, as far as it goes here. Numbers as the container's user namespace counts. */
export interface User {
  readonly uid: number
  readonly gid: number
  /** Left out: those of the engine stay, because its user namespace lets nobody change them. */
  readonly additionalGids?: readonly number[]
}

/** gid_t[] of setgroups(2). */
function groupList(gids: readonly number[]): Struct {
  return { bytes: Buffer.from(Uint32Array.from(gids).buffer), text: `[${gids.join(', ')}]` }
}

const setGroups = (gids: readonly number[]): Step =>
  step('setgroups', [gids.length, groupList(gids)], {
    why: 'the engine’s groups would open files of the host that the user of the container may not read',
    lesson,
    shell: gids.length ? `setpriv --groups ${gids.join(',')}` : 'setpriv --clear-groups',
  })

/**
 * Becomes the user; real, effective and saved ids alike, so that there is no way back. The capabilities stay permitted,
 * see capabilities.ts; the tie to the parent is cut (PR_SET_PDEATHSIG), see pid.ts.
 */
export function become({ user: { uid, gid, additionalGids } }: { user: User }): Step[] {
  return [
    step('prctl', [PR.SET_KEEPCAPS, 1, 0, 0, 0], {
      why: 'to stop being root would be to lose every capability at once, and a few are needed for the last steps',
      lesson,
      shell: '',
    }),
    ...(additionalGids ? [setGroups(additionalGids)] : []),
    step('setresgid', [gid, gid, gid], {
      why: 'new files belong to this group; a saved gid of root would be a way back',
      lesson,
      shell: `setpriv --regid ${gid}`,
    }),
    step('setresuid', [uid, uid, uid], {
      why: uid === 0 ? 'is root of the container, by every count' : 'is an ordinary user from here on',
      lesson,
      shell: `setpriv --reuid ${uid}`,
    }),
  ]
}

/** The terminal that is stdin belongs to its user, as after a login: else programs could not open it by its name. */
export function ownTerminal({ user: { uid } }: { user: Pick<User, 'uid'> }): Step[] {
  return [
    step('fchownat', [0, '', uid, -1, AT.EMPTY_PATH], {
      why: 'the terminal was made by root, and its user could not open it by its name, /dev/pts/0',
      lesson,
      shell: `chown ${uid} /dev/pts/0`,
    }),
  ]
}

/** No program that this one starts gains rights by its file: neither by set-user-ID nor by file capabilities. */
export function noNewPrivileges(): Step[] {
  return [
    step('prctl', [PR.SET_NO_NEW_PRIVS, 1, 0, 0, 0], {
      why: 'set-user-ID programs of the image run as whoever starts them',
      lesson,
      shell: 'setpriv --no-new-privs',
    }),
  ]
}
