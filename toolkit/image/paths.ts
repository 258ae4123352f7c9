// Where things lie on disk.
import { existsSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'

/** What lasts: root file systems, layers, containers. Of an ordinary user in the home directory; `TOOLKIT_STATE` moves it. */
export const stateDir = (): string =>
  process.env.TOOLKIT_STATE || (process.getuid!() === 0 ? '/var/lib/toolkit' : ofUser())

/** XDG Base Directory Specification: state that should persist, but is not worth a backup. */
const ofUser = (): string => join(process.env.XDG_STATE_HOME || join(homedir(), '.local/state'), 'toolkit')

/** The package itself: the folder that holds rootfs-scripts/, above `dist/` or above `toolkit/` in a checkout. */
export function packageDir(): string {
  let dir = import.meta.dirname
  while (!existsSync(`${dir}/rootfs-scripts`) && dir !== '/') dir = dirname(dir)
  return dir
}
