// What there is to hide: /proc and /sys of the host have what those of a container will have, because both are views of
// the same kernel.
import { statSync } from 'node:fs'
import { list, orGone } from './read.ts'

const CPUS = '/sys/devices/system/cpu'

/** A directory for each processor that tells how hot it is: what others compute. None on most virtual machines. */
export function thermalPaths(): string[] {
  return list(CPUS)
    .filter(name => /^cpu\d+$/.test(name))
    .map(name => `${CPUS}/${name}/thermal_throttle`)
    .filter(isDirectory)
}

const isDirectory = (path: string): boolean =>
  orGone(() => statSync(path, { throwIfNoEntry: false }))?.isDirectory() ?? false

/** Which of the paths are directories. */
export const directoriesAmong = (paths: readonly string[]): ReadonlySet<string> => new Set(paths.filter(isDirectory))
