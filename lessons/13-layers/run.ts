// Tasks 7 and 8: the image becomes a root again, by hand and by the modules.
import { posix } from 'node:path'
import type { Image } from '../../toolkit/image/layout.ts'
import { type Mount, mountAt } from '../../toolkit/observe/mounts.ts'
import { compareNamespaces, readNamespaces } from '../../toolkit/observe/namespaces.ts'
import { overlayLayers } from '../../toolkit/observe/overlay.ts'
import { readText as readFile } from '../../toolkit/observe/read.ts'
import { no, type Scene, type Task } from '../lesson.ts'
import { find, findEntry, idOf, isFound, readText, rerooted } from '../look.ts'
import { imageOf } from './image.ts'
import { short } from './pack.ts'

const at = (scene: Scene, path: string): string | undefined => {
  const found = find(scene, path)
  return isFound(found) ? idOf(found) : undefined
}

/** What keeps a mount from being this image with an upper directory of its own; undefined: nothing. */
function obstacle(scene: Scene, mount: Mount, { layers }: Image, upper: string): string | undefined {
  const overlay = overlayLayers(mount)
  if (!overlay) return `it is of type ${mount.fsType}, not an overlay`
  const identify = (name: string) =>
    ['/lab', posix.dirname(upper), '/lab/layers'].map(place => at(scene, posix.resolve(place, name))).find(Boolean)
  const lower = overlay.lower.map(identify)
  const wanted = layers.map(({ diffId }) => at(scene, `/lab/layers/${diffId.slice(7)}`)).reverse()
  if (lower.join() === wanted.toReversed().join())
    return 'its layers are in the wrong order: the first of lowerdir is the topmost'
  if (lower.length !== wanted.length)
    return `it reads from ${lower.length} directory, and the image has ${wanted.length} layers`
  if (lower.join() !== wanted.join()) return `it reads from ${overlay.lower.join(' and ')}`
  if (overlay.upper === undefined || identify(overlay.upper) !== at(scene, upper))
    return `it does not write to ${upper}`
  return undefined
}

/** What is wrong with the unpacked layers; undefined: nothing. */
function unpacked(scene: Scene, { layers }: Image): string | undefined {
  const [base, changes] = layers.map(({ diffId }) => `/lab/layers/${diffId.slice(7)}`)
  const { secret } = scene.values
  if (!base || !changes || !at(scene, `${base}/bin/busybox`))
    return `there is no layers/${short(layers[0]!.diffId.slice(7))}… with bin/busybox in it`
  if (!at(scene, `${changes}/bin/greet`))
    return `there is no layers/${short(layers[1]!.diffId.slice(7))}… with bin/greet in it`
  if (findEntry(scene, `${changes}/etc/.wh.${secret}`))
    return `the unpacked layer has still etc/.wh.${secret}, which means nothing to an overlay`
  const device = findEntry(scene, `${changes}/etc/${secret}`)
  if (!device) return `the unpacked layer has no whiteout for etc/${secret}`
  if (!device.isCharacterDevice() || device.rdev !== 0n) return `etc/${secret} of the unpacked layer is no device 0:0`
  return undefined
}

const NAMES = ['b=$(sha256sum <base.tar | cut -c-64)', 'c=$(sha256sum <changes.tar | cut -c-64)']
const UNPACK = [
  'mkdir -p layers/$b layers/$c',
  'tar -xzf base.tar.gz -C layers/$b',
  'tar -xzf changes.tar.gz -C layers/$c',
]
const TRANSLATE = ['rm layers/$c/etc/.wh.{{secret}}', 'mknod layers/$c/etc/{{secret}} c 0 0']
const PLACES = 'mkdir -p one/upper one/work one/root'
const mount = (lower: string) =>
  `mount -t overlay overlay -o lowerdir=${lower},upperdir=one/upper,workdir=one/work one/root`

export const stackTask: Task = {
  id: 'stack',
  title: 'From the image to a root',
  check(scene) {
    const image = imageOf(scene, '/lab/image')
    if (typeof image === 'string') return no(`the image is not right: ${image}`)
    const layers = unpacked(scene, image)
    if (layers !== undefined) return no(layers)
    const mounted = mountAt(scene.lab.pid, '/lab/one/root')
    if (!mounted) return no('both layers are unpacked; nothing is mounted on /lab/one/root yet')
    const saw = obstacle(scene, mounted, image, '/lab/one/upper')
    if (saw !== undefined) return no(`the mount on /lab/one/root is not the image: ${saw}`)
    return { passed: true, saw: `/lab/one/root shows ${image.layers.length} layers of the image as one root` }
  },
  hints: [
    'Three steps: unpack each layer into its directory; replace the whiteout’s name by a device; mount.',
    '`b=$(sha256sum <base.tar | cut -c-64)` keeps a digest in `$b`. Then `mkdir -p layers/$b` and `tar -xzf base.tar.gz -C layers/$b`.',
    'The whiteout: `rm layers/$c/etc/.wh.{{secret}}`, then `mknod layers/$c/etc/{{secret}} c 0 0`.',
    '`-o lowerdir=layers/$c:layers/$b,upperdir=one/upper,workdir=one/work`, on `one/root`',
  ],
  solution: [...NAMES, ...UNPACK, ...TRANSLATE, PLACES, mount('layers/$c:layers/$b')],
  leaves: [
    ...NAMES,
    ...UNPACK,
    'rm -f layers/$c/etc/.wh.{{secret}}',
    'test -e layers/$c/etc/{{secret}} || mknod layers/$c/etc/{{secret}} c 0 0',
    PLACES,
    `mountpoint -q one/root || ${mount('layers/$c:layers/$b')}`,
  ],
  otherWays: [
    {
      name: 'from the blobs, in a loop, with absolute paths',
      commands: [
        'for f in image/blobs/sha256/*; do if d=$(zcat $f 2>/dev/null | sha256sum | cut -c-64) && gzip -tq $f; then mkdir -p layers/$d && tar -xzf $f -C layers/$d; fi; done',
        'w=$(find layers -name .wh.{{secret}}) && mknod $(dirname $w)/{{secret}} c 0 0 && rm $w',
        `${PLACES} && t=$(dirname $(dirname $(find /lab/layers -name greet))) && l=$(dirname $(dirname $(find /lab/layers -name busybox -type f)))`,
        'mount -t overlay x -o lowerdir=$t:$l,upperdir=/lab/one/upper,workdir=/lab/one/work /lab/one/root',
      ],
    },
  ],
  wrongWays: [
    {
      name: 'the lowest first',
      commands: [...NAMES, ...UNPACK, ...TRANSLATE, PLACES, mount('layers/$b:layers/$c')],
      saw: /in the wrong order/,
    },
    {
      name: 'the whiteout is still a name',
      commands: [...NAMES, ...UNPACK, PLACES, mount('layers/$c:layers/$b')],
      saw: /which means nothing to an overlay/,
    },
    {
      name: 'the whiteout is thrown away',
      commands: [...NAMES, ...UNPACK, TRANSLATE[0]!, PLACES, mount('layers/$c:layers/$b')],
      saw: /has no whiteout for/,
    },
    {
      name: 'one layer only',
      commands: [...NAMES, ...UNPACK, ...TRANSLATE, PLACES, mount('layers/$b')],
      saw: /reads from 1 directory, and the image has 2 layers/,
    },
    {
      name: 'both into one directory',
      commands: [
        ...NAMES,
        'mkdir -p layers/all',
        'tar -xzf base.tar.gz -C layers/all',
        'tar -xzf changes.tar.gz -C layers/all',
      ],
      saw: /there is no layers\/\w+… with bin\/busybox/,
    },
  ],
}

const LOWER = "image.layers.map(l => '/lab/layers/' + l.diffId.slice(7))"
const complete = (lower: string): string => `sed -i "s|lower: \\[\\],|lower: ${lower},|" run.ts`
const MAKE = 'mkdir -p two/upper two/work two/root'

export const moduleTask: Task = {
  id: 'module',
  title: 'The module',
  check(scene) {
    const lab = readNamespaces(scene.lab.pid)
    if (!lab) return no('the lab has ended; reset it')
    const image = imageOf(scene, '/lab/image')
    if (typeof image === 'string') return no(`the image is not right: ${image}`)
    const apart = rerooted(scene).find(({ pid }) => {
      const own = readNamespaces(pid)
      return own && compareNamespaces(lab, own).includes('mnt')
    })
    if (!apart) {
      const [other] = rerooted(scene)
      if (other) return no(`${other.comm} has a root of its own, but the mount table of the lab`)
      return no('no process has both a mount namespace and a root directory of its own')
    }
    const mounted = mountAt(apart.pid, '/')
    const saw = mounted ? obstacle(scene, mounted, image, '/lab/two/upper') : 'it is no mount'
    if (saw !== undefined) return no(`the root of ${apart.comm} is not the image: ${saw}`)
    const environment = readFile(`/proc/${apart.pid}/environ`)?.split('\0') ?? []
    const hello = `HELLO=${scene.values.hello}`
    if (!environment.includes(hello))
      return no(`the root of ${apart.comm} is the image, but its environment has no ${hello}`)
    const note = readText(scene, '/lab/two/upper/etc/note')?.trim()
    if (note !== scene.values.note)
      return no(
        `${apart.comm} runs in the image; its /etc/note says ${JSON.stringify(note ?? '')}, not ${scene.values.note}`,
      )
    return { passed: true, saw: `${apart.comm} has the image as its root and ${hello} in its environment` }
  },
  hints: [
    '`image.layers` lists the layers as the manifest does: the lowest first. Each has a `diffId`; its first seven letters are `sha256:`.',
    "`layer.diffId.slice(7)` is the name of a layer’s directory. A list of all: `image.layers.map(l => '/lab/layers/' + l.diffId.slice(7))`",
    'An overlay wants the topmost first: `.reverse()` behind it turns a list round.',
    `lower: ${LOWER}.reverse(),`,
  ],
  solution: [MAKE, complete(`${LOWER}.reverse()`), 'node run.ts', 'echo {{note}} >/etc/note'],
  otherWays: [
    {
      name: 'by hand',
      commands: [
        MAKE,
        ...NAMES,
        'unshare --mount bash -c "mount -t overlay o -o lowerdir=/lab/layers/$c:/lab/layers/$b,upperdir=/lab/two/upper,workdir=/lab/two/work two/root && exec env -i PATH=/bin HELLO={{hello}} unshare --root=two/root /bin/greet"',
        'echo {{note}} >/etc/note',
      ],
    },
  ],
  wrongWays: [
    {
      name: 'not turned round',
      commands: [MAKE, complete(LOWER), 'node run.ts'],
      saw: /is not the image: .*wrong order/,
    },
    { name: 'not completed', commands: [MAKE, 'node run.ts'], saw: /^no process has both/ },
    {
      name: 'the other container as the only layer',
      commands: [MAKE, complete("['/lab/one/root']"), 'node run.ts'],
      saw: /is not the image: it reads from 1 directory/,
    },
    {
      name: 'nothing written',
      commands: [MAKE, complete(`${LOWER}.reverse()`), 'node run.ts'],
      saw: /its \/etc\/note says ""/,
    },
    {
      name: 'a chroot into the other one',
      commands: ['chroot one/root /bin/sh'],
      saw: /but the mount table of the lab/,
    },
  ],
}
