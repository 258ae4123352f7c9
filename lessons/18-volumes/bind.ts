// Tasks 1 and 2: a directory from outside in a container, and what of a container stays.
import { mountAt } from '../../toolkit/observe/mounts.ts'
import { overlayLayers } from '../../toolkit/observe/overlay.ts'
import { no, type Scene, type Task } from '../lesson.ts'
import { find, findEntry, idOf, isFound, readText } from '../look.ts'

/** `device:inode` of what a path of the lab leads to. */
export function identify(scene: Scene, path: string): string | undefined {
  const found = find(scene, path)
  return isFound(found) ? idOf(found) : undefined
}

/** Why a directory of a container is not another one of the lab, by a mount; undefined where it is. */
export function notBound(scene: Scene, source: string, target: string): string | undefined {
  const wanted = identify(scene, source)
  if (wanted === undefined) return `there is no directory ${source} yet`
  const entry = findEntry(scene, target)
  if (entry?.isSymbolicLink())
    return `${target} is a symbolic link; from inside, its path begins at the root of the container`
  const mount = mountAt(scene.lab.pid, target)
  if (!mount && mountAt(scene.lab.pid, source)?.fsType === 'overlay')
    return `it is ${source} that shows a directory of the container now: the two are exchanged`
  if (!entry) return `there is no directory ${target} to mount on`
  if (!mount) return `nothing is mounted on ${target}`
  if (identify(scene, target) === wanted) return undefined
  return `what is mounted on ${target} is not ${source}, but ${mount.root} of a ${mount.fsType}`
}

/** Why a container is not there as an overlay over the image; undefined where it is. */
export function notContainer(scene: Scene, name: string): string | undefined {
  const root = `/lab/${name}/root`
  const mount = mountAt(scene.lab.pid, root)
  if (!mount) return `nothing is mounted on ${root}`
  const { lower = [] } = overlayLayers(mount) ?? {}
  return lower.length === 1 && /(^|\/)image$/.test(lower[0]!) ? undefined : `${root} is no overlay over image alone`
}

const BIND = 'mount --bind data box/root/data'

export const bindTask: Task = {
  id: 'bind',
  title: 'A directory from outside',
  check(scene) {
    const { note } = scene.values
    const saw = notBound(scene, '/lab/data', '/lab/box/root/data')
    if (saw !== undefined) return no(saw)
    const has = readText(scene, '/lab/data/note')?.trim()
    if (has === note) return { passed: true, saw: `/data of the container is /lab/data, and there is ${note} in it` }
    if (readText(scene, '/lab/box/upper/data/note')?.trim() === note)
      return no(`the note lies in /lab/box/upper/data: it was written before the mount, and is hidden now`)
    return no(`/data of the container is /lab/data; its note says ${JSON.stringify(has ?? '')}, not ${note}`)
  },
  hints: [
    'First the directory `data` in `/lab`. The mount point is in the container’s root: `box/root/data`.',
    '`mount --bind WHAT WHERE`, as in lesson 5.',
    'Then go in, `chroot box/root /bin/sh`, and write: `echo {{note}} >/data/note`.',
  ],
  solution: ['mkdir data', BIND, 'chroot box/root /bin/sh', 'echo {{note}} >/data/note', 'exit'],
  leaves: ['mkdir -p data', `mountpoint -q box/root/data || ${BIND}`, 'echo {{note}} >data/note'],
  otherWays: [
    {
      name: 'the note first, and outside',
      commands: ['mkdir -p /lab/data && echo {{note}} >/lab/data/note', 'mount -o bind /lab/data /lab/box/root/data'],
    },
    {
      name: 'a directory that is a link to another file system',
      commands: [
        'mkdir /run/kept && ln -s /run/kept data && mount --rbind data box/root/data',
        'echo {{note}} >box/root/data/note',
      ],
    },
  ],
  wrongWays: [
    {
      name: 'a copy',
      commands: ['mkdir data && echo {{note}} >data/note', 'cp data/note box/root/data/'],
      saw: /nothing is mounted on \/lab\/box\/root\/data/,
    },
    {
      name: 'a symbolic link',
      commands: ['mkdir data && echo {{note}} >data/note', 'rm -r box/root/data && ln -s /lab/data box/root/data'],
      saw: /is a symbolic link; from inside/,
    },
    {
      name: 'exchanged',
      commands: ['mkdir data', 'mount --bind box/root/data data', 'echo {{note}} >data/note'],
      saw: /the two are exchanged/,
    },
    {
      name: 'written before the mount',
      commands: ['mkdir data', 'chroot box/root /bin/sh', 'echo {{note}} >/data/note', 'exit', BIND],
      saw: /written before the mount, and is hidden now/,
    },
    { name: 'nothing written', commands: ['mkdir data', BIND], saw: /its note says ""/ },
    {
      name: 'an empty file system',
      commands: ['mkdir data', 'mount -t tmpfs tmpfs box/root/data', 'echo {{note}} >box/root/data/note'],
      saw: /is not \/lab\/data, but \/ of a tmpfs/,
    },
  ],
}

const NEW = [
  'mkdir -p new/upper new/work new/root',
  'mount -t overlay overlay -o lowerdir=image,upperdir=new/upper,workdir=new/work new/root',
  'mount --bind data new/root/data',
]

export const outliveTask: Task = {
  id: 'outlive',
  title: 'What outlives a container',
  check(scene) {
    const { own, kept } = scene.values
    for (const name of ['box', 'new']) {
      const saw = notContainer(scene, name) ?? notBound(scene, '/lab/data', `/lab/${name}/root/data`)
      if (saw !== undefined) return no(saw)
    }
    const read = (path: string) => readText(scene, `/lab/${path}`)?.trim()
    const has = read('box/root/root/own')
    if (has !== own) return no(`/root/own of the container box says ${JSON.stringify(has ?? '')}, not ${own}`)
    const other = read('new/root/root/own')
    if (other !== undefined)
      return no(`the container new has a /root/own too, with ${JSON.stringify(other)}; nobody is to write one in it`)
    const shared = read('data/kept')
    if (shared !== kept) return no(`/data/kept says ${JSON.stringify(shared ?? '')}, not ${kept}`)
    return { passed: true, saw: `${own} is in the container box alone; ${kept} is in box, in new, and in /lab/data` }
  },
  hints: [
    'Two files first, from inside `box/root`. One lies in the container’s own files, the other in the volume.',
    'The new container is made as in lesson 12: directories, an overlay over `image`, and then the bind mount.',
    '`mount -t overlay overlay -o lowerdir=image,upperdir=new/upper,workdir=new/work new/root`, then `mount --bind data new/root/data`',
  ],
  solution: [
    'chroot box/root /bin/sh',
    'echo {{own}} >/root/own',
    'echo {{kept}} >/data/kept',
    'exit',
    ...NEW,
    'ls new/root/root new/root/data',
  ],
  leaves: ['echo {{kept}} >data/kept'],
  otherWays: [
    {
      name: 'the volume taken from the other container',
      commands: [
        'echo {{own}} >box/root/root/own; echo {{kept}} >data/kept',
        ...NEW.slice(0, 2),
        'mount --bind box/root/data new/root/data',
      ],
    },
  ],
  wrongWays: [
    {
      name: 'no volume in the new one',
      commands: ['echo {{own}} >box/root/root/own; echo {{kept}} >data/kept', ...NEW.slice(0, 2)],
      saw: /nothing is mounted on \/lab\/new\/root\/data/,
    },
    {
      name: 'over the old container',
      commands: [
        'echo {{own}} >box/root/root/own; echo {{kept}} >data/kept',
        NEW[0]!,
        NEW[1]!.replace('lowerdir=image', 'lowerdir=box/root'),
        NEW[2]!,
      ],
      saw: /new\/root is no overlay over image alone/,
    },
    {
      name: 'written in the new one',
      commands: [
        ...NEW,
        'echo {{own}} >box/root/root/own; echo {{own}} >new/root/root/own',
        'echo {{kept}} >data/kept',
      ],
      saw: /the container new has a \/root\/own too/,
    },
    {
      name: 'both into the container',
      commands: [...NEW, 'echo {{own}} >box/root/root/own; echo {{kept}} >box/root/root/kept'],
      saw: /^\/data\/kept says ""/,
    },
  ],
}
