// Tasks 2 and 6: one overlay over the image, and a second one beside it.
import { posix } from 'node:path'
import { type Mount, mountAt } from '../../toolkit/observe/mounts.ts'
import { overlayLayers } from '../../toolkit/observe/overlay.ts'
import { no, type Scene, type Task } from '../lesson.ts'
import { find, idOf, isFound, labProcesses, readText } from '../look.ts'

export const IMAGE = '/lab/image'

/** `device:inode` of what a directory of an overlay is called; a relative name begins where it was mounted from. */
function identify(scene: Scene, text: string, places: readonly string[]): string | undefined {
  const found = places.map(place => find(scene, posix.resolve(place, text))).find(isFound)
  return found && idOf(found)
}

/** Whether a mount is an overlay over the image alone, with /lab/NAME/upper for the changes; else what it is. */
export function obstacle(scene: Scene, mount: Mount, name: string): string | undefined {
  const where = `what is mounted on /lab/${name}/root`
  const layers = overlayLayers(mount)
  if (!layers) return `${where} is of type ${mount.fsType}, not an overlay`
  const places = ['/lab', `/lab/${name}`, `/lab/${name}/root`]
  const ids = layers.lower.map(lower => identify(scene, lower, places))
  const image = identify(scene, IMAGE, ['/'])
  if (ids.length !== 1 || ids[0] !== image)
    return `${where} reads from ${layers.lower.join(' and ')}, not from ${IMAGE}`
  if (layers.upper === undefined) return `${where} has no upper directory, so nobody can write in it`
  if (identify(scene, layers.upper, places) !== identify(scene, `/lab/${name}/upper`, ['/']))
    return `${where} writes to ${layers.upper}, not to /lab/${name}/upper`
  return undefined
}

/** Why container NAME is not there; undefined where it is. */
export function missing(scene: Scene, name: string): string | undefined {
  const root = `/lab/${name}/root`
  const mount = mountAt(scene.lab.pid, root)
  if (mount) return obstacle(scene, mount, name)
  const elsewhere = labProcesses(scene).find(({ pid }) => mountAt(pid, root)?.fsType === 'overlay')
  if (elsewhere)
    return `the overlay on ${root} is only in the mount namespace of ${elsewhere.comm}; the lab does not have it`
  if (isFound(find(scene, root))) return `nothing is mounted on ${root} yet`
  return `there is no directory ${root} yet`
}

export const OPTIONS = (name: string): string => `lowerdir=image,upperdir=${name}/upper,workdir=${name}/work`
export const LEAVE = (name: string): string[] => [
  `mkdir -p ${name}/upper ${name}/work ${name}/root`,
  `mountpoint -q ${name}/root || mount -t overlay overlay -o ${OPTIONS(name)} ${name}/root`,
]

export const overlayTask: Task = {
  id: 'overlay',
  title: 'Lay an empty directory over it',
  check(scene) {
    const saw = missing(scene, 'one')
    if (saw !== undefined) return no(saw)
    return { passed: true, saw: '/lab/one/root shows /lab/image, and what is written there goes to /lab/one/upper' }
  },
  hints: [
    'Three directories first. Then a mount of the type `overlay`, with three options.',
    'A is `image`, B is `one/upper`, C is `one/work`. There is no space between the options.',
    '`mount -t overlay overlay -o lowerdir=image,upperdir=one/upper,workdir=one/work one/root`',
  ],
  solution: ['mkdir -p one/upper one/work one/root', `mount -t overlay overlay -o ${OPTIONS('one')} one/root`],
  leaves: LEAVE('one'),
  otherWays: [
    {
      name: 'with absolute paths',
      commands: [
        'mkdir -p /lab/one/{upper,work,root}',
        'mount -t overlay none /lab/one/root -o lowerdir=/lab/image,upperdir=/lab/one/upper,workdir=/lab/one/work',
      ],
    },
    {
      name: 'from another directory',
      commands: [
        'mkdir one && cd one && mkdir upper work root',
        'mount -t overlay box -o lowerdir=../image,upperdir=upper,workdir=work root',
      ],
    },
  ],
  wrongWays: [
    {
      name: 'a bind mount',
      commands: ['mkdir -p one/upper one/work one/root', 'mount --bind image one/root'],
      saw: /is of type \w+, not an overlay/,
    },
    {
      name: 'upper and lower exchanged',
      commands: [
        'mkdir -p one/upper one/work one/root',
        'mount -t overlay overlay -o lowerdir=one/upper,upperdir=image,workdir=one/work one/root',
      ],
      saw: /reads from one\/upper, not from/,
    },
    {
      name: 'only for reading',
      commands: ['mkdir -p one/upper one/root', 'mount -t overlay overlay -o lowerdir=image:one/upper one/root'],
      saw: /reads from image and one\/upper, not from/,
    },
    {
      name: 'in a mount namespace of its own',
      commands: [
        'mkdir -p one/upper one/work one/root',
        'unshare --mount bash',
        `mount -t overlay overlay -o ${OPTIONS('one')} one/root`,
      ],
      saw: /only in the mount namespace of/,
    },
  ],
}

export const twoTask: Task = {
  id: 'two',
  title: 'Two containers, one image',
  check(scene) {
    const { scribble, first, second } = scene.values
    for (const name of ['one', 'two']) {
      const saw = missing(scene, name)
      if (saw !== undefined) return no(saw)
    }
    const read = (path: string) => readText(scene, `/lab/${path}`)?.trim()
    const owner = read('image/etc/owner')
    if (owner !== undefined)
      return no(`/lab/image/etc/owner says ${JSON.stringify(owner)}: it was written into the image, for everybody`)
    for (const [name, wanted] of [
      ['one', first],
      ['two', second],
    ] as const) {
      const has = read(`${name}/root/etc/owner`)
      if (has === undefined) return no(`container ${name} has no /etc/owner yet`)
      if (has !== wanted) return no(`/etc/owner of container ${name} says ${JSON.stringify(has)}, not ${wanted}`)
    }
    for (const place of ['image', 'one/root', 'two/root'])
      if (read(`${place}/etc/motd`) !== scribble)
        return no(`/lab/${place}/etc/motd does not say ${scribble} any more; that was written by the chroot of task 1`)
    return {
      passed: true,
      saw: `the chroot’s ${scribble} is in the image and in both containers; ${first} is in one alone, ${second} in two alone`,
    }
  },
  hints: [
    'The same commands as for container one, with `two` in place of `one`. The lower directory stays `image`.',
    'Each needs an upper and a work directory of its own.',
    '`chroot two/root /bin/sh`, and inside `echo {{second}} >/etc/owner`. Then the same in one, with its word.',
  ],
  solution: [
    'mkdir -p two/upper two/work two/root',
    `mount -t overlay overlay -o ${OPTIONS('two')} two/root`,
    'chroot one/root /bin/sh',
    'echo {{first}} >/etc/owner',
    'exit',
    'chroot two/root /bin/sh',
    'echo {{second}} >/etc/owner',
    'exit',
  ],
  leaves: [...LEAVE('two'), 'echo {{first}} >one/root/etc/owner', 'echo {{second}} >two/root/etc/owner'],
  otherWays: [
    {
      name: 'from outside, and a directory on another file system',
      commands: [
        'mkdir -p /run/two/upper /run/two/work two/root && ln -s /run/two/upper two/upper',
        'mount -t overlay overlay -o lowerdir=/lab/image,upperdir=/run/two/upper,workdir=/run/two/work two/root',
        'echo {{first}} >one/root/etc/owner; echo {{second}} >two/root/etc/owner',
      ],
    },
  ],
  wrongWays: [
    {
      name: 'the same upper for both',
      commands: [
        'mkdir -p two/upper two/work two/root',
        'mount -t overlay overlay -o lowerdir=image,upperdir=one/upper,workdir=two/work two/root',
        'echo {{first}} >one/root/etc/owner; echo {{second}} >two/root/etc/owner',
      ],
      saw: /two\/root writes to one\/upper, not to/,
    },
    {
      name: 'the second over the first',
      commands: [
        'mkdir -p two/upper two/work two/root',
        'mount -t overlay overlay -o lowerdir=one/root,upperdir=two/upper,workdir=two/work two/root',
      ],
      saw: /reads from one\/root, not from/,
    },
    {
      name: 'written by a chroot into the image',
      commands: [...LEAVE('two'), 'chroot image /bin/sh', 'echo {{first}} >/etc/owner'],
      saw: /written into the image, for everybody/,
    },
    {
      name: 'the words exchanged',
      commands: [...LEAVE('two'), 'echo {{second}} >one/root/etc/owner; echo {{first}} >two/root/etc/owner'],
      saw: /of container one says/,
    },
  ],
}
