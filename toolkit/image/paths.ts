// Where things lie on disk.
import { existsSync } from 'node:fs'
import { dirname } from 'node:path'

/** What lasts: root file systems, layers, containers. `TOOLKIT_STATE` moves it. */
export const stateDir = (): string => process.env.TOOLKIT_STATE || '/var/lib/toolkit'

/** The package itself: the folder that holds rootfs-scripts/, above `dist/` or above `toolkit/` in a checkout. */
export function packageDir(): string {
  let dir = import.meta.dirname
  while (!existsSync(`${dir}/rootfs-scripts`) && dir !== '/') dir = dirname(dir)
  return dir
}
