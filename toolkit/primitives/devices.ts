// The devices that every program expects in /dev, and no others: not the host's disks, not its memory. null(4),
// random(4), full(4), tty(4); the list is the "default devices" of the OCI runtime specification.
import { AT, S } from '../kernel/constants.ts'
import { makedev } from '../kernel/device-number.ts'
import { type Step, step } from '../kernel/step.ts'
import { UsageError } from '../kernel/usage-error.ts'

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

/** An entry of `linux.devices` in an OCI config.json. */
export interface Device {
  /** c and u: characters, b: blocks, p: a fifo, which has no numbers. */
  readonly type: 'b' | 'c' | 'u' | 'p'
  /** In the container. */
  readonly path: string
  readonly major?: number
  readonly minor?: number
  /** Permissions; 0666 without. */
  readonly fileMode?: number
  readonly uid?: number
  readonly gid?: number
}

const FILE_TYPE = { b: S.IFBLK, c: S.IFCHR, u: S.IFCHR, p: S.IFIFO } as const

/** Throws a UsageError where the path or the numbers are none: 12 bits for the major one, 20 for the minor one. */
function check({ path, major = 0, minor = 0 }: Device): void {
  const parts = path.split('/').slice(1)
  if (!path.startsWith('/') || parts.some(part => part === '' || part === '.' || part === '..' || part.includes('\0')))
    throw new UsageError(
      `device ${JSON.stringify(path)}: give a plain absolute path in the container, such as /dev/name`,
    )
  const fits = (n: number, bits: number) => Number.isInteger(n) && n >= 0 && n < 2 ** bits
  if (!fits(major, 12) || !fits(minor, 20))
    throw new UsageError(`device ${path}: ${major}:${minor} is no device number; the largest is 4095:1048575`)
}

/** The directories that a path lies in, without / and /dev. */
const above = (path: string): string[] =>
  path
    .split('/')
    .map((_, i, parts) => parts.slice(0, i).join('/'))
    .filter(directory => directory !== '' && directory !== '/dev')

/**
 * Makes one that was asked for. What opening it gives is up to the cgroup, see device-rules.ts. Throws a UsageError for a
 * device that cannot be.
 */
export function planExtra(device: Device): Step[] {
  check(device)
  const { type, path, major = 0, minor = 0, fileMode = 0o666, uid = 0, gid = 0 } = device
  const mode = (fileMode & 0o7777).toString(8)
  return [
    ...above(path).map(directory =>
      step('mkdirat', [AT.FDCWD, directory, 0o755], {
        why: 'the directory for a device; that it is there already is as good',
        lesson,
        shell: `mkdir -p ${directory}`,
        allow: ['EEXIST'],
      }),
    ),
    step('mknodat', [AT.FDCWD, path, FILE_TYPE[type] | (fileMode & 0o7777), makedev(major, minor)], {
      why: 'a device that was asked for',
      lesson,
      shell: `mknod -m ${mode} ${path} ${type}${type === 'p' ? '' : ` ${major} ${minor}`}`,
    }),
    ...(uid === 0 && gid === 0
      ? []
      : [
          step('fchownat', [AT.FDCWD, path, uid, gid, AT.SYMLINK_NOFOLLOW], {
            why: 'whoever may use it on the host may use it here',
            lesson,
            shell: `chown ${uid}:${gid} ${path}`,
          }),
        ]),
  ]
}

/**
 * Fills an empty /dev: the usual devices, and `extras`, which may take the place of one of these. The umask must be 0, or
 * the nodes are not writable for all. Throws a UsageError for a device that cannot be.
 */
export const plan = (extras: readonly Device[] = []): Step[] => [...planUsual(extras), ...extras.flatMap(planExtra)]

/** The same without the extras themselves. */
export function planUsual(extras: readonly Pick<Device, 'path'>[]): Step[] {
  const taken = new Set(extras.map(({ path }) => path))
  return [...nodes(taken), ...planLinks()]
}

/** Those that every program expects, but `taken`. */
const nodes = (taken: ReadonlySet<string>): Step[] =>
  devices
    .filter(({ name }) => !taken.has(`/dev/${name}`))
    .map(({ name, major, minor }) =>
      step('mknodat', [AT.FDCWD, `/dev/${name}`, S.IFCHR | 0o666, makedev(major, minor)], {
        why: `programs count on /dev/${name}`,
        lesson,
        shell: `mknod -m 666 /dev/${name} c ${major} ${minor}`,
      }),
    )

/** The links in /dev. */
export const planLinks = (): Step[] =>
  links.map(([target, name]) =>
    step('symlinkat', [target, AT.FDCWD, `/dev/${name}`], {
      why: name === 'ptmx' ? 'opening it makes a new pseudo-terminal, in this devpts' : 'an open descriptor as a path',
      lesson,
      shell: `ln -s ${target} /dev/${name}`,
    }),
  )

/** Their names. */
export const linksInDev = (): string[] => links.map(([, name]) => name)

/** The paths of the devices that every program expects: for who may not make them, and has to show the host's. */
export const usualDevices = (): string[] => devices.map(({ name }) => `/dev/${name}`)
