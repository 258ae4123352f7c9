// What an overlay is made of, as /proc/PID/mountinfo tells it: filesystems/overlayfs.
import type { Mount } from './mounts.ts'

export interface OverlayLayers {
  /** The read-only directories, the topmost first. */
  readonly lower: readonly string[]
  /** Undefined where the overlay can only be read. */
  readonly upper: string | undefined
  readonly work: string | undefined
}

const literal = (text: string): string => text.replace(/\\(.)/gs, '$1')

/** The layers between colons; a backslash takes a colon's meaning away. What follows `::` holds data, and no names. */
function split(text: string): string[] {
  const names: string[] = []
  for (const [, name] of text.matchAll(/(?:^|:)((?:[^\\:]|\\.)*)/gs)) {
    if (name === '' && names.length > 0) break
    names.push(literal(name!))
  }
  return names
}

/**
 * The layers of an overlay as they were told to the kernel; undefined for a mount of another type. A path may be relative to
 * the working directory of whoever mounted it: nothing tells which that was.
 */
export function overlayLayers({ fsType, superOptions }: Mount): OverlayLayers | undefined {
  if (fsType !== 'overlay') return undefined
  const values = (name: string) =>
    superOptions.filter(option => option.startsWith(`${name}=`)).map(option => option.slice(name.length + 1))
  const [upper, work] = ['upperdir', 'workdir'].map(name => values(name)[0])
  return {
    // `lowerdir+` is how the kernel shows a layer that it was given one by one
    lower: [...values('lowerdir').flatMap(split), ...values('lowerdir+')],
    upper: upper && literal(upper),
    work: work && literal(work),
  }
}
