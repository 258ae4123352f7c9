// chroot(2): another root directory for one process. Every path that it looks up begins there. Nothing else changes:
// not its working directory (hence the chdir), not the processes, mounts, names and network it shares with all others.
import { type Step, step } from '../kernel/step.ts'

const lesson = '01-chroot'

/** Makes `root` the root directory, and the working directory with it. */
export function plan({ root }: { root: string }): Step[] {
  return [
    step('chroot', [root], { why: `every path now begins in ${root}`, lesson, shell: `chroot ${root}` }),
    step('chdir', ['/'], {
      why: 'chroot leaves the working directory where it was: outside, and from there .. leads out',
      lesson,
      shell: 'cd /',
    }),
  ]
}
