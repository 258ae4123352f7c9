// Task 4: which program is to be started, and the layers by their content.
import { no, type Task } from '../lesson.ts'
import { BLOBS, type Blob } from './blobs.ts'
import { layersOf } from './image.ts'
import { PUT, short } from './pack.ts'

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
