// Task 6: what all these names are good for.
import { no, type Task } from '../lesson.ts'
import { findEntry, readText } from '../look.ts'
import { imageOf } from './image.ts'
import { short } from './pack.ts'

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
