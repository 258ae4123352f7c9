// Tasks 4 to 6: the config, the manifest with the index, and what all these names are good for.
import { type Image, readLayout } from '../../toolkit/image/layout.ts'
import { UsageError } from '../../toolkit/kernel/usage-error.ts'
import type { Scene, Task, Verdict } from '../lesson.ts'
import { find, findEntry, isFound, readText } from '../look.ts'
import { BLOBS, type Blob, findLayers, type PackedLayer, readBlobs } from './blobs.ts'
import { PUT, short } from './pack.ts'

const no = (saw: string): Verdict => ({ passed: false, saw })

interface Layers {
  readonly blobs: readonly Blob[]
  readonly base: PackedLayer
  readonly changes: PackedLayer
}

/** The blobs of task 3; in words, what of them is missing. */
function layersOf(scene: Scene): Layers | string {
  const blobs = readBlobs(scene)
  const { base, changes } = findLayers(scene, blobs ?? [])
  if (!blobs || !base || !changes) return `${BLOBS} has not both layers any more; go back to task 3, or reset the lab`
  return { blobs, base, changes }
}

interface Config {
  readonly config?: { readonly Env?: readonly string[]; readonly Cmd?: readonly string[] }
  readonly rootfs: { readonly diff_ids: readonly string[] }
}

/** The blobs that are a config: objects of JSON with a list of diff_ids. */
function configs(blobs: readonly Blob[]): Config[] {
  return blobs.flatMap(({ bytes }) => {
    try {
      const value = JSON.parse(bytes.subarray(0, 1 << 16).toString('utf8')) as Partial<Config> | null
      return Array.isArray(value?.rootfs?.diff_ids) ? [value as Config] : []
    } catch {
      return [] // a layer
    }
  })
}

const DIGESTS = {
  base: '$(sha256sum <base.tar | cut -c-64)',
  changes: '$(sha256sum <changes.tar | cut -c-64)',
}
const CONFIG = [
  `sed -i "s/BASE/${DIGESTS.base}/" config.json`,
  `sed -i "s/CHANGES/${DIGESTS.changes}/" config.json`,
  'sed -i "s/WORD/{{hello}}/" config.json',
]

export const configTask: Task = {
  id: 'config',
  title: 'What to run',
  check(scene) {
    const layers = layersOf(scene)
    if (typeof layers === 'string') return no(layers)
    const { blobs, base, changes } = layers
    const found = configs(blobs)
    if (found.length === 0) return no(`no file of ${BLOBS} is JSON with a list of diff_ids`)
    const wanted = [base, changes].map(({ diffId }) => `sha256:${diffId}`)
    const hello = `HELLO=${scene.values.hello}`
    const right = found.find(({ rootfs }) => rootfs.diff_ids.join() === wanted.join())
    if (!right) {
      const ids = found.flatMap(({ rootfs }) => rootfs.diff_ids).map(String)
      if (ids.some(id => /BASE|CHANGES/.test(id)))
        return no('the config in the image still has the words BASE or CHANGES in it')
      if (ids.includes(`sha256:${base.name}`) || ids.includes(`sha256:${changes.name}`))
        return no('the diff_ids of the config are digests of the packed layers; they should be those of the tars')
      if (wanted.every(id => ids.includes(id)))
        return no('the diff_ids of the config are in the wrong order: the lowest comes first')
      return no(`the diff_ids of the config are ${ids.map(id => short(id.replace('sha256:', ''))).join(' and ')}`)
    }
    if (!right.config?.Env?.includes(hello))
      return no(
        `the config has the right diff_ids; its Env is ${JSON.stringify(right.config?.Env ?? [])}, without ${hello}`,
      )
    return { passed: true, saw: `the image has a config with the diff_ids of both layers, and with ${hello}` }
  },
  hints: [
    'Three words in `config.json` wait for you: BASE, CHANGES and WORD. The first two are digests of the tars, not of what gzip made of them.',
    '`sha256sum base.tar changes.tar` prints them. An editor is fine, and so is `sed -i "s/WORD/{{hello}}/" config.json`.',
    'It is put into the image as the layers were: `cp config.json image/blobs/sha256/$(sha256sum <config.json | cut -c-64)`',
  ],
  solution: [...CONFIG, PUT('config.json')],
  leaves: [...CONFIG, PUT('config.json')],
  otherWays: [
    {
      name: 'written anew, with names in another order',
      commands: [
        `d='"diff_ids":["sha256:'${DIGESTS.base}'","sha256:'${DIGESTS.changes}'"]'`,
        `echo '{"rootfs":{'"$d"',"type":"layers"},"config":{"Env":["HELLO={{hello}}"],"Cmd":["/bin/greet"]},"os":"linux","architecture":"amd64"}' >my.json`,
        PUT('my.json'),
      ],
    },
  ],
  wrongWays: [
    {
      name: 'the digests of the packed layers',
      commands: [
        'sed -i "s/BASE/$(sha256sum <base.tar.gz | cut -c-64)/" config.json',
        'sed -i "s/CHANGES/$(sha256sum <changes.tar.gz | cut -c-64)/" config.json',
        PUT('config.json'),
      ],
      saw: /digests of the packed layers/,
    },
    {
      name: 'the wrong order',
      commands: [
        `sed -i "s/BASE/${DIGESTS.changes}/" config.json`,
        `sed -i "s/CHANGES/${DIGESTS.base}/" config.json`,
        PUT('config.json'),
      ],
      saw: /in the wrong order/,
    },
    { name: 'not completed', commands: [PUT('config.json')], saw: /still has the words BASE or CHANGES/ },
    { name: 'without the word', commands: [...CONFIG.slice(0, 2), PUT('config.json')], saw: /its Env is .*WORD/ },
    { name: 'not put into the image', commands: CONFIG, saw: /no file of .* is JSON with/ },
  ],
}

/** The image, verified; in words, what is wrong with it. */
export function imageOf(scene: Scene, path: string): Image | string {
  const found = find(scene, path)
  if (!isFound(found)) return `there is no directory ${path}`
  try {
    const [image, second] = readLayout(found.hostPath)
    if (!image) return `${path} has no image in its index.json`
    return second ? `${path} has more than one image in its index.json` : image
  } catch (error) {
    if (error instanceof UsageError) return error.message
    throw error
  }
}

const FILL = (file: string, word: string, path: string) =>
  `sed -i "s/${word}_DIGEST/$(sha256sum <${path} | cut -c-64)/; s/${word}_SIZE/$(stat -c %s ${path})/" ${file}`
const MANIFEST = [
  FILL('manifest.json', 'CONFIG', 'config.json'),
  FILL('manifest.json', 'BASE', 'base.tar.gz'),
  FILL('manifest.json', 'CHANGES', 'changes.tar.gz'),
  PUT('manifest.json'),
]
const INDEX = [FILL('index.json', 'MANIFEST', 'manifest.json'), 'cp index.json image/']
const VERSION = `echo '{"imageLayoutVersion":"1.0.0"}' >image/oci-layout`

export const manifestTask: Task = {
  id: 'manifest',
  title: 'The table of contents',
  check(scene) {
    const layers = layersOf(scene)
    if (typeof layers === 'string') return no(layers)
    const image = imageOf(scene, '/lab/image')
    if (typeof image === 'string') return no(`the image is not complete: ${image}`)
    const wanted = [layers.base, layers.changes]
    if (image.layers.map(({ digest }) => digest).join() !== wanted.map(({ name }) => `sha256:${name}`).join())
      return no(
        `the manifest lists ${image.layers.length} layers, but not that of base.tar first and that of changes.tar second`,
      )
    if (image.layers.some(({ diffId }, i) => diffId !== `sha256:${wanted[i]!.diffId}`))
      return no('the diff_ids of the config are not those of the layers in the manifest')
    if (image.name !== scene.values.ref)
      return no(`the image in index.json is called ${image.name ?? 'nothing'}, not ${scene.values.ref}`)
    return {
      passed: true,
      saw: `from index.json to the layers, each size and digest is right; the image is called ${image.name}`,
    }
  },
  hints: [
    'From the bottom to the top: manifest.json needs the digests and sizes of three blobs, index.json those of the manifest.',
    'Each is digest and size of the file as it lies in the image: for layers the packed one. `stat -c %s FILE` prints a size.',
    'CONFIG_DIGEST is what `sha256sum <config.json` prints, CONFIG_SIZE what `stat -c %s config.json` prints. BASE and CHANGES are the `.tar.gz` files.',
    'At last `cp index.json image/`, and `echo \'{"imageLayoutVersion":"1.0.0"}\' >image/oci-layout`.',
  ],
  solution: [...MANIFEST, ...INDEX, VERSION],
  leaves: [...MANIFEST, ...INDEX, VERSION],
  otherWays: [
    {
      name: 'on one line, and only what must be there',
      commands: [
        `v=application/vnd.oci.image && d() { echo '"mediaType":"'$1'","digest":"sha256:'$(sha256sum <$2 | cut -c-64)'","size":'$(stat -c %s $2); }`,
        `echo '{"schemaVersion":2,"config":{'$(d $v.config.v1+json config.json)'},"layers":[{'$(d $v.layer.v1.tar+gzip base.tar.gz)'},{'$(d $v.layer.v1.tar+gzip changes.tar.gz)'}]}' >m.json`,
        `${PUT('m.json')}; echo '{"schemaVersion":2,"manifests":[{'$(d $v.manifest.v1+json m.json)',"annotations":{"org.opencontainers.image.ref.name":"{{ref}}"}}]}' >image/index.json`,
        VERSION,
      ],
    },
  ],
  wrongWays: [
    { name: 'without a version', commands: [...MANIFEST, ...INDEX], saw: /there is no oci-layout/ },
    {
      name: 'a size of the tar that is not packed',
      commands: [
        FILL('manifest.json', 'BASE', 'base.tar.gz').replace('%s base.tar.gz', '%s base.tar'),
        ...MANIFEST,
        ...INDEX,
        VERSION,
      ],
      saw: /has \d+ bytes, and whoever refers to it says \d+/,
    },
    {
      name: 'the manifest is changed afterwards',
      commands: [
        ...MANIFEST,
        ...INDEX,
        VERSION,
        'sed -i s/schemaVersion/schemaversion/ image/blobs/sha256/$(sha256sum <manifest.json | cut -c-64)',
      ],
      saw: /the content of \S+ is not what its name says/,
    },
    {
      name: 'the manifest is not in the image',
      commands: [...MANIFEST.slice(0, 3), ...INDEX, VERSION],
      saw: /not complete: there is no blobs\/sha256/,
    },
  ],
}

const FLIP = 'f=$(ls -S forged/blobs/sha256/* | head -n 1)'

export const forgedTask: Task = {
  id: 'forged',
  title: 'One byte',
  check(scene) {
    const { forgery } = scene.values
    const image = imageOf(scene, '/lab/image')
    if (typeof image === 'string') return no(`the image itself is not right any more: ${image}`)
    if (!findEntry(scene, '/lab/forged')) return no('there is no /lab/forged yet, and /lab/image is as it was')
    const forged = imageOf(scene, '/lab/forged')
    if (typeof forged !== 'string') return no('/lab/forged is as good as /lab/image: every digest is right')
    if (!/is not what its name says/.test(forged)) return no(`/lab/forged is broken in another way: ${forged}`)
    const layer = image.layers.find(({ digest }) => forged.includes(digest.slice(7)))
    if (!layer) return no(`in /lab/forged it is no layer that was changed: ${forged}`)
    const motd = readText(scene, '/lab/changes/etc/motd')?.trim()
    if (motd !== forgery)
      return no(`/lab/forged is found out; /lab/changes/etc/motd still says ${JSON.stringify(motd ?? '')}`)
    return {
      passed: true,
      saw: `/lab/changes says ${forgery}, and nothing speaks against it; in /lab/forged the layer ${short(layer.digest.slice(7))} is found out`,
    }
  },
  hints: [
    '`cp -r image forged`. A layer is the largest file in `forged/blobs/sha256`: `ls -lS` sorts by size.',
    'dd writes in the middle of a file: `printf X | dd of=FILE bs=1 seek=1000 conv=notrunc`.',
    'The other half: `echo {{forgery}} >changes/etc/motd`.',
  ],
  solution: [
    'echo {{forgery}} >changes/etc/motd',
    'cp -r image forged',
    FLIP,
    'printf XXXX | dd of=$f bs=1 seek=1000 conv=notrunc',
  ],
  leaves: [
    'echo {{forgery}} >changes/etc/motd',
    'cp -r image forged',
    FLIP,
    'printf XXXX | dd of=$f bs=1 seek=1000 conv=notrunc status=none',
  ],
  otherWays: [
    {
      name: 'a layer with other files under the old name',
      commands: [
        'echo {{forgery}} >changes/etc/motd && cp -r image forged',
        'truncate -s $(stat -c %s changes.tar.gz) forged/blobs/sha256/$(sha256sum <changes.tar.gz | cut -c-64)',
        'printf X | dd of=forged/blobs/sha256/$(sha256sum <changes.tar.gz | cut -c-64) bs=1 conv=notrunc',
      ],
    },
  ],
  wrongWays: [
    { name: 'only copied', commands: ['cp -r image forged'], saw: /as good as \/lab\/image/ },
    {
      name: 'the image itself',
      commands: [
        'cp -r image forged',
        'printf XXXX | dd of=$(ls -S image/blobs/sha256/* | head -n 1) bs=1 seek=1000 conv=notrunc',
      ],
      saw: /the image itself is not right any more/,
    },
    {
      name: 'a byte more',
      commands: ['cp -r image forged', FLIP, 'echo >>$f'],
      saw: /broken in another way: .* bytes, and whoever/,
    },
    {
      name: 'only the image’s copy',
      commands: ['cp -r image forged', FLIP, 'printf XXXX | dd of=$f bs=1 seek=1000 conv=notrunc'],
      saw: /is found out; \/lab\/changes\/etc\/motd still says/,
    },
    {
      name: 'not a layer',
      commands: [
        'cp -r image forged',
        'printf X | dd of=forged/blobs/sha256/$(sha256sum <config.json | cut -c-64) bs=1 seek=20 conv=notrunc',
      ],
      saw: /it is no layer that was changed/,
    },
  ],
}
