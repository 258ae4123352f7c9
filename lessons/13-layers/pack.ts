// Tasks 1 to 3: two directories become tar archives, and these files named by their content.
import { readdirSync } from 'node:fs'
import { orGone } from '../../toolkit/observe/read.ts'
import { no, type Scene, type Task } from '../lesson.ts'
import { find, findEntry, isFound, readBytes } from '../look.ts'
import { BLOBS, findLayers, hasName, MAX_BYTES, readBlobs, unpack } from './blobs.ts'
import { readTar, type TarEntry } from './tar.ts'

/** The entries of an archive in /lab; in words, why there are none. */
function archive(scene: Scene, name: string): readonly TarEntry[] | string {
  const bytes = readBytes(scene, `/lab/${name}`, MAX_BYTES)
  if (!bytes) return `there is no file /lab/${name} yet`
  const entries = readTar(bytes)
  if (entries) return entries
  return unpack(bytes) ? `/lab/${name} is packed by gzip already; that comes later` : `/lab/${name} is no tar archive`
}

/** The directories that lie in a directory itself, by name. */
function topOf(scene: Scene, path: string): string[] {
  const found = find(scene, path)
  const entries = isFound(found) ? orGone(() => readdirSync(found.hostPath, { withFileTypes: true })) : []
  return (entries ?? [])
    .filter(entry => entry.isDirectory())
    .map(({ name }) => name)
    .sort()
}

export const tarTask: Task = {
  id: 'tar',
  title: 'A directory becomes a file',
  check(scene) {
    const entries = archive(scene, 'base.tar')
    if (typeof entries === 'string') return no(entries)
    if (hasName(entries, 'base/bin/busybox'))
      return no('the names in /lab/base.tar begin with base/: unpacked, it would be a root in a directory')
    if (hasName(entries, 'bin/greet'))
      return no('/lab/base.tar has a file bin/greet, which is in /lab/changes and not in /lab/base')
    const missing = [
      'bin/busybox',
      'bin/sh',
      'etc/motd',
      `etc/${scene.values.secret}`,
      ...topOf(scene, '/lab/base'),
    ].find(name => !hasName(entries, name))
    if (missing) return no(`/lab/base.tar has ${entries.length} entries, but no ${missing}`)
    const size = findEntry(scene, '/lab/base/bin/busybox')?.size
    const packed = entries.find(({ name, kind }) => name === 'bin/busybox' && kind === 'file')
    if (packed && size !== undefined && BigInt(packed.size) !== size)
      return no(`the bin/busybox in /lab/base.tar has ${packed.size} bytes, and the one in /lab/base ${size}`)
    return { passed: true, saw: `/lab/base.tar has ${entries.length} entries, named from the root` }
  },
  hints: [
    '`tar -cf FILE NAMES` makes an archive of these names. `-C DIRECTORY` goes there first.',
    'From inside `base`, the name for everything is `.`, the directory itself.',
    '`tar -C base -cf base.tar .`',
  ],
  solution: ['tar -C base -cf base.tar .'],
  leaves: ['tar -C base -cf base.tar .'],
  otherWays: [
    { name: 'from inside the directory', commands: ['cd base && tar cf ../base.tar * && cd ..'] },
    {
      name: 'made in the directory, and moved',
      commands: ['cd base && tar -cf base.tar . && cp base.tar .. && cd ..'],
    },
    { name: 'through a pipe', commands: ['tar -C base -c . | cat >base.tar'] },
  ],
  wrongWays: [
    { name: 'with the directory’s own name', commands: ['tar -cf base.tar base'], saw: /begin with base\// },
    { name: 'packed at once', commands: ['tar -C base -czf base.tar .'], saw: /packed by gzip already/ },
    { name: 'the other directory', commands: ['tar -C changes -cf base.tar .'], saw: /has a file bin\/greet/ },
    { name: 'a part', commands: ['tar -C base -cf base.tar ./etc'], saw: /but no bin\/busybox/ },
    {
      name: 'without the empty directories',
      commands: ['tar -C base -cf base.tar bin etc sbin usr'],
      saw: /entries, but no dev$/,
    },
  ],
}

const LAYER = [
  'rm -rf layer && cp -a changes layer',
  'rm -f layer/etc/{{secret}}',
  'touch layer/etc/.wh.{{secret}}',
  'tar -C layer -cf changes.tar .',
]

export const whiteoutTask: Task = {
  id: 'whiteout',
  title: 'A whiteout becomes a name',
  check(scene) {
    const entries = archive(scene, 'changes.tar')
    if (typeof entries === 'string') return no(entries)
    const { secret } = scene.values
    const device = entries.find(({ kind }) => kind === 'character device')
    if (device) return no(`/lab/changes.tar has a device at ${device.name}: the whiteout as the overlay has it`)
    if (hasName(entries, `etc/${secret}`)) return no(`/lab/changes.tar has a file etc/${secret} itself`)
    const mark = entries.find(({ name }) => name.split('/').at(-1) === `.wh.${secret}`)
    if (!mark) return no(`/lab/changes.tar has no .wh.${secret}, so nothing says that the file is gone`)
    if (mark.name !== `etc/.wh.${secret}`)
      return no(`/lab/changes.tar has ${mark.name}; it belongs into etc, beside what it hides`)
    const missing = ['bin/greet', 'etc/motd'].find(name => !hasName(entries, name))
    if (missing) return no(`/lab/changes.tar has the whiteout, but no ${missing}`)
    return { passed: true, saw: `/lab/changes.tar has etc/.wh.${secret}, an empty file, and no device` }
  },
  hints: [
    'Work on a copy: `cp -a changes layer`. There, remove the device, and make an empty file with the new name.',
    'The name is `.wh.` and the old name, in the same directory: `layer/etc/.wh.{{secret}}`.',
    'Then `tar -C layer -cf changes.tar .`, as before.',
  ],
  solution: [
    'cp -a changes layer',
    'rm layer/etc/{{secret}}',
    'touch layer/etc/.wh.{{secret}}',
    'tar -C layer -cf changes.tar .',
  ],
  leaves: LAYER,
  otherWays: [
    {
      name: 'left out, and added to the archive',
      commands: [
        'tar -C changes --exclude={{secret}} -cf changes.tar .',
        'mkdir -p mark/etc && touch mark/etc/.wh.{{secret}}',
        'tar -C mark -rf changes.tar etc/.wh.{{secret}}',
      ],
    },
    {
      name: 'a copy without the names of directories',
      commands: [...LAYER.slice(0, 3), 'cd layer && tar cf ../changes.tar bin etc && cd ..'],
    },
  ],
  wrongWays: [
    { name: 'the device itself', commands: ['tar -C changes -cf changes.tar .'], saw: /has a device at etc\// },
    {
      name: 'left out',
      commands: ['tar -C changes --exclude={{secret}} -cf changes.tar .'],
      saw: /so nothing says that the file is gone/,
    },
    {
      name: 'in the wrong place',
      commands: [...LAYER.slice(0, 2), 'touch layer/.wh.{{secret}}', 'tar -C layer -cf changes.tar .'],
      saw: /it belongs into etc/,
    },
    {
      name: 'an ordinary empty file',
      commands: [...LAYER.slice(0, 2), 'touch layer/etc/{{secret}}', 'tar -C layer -cf changes.tar .'],
      saw: /has a file etc\/\S+ itself/,
    },
  ],
}

/** Puts a file into the image under its digest, as a person would type it. */
export const PUT = (name: string): string => `cp ${name} image/blobs/sha256/$(sha256sum <${name} | cut -c-64)`

export const blobsTask: Task = {
  id: 'blobs',
  title: 'Named by its content',
  check(scene) {
    const blobs = readBlobs(scene)
    if (!blobs) return no(`there is no directory ${BLOBS} yet`)
    if (blobs.length === 0) return no(`${BLOBS} is empty`)
    const wrong = blobs.find(({ name, digest }) => name !== digest)
    if (wrong)
      return no(
        `${BLOBS}/${short(wrong.name)} has another name than its content, whose digest is ${short(wrong.digest)}`,
      )
    const { base, changes } = findLayers(scene, blobs)
    if (base && changes)
      return {
        passed: true,
        saw: `two layers, ${short(base.name)} and ${short(changes.name)}, are named by their content`,
      }
    const plain = blobs.find(({ bytes }) => readTar(bytes))
    if (plain) return no(`${BLOBS}/${short(plain.name)} is a tar archive, not packed by gzip yet`)
    return no(`${BLOBS} has a good name for each file; the layer of ${base ? 'changes' : 'base'}.tar is not among them`)
  },
  hints: [
    '`gzip -n -k base.tar` makes `base.tar.gz` and keeps the other file.',
    '`sha256sum <base.tar.gz` prints the digest and a `-`. The first 64 letters are the name: `cut -c-64`.',
    '`cp base.tar.gz image/blobs/sha256/$(sha256sum <base.tar.gz | cut -c-64)`',
  ],
  solution: [
    'mkdir -p image/blobs/sha256',
    'gzip -n -k base.tar changes.tar',
    PUT('base.tar.gz'),
    PUT('changes.tar.gz'),
  ],
  leaves: [
    'mkdir -p image/blobs/sha256',
    'gzip -1 -n -k -f base.tar changes.tar',
    PUT('base.tar.gz'),
    PUT('changes.tar.gz'),
  ],
  otherWays: [
    {
      name: 'with the digest by hand, and stronger packing',
      commands: [
        'mkdir -p image/blobs/sha256 && for n in base changes; do gzip -9 <$n.tar >$n.gz; done',
        'for n in base changes; do set -- $(sha256sum $n.gz); mv $n.gz image/blobs/sha256/$1; done',
      ],
    },
  ],
  wrongWays: [
    {
      name: 'the digest of the tar as name',
      commands: [
        'mkdir -p image/blobs/sha256 && gzip -n -k base.tar changes.tar',
        'for n in base changes; do cp $n.tar.gz image/blobs/sha256/$(sha256sum <$n.tar | cut -c-64); done',
      ],
      saw: /has another name than its content/,
    },
    {
      name: 'not packed',
      commands: ['mkdir -p image/blobs/sha256', PUT('base.tar'), PUT('changes.tar')],
      saw: /is a tar archive, not packed by gzip yet/,
    },
    {
      name: 'only one',
      commands: ['mkdir -p image/blobs/sha256', 'gzip -n -k base.tar', PUT('base.tar.gz')],
      saw: /the layer of changes\.tar is not among them/,
    },
    {
      name: 'in another directory',
      commands: ['mkdir -p blobs', 'gzip -n -k base.tar'],
      saw: /there is no directory .*sha256/,
    },
  ],
}

/** The first letters of a digest are enough to know it by. */
export function short(name: string): string {
  return name.slice(0, 12)
}
