// Where things lie on disk.
import { existsSync } from 'node:fs'
import { dirname, isAbsolute, join } from 'node:path'
import { UsageError } from '../kernel/usage-error.ts'

/** What lasts: root file systems, layers, containers. Of an ordinary user in the home directory; `TOOLKIT_STATE` moves it. */
export const stateDir = (): string =>
  process.env.TOOLKIT_STATE || (process.getuid!() === 0 ? '/var/lib/toolkit' : ofUser())

/**
 * XDG Base Directory Specification: state that should persist, but is not worth a backup. A path that is not absolute is
 * to be ignored. Throws a UsageError where nobody knows a home directory.
 */
function ofUser(): string {
  const { XDG_STATE_HOME = '', HOME = '' } = process.env
  if (isAbsolute(XDG_STATE_HOME)) return join(XDG_STATE_HOME, 'toolkit')
  try {
    const { userInfo } = process.getBuiltinModule('node:os') // loaded only here: most runs have no use for it
    return join(isAbsolute(HOME) ? HOME : userInfo().homedir, '.local/state/toolkit')
  } catch {
    throw new UsageError(
      `user ${process.getuid!()} has no home directory; try: export TOOLKIT_STATE=/a/directory/that/can/be/written`,
    )
  }
}

/** The package itself: the folder that holds rootfs-scripts/, above `dist/` or above `toolkit/` in a checkout. */
export function packageDir(): string {
  let dir = import.meta.dirname
  while (!existsSync(`${dir}/rootfs-scripts`) && dir !== '/') dir = dirname(dir)
  return dir
}
