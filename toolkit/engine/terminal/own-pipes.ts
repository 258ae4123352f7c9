// Pipes that a container gets from us as its 0, 1 and 2 become its user's, as under runc: programs open /dev/stdout by
// its name, and a pipe belongs to who has made it. Nothing else does: a file that has a name is somebody's on the host.
import { fchownSync, fstatSync } from 'node:fs'
import type { Action } from '../../kernel/action.ts'
import { readLink } from '../../observe/read.ts'
import { outside } from '../../primitives/user.ts'
import type { Spec } from '../spec.ts'

/** pipe(7): one without a name; a named one is a path. */
const isPipe = (fd: number): boolean => readLink(`/proc/self/fd/${fd}`)?.startsWith('pipe:[') ?? false

/** `input`: it gets our stdin, too. */
export function ownPipes({ process: { user }, linux }: Pick<Spec, 'process' | 'linux'>, input: boolean): Action[] {
  const uid = linux.uidMappings ? outside(linux.uidMappings, user.uid) : user.uid
  if (uid === undefined) return [] // nobody; the kernel says so
  const fds = (input ? [0, 1, 2] : [1, 2]).filter(fd => isPipe(fd) && fstatSync(fd).uid !== uid)
  return fds.map(fd => ({
    text: `fchown(${fd}, ${uid}, -1)`,
    why: 'this pipe is another user’s, and the program could not open it by its name, /dev/stdout',
    lesson: '17-security',
    shell: `chown ${uid} /proc/self/fd/${fd}`,
    apply() {
      try {
        fchownSync(fd, uid, fstatSync(fd).gid)
      } catch {} // whoever is root of a user namespace may not: then it can be written to all the same
    },
  }))
}
