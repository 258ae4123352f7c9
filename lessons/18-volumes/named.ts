// Task 5: a volume that has a name, and begins with what the image has at that place.
import { no, type Task } from '../lesson.ts'
import { findEntry, readText } from '../look.ts'
import { notBound } from './bind.ts'

/** Who owns the site in the image: nobody that the lab knows, so no copy has this owner by chance. */
export const OWNER = 1234

const SITE = '/lab/box/root/srv/site'
const BIND = 'mount --bind volumes/{{volume}} box/root/srv/site'

export const namedTask: Task = {
  id: 'named',
  title: 'A volume with a name',
  check(scene) {
    const { volume, page } = scene.values
    const directory = `/lab/volumes/${volume}`
    const top = findEntry(scene, directory)
    if (!top?.isDirectory()) return no(`there is no directory ${directory} yet`)
    const index = findEntry(scene, `${directory}/index.html`)
    if (!index)
      return no(
        findEntry(scene, `${directory}/site`)
          ? `${directory} has a directory site in it; the files of the site belong into ${directory} itself`
          : `${directory} has no index.html: the container would see an empty directory`,
      )
    if (!readText(scene, `${directory}/index.html`)?.includes(page!))
      return no(`${directory}/index.html is not that of the image`)
    for (const [path, { uid, mode }, wanted] of [
      [`${directory}/index.html`, index, 0o640n],
      [directory, top, 0o750n],
    ] as const) {
      if (uid !== BigInt(OWNER)) return no(`${path} belongs to user ${uid}; in the image its owner is ${OWNER}`)
      if ((mode & 0o777n) !== wanted)
        return no(`${path} has the mode ${(mode & 0o777n).toString(8)}; in the image it is ${wanted.toString(8)}`)
    }
    const saw = notBound(scene, directory, SITE)
    if (saw !== undefined) return no(saw)
    return { passed: true, saw: `/srv/site of the container is the volume ${volume}, with what the image had there` }
  },
  hints: [
    'Three steps, in this order: the directory, the copy, the mount. After the mount, the image’s files are covered.',
    '`cp -a` keeps owner, mode and time. `image/srv/site/.` with a dot at its end means: what is in it, and its own mode.',
    '`cp -a image/srv/site/. volumes/{{volume}}`, then `mount --bind volumes/{{volume}} box/root/srv/site`',
  ],
  solution: ['mkdir -p volumes/{{volume}}', 'cp -a image/srv/site/. volumes/{{volume}}', BIND],
  leaves: [
    'mkdir -p volumes/{{volume}}',
    'test -e volumes/{{volume}}/index.html || cp -a image/srv/site/. volumes/{{volume}}',
    `mountpoint -q box/root/srv/site || ${BIND}`,
  ],
  otherWays: [
    {
      name: 'by tar, from the container',
      commands: [
        'mkdir -p volumes/{{volume}} && tar -C box/root/srv/site -c . | tar -C volumes/{{volume}} -xp',
        'mount -o bind /lab/volumes/{{volume}} /lab/box/root/srv/site',
      ],
    },
    { name: 'the directory as a copy', commands: ['mkdir volumes && cp -a image/srv/site volumes/{{volume}}', BIND] },
  ],
  wrongWays: [
    {
      name: 'empty',
      commands: ['mkdir -p volumes/{{volume}}', BIND],
      saw: /the container would see an empty directory/,
    },
    {
      name: 'copied without owners',
      commands: ['mkdir -p volumes/{{volume}}', 'cp -r image/srv/site/. volumes/{{volume}}', BIND],
      saw: /belongs to user 0; in the image its owner is/,
    },
    {
      name: 'one directory too deep',
      commands: ['mkdir -p volumes/{{volume}}', 'cp -a image/srv/site volumes/{{volume}}', BIND],
      saw: /has a directory site in it/,
    },
    {
      name: 'only the files',
      commands: [
        'mkdir -p volumes/{{volume}} && chown 1234 volumes/{{volume}}',
        'cp -a image/srv/site/* volumes/{{volume}}',
        BIND,
      ],
      saw: /volumes\/\S+ has the mode 755; in the image it is 750/,
    },
    {
      name: 'not mounted',
      commands: ['mkdir -p volumes/{{volume}}', 'cp -a image/srv/site/. volumes/{{volume}}'],
      saw: /nothing is mounted on \/lab\/box\/root\/srv\/site/,
    },
  ],
}
