// The devices that every program expects in /dev, and no others: not the host's disks, not its memory. null(4),
// random(4), full(4), tty(4); the list is the "default devices" of the OCI runtime specification.
import { AT, S } from '../kernel/constants.ts'
import { type Step, step } from '../kernel/step.ts'

const lesson = '05-mount'

const devices = [
  { name: 'null', major: 1, minor: 3 },
  { name: 'zero', major: 1, minor: 5 },
  { name: 'full', major: 1, minor: 7 },
  { name: 'random', major: 1, minor: 8 },
  { name: 'urandom', major: 1, minor: 9 },
  { name: 'tty', major: 5, minor: 0 },
] as const

const links = [
  ['/proc/self/fd', 'fd'],
  ['/proc/self/fd/0', 'stdin'],
  ['/proc/self/fd/1', 'stdout'],
  ['/proc/self/fd/2', 'stderr'],
  ['pts/ptmx', 'ptmx'],
] as const

/** A device number as the kernel takes it from user space; makedev(3). */
export const makedev = (major: number, minor: number): number => (major << 8) | (minor & 0xff) | ((minor & ~0xff) << 12)

/** Fills an empty /dev. The umask must be 0, or the nodes are not writable for all. */
export function plan(): Step[] {
  return [
    ...devices.map(({ name, major, minor }) =>
      step('mknodat', [AT.FDCWD, `/dev/${name}`, S.IFCHR | 0o666, makedev(major, minor)], {
        why: `programs count on /dev/${name}`,
        lesson,
        shell: `mknod -m 666 /dev/${name} c ${major} ${minor}`,
      }),
    ),
    ...links.map(([target, name]) =>
      step('symlinkat', [target, AT.FDCWD, `/dev/${name}`], {
        why:
          name === 'ptmx' ? 'opening it makes a new pseudo-terminal, in this devpts' : 'an open descriptor as a path',
        lesson,
        shell: `ln -s ${target} /dev/${name}`,
      }),
    ),
  ]
}
