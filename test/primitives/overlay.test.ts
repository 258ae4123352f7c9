import { describe, expect, test } from 'vitest'
import { plan } from '../../toolkit/primitives/overlay.ts'

/** What the kernel makes of an option string: overlayfs ends an option at a comma and a layer at a colon. */
function parse(options: string): Record<string, string[]> {
  const take = (text: string, separator: string) => text.match(new RegExp(`(\\\\.|[^${separator}\\\\])+`, 'gs'))!
  return Object.fromEntries(
    take(options, ',').map(option => {
      const [name, ...value] = option.split('=')
      return [name, take(value.join('='), ':').map(path => path.replace(/\\(.)/gs, '$1'))]
    }),
  )
}

describe('overlay', () => {
  test('one mount, the layers from the top down', () => {
    const [step, ...more] = plan({ lower: ['/b', '/a'], upper: '/up', work: '/work' }, '/merged')
    expect(more).toEqual([])
    expect(step).toMatchObject({
      call: 'mount',
      args: [
        'overlay',
        '/merged',
        'overlay',
        0,
        'lowerdir=/b:/a,upperdir=/up,workdir=/work,redirect_dir=nofollow,metacopy=off',
      ],
    })
  })

  test.each(['a,b', 'a:b', 'a\\b', 'a\\,b', 'a=b', 'a b', ',', ':', '\\'])(
    'a directory named %j is one directory',
    name => {
      const layers = { lower: [`/x/${name}`, '/y'], upper: `/up/${name}`, work: `/scratch/${name}` }
      const [step] = plan(layers, '/merged')
      expect(parse(step!.args[4] as string)).toMatchObject({
        lowerdir: layers.lower,
        upperdir: [layers.upper],
        workdir: [layers.work],
      })
    },
  )
})
