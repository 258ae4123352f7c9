// Task 5: what belongs to the image, and where to begin.
import { no, type Task } from '../lesson.ts'
import { imageOf, layersOf } from './image.ts'
import { PUT } from './pack.ts'

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
