// Overlay: several directories seen as one. Reads fall through the layers from the top, writes land in `upper`, and what
// lies below is never changed: many containers share one root file system. kernel.org, filesystems/overlayfs.
import { type Step, step } from '../kernel/step.ts'

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
}

// In the option string a comma ends an option and a colon a layer; a backslash takes their meaning away.
const escapeOption = (path: string): string => path.replace(/[\\,:]/g, '\\$&')

/** Mounts the layers at `target`, a directory. */
export function plan({ lower, upper, work, volatile }: Layers, target: string): Step[] {
  const directories = `lowerdir=${lower.map(escapeOption).join(':')},upperdir=${escapeOption(upper)},workdir=${escapeOption(work)}`
  const options = volatile ? `${directories},volatile` : directories
  return [
    step('mount', ['overlay', target, 'overlay', 0, options], {
      why: 'the container may write anywhere, and the files it was made from stay as they are',
      lesson,
      shell: `mount -t overlay overlay -o ${options} ${target}`,
    }),
  ]
}
