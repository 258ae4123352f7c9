// A learner is root in the lab and may put links anywhere. A check must see what a process of the lab would see.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Scene } from '../../lessons/lesson.ts'
import {
  find,
  findEntry,
  idOf,
  inhabitants,
  isFound,
  labProcesses,
  readBytes,
  readText,
  rerooted,
} from '../../lessons/look.ts'
import { type Lab, startLab } from '../../toolkit/engine/lab/lab.ts'
import { identify } from '../../toolkit/observe/read.ts'

const isRoot = process.getuid?.() === 0

describe.skipIf(!isRoot)(`looking into a lab${isRoot ? '' : ' (skipped: needs root)'}`, () => {
  let lab: Lab
  let scene: Scene
  beforeAll(async () => {
    lab = await startLab()
    scene = { lab, host: { cgroups: 'v2' }, shellPid: undefined, values: {} }
    const script = `cd /lab
mkdir -p box/etc box/deep jail/bin
echo inside >box/etc/mark
ln -s /etc/mark box/absolute
ln -s ../../../../etc/mark box/deep/upwards
ln -s loop box/loop
ln -s nowhere box/dangling
ln -s /etc/mark/below box/through-a-file
ln -s box alias
ln -s / box/top`
    const { code, output } = await lab.run(['sh', '-ec', script])
    expect([code, output]).toEqual([0, ''])
  })
  afterAll(() => lab.stop())

  const mark = () => identify(`/proc/${lab.pid}/root/lab/box/etc/mark`)
  const idAt = (path: string, root?: string) => {
    const found = find(scene, path, root)
    return isFound(found) ? idOf(found) : found
  }

  test.each([
    ['/etc/mark'],
    ['etc//./mark'],
    ['/etc/../etc/mark'],
    ['/../../etc/mark'],
    ['/absolute'],
    ['/deep/upwards'],
    ['/top/etc/mark'],
    ['/top/top/absolute'],
  ])('%s, from the box, is the file in the box', path => {
    expect(idAt(path, '/lab/box')).toBe(mark())
  })

  test('what a file holds is read, and only that of the lab', () => {
    expect(readText(scene, '/lab/box/etc/mark')).toBe('inside\n')
    expect(readBytes(scene, '/lab/alias/../../../lab/box/etc/mark', 7)).toEqual(Buffer.from('inside\n'))
    expect(readBytes(scene, '/lab/box/etc/mark', 6)).toBeUndefined()
    for (const path of ['/lab/box/etc', '/lab/box/loop', '/lab/none', '/dev/zero'])
      expect(readText(scene, path)).toBeUndefined()
  })

  test('the root itself is found', () => {
    expect(idAt('/', '/lab/box')).toBe(identify(`/proc/${lab.pid}/root/lab/box`))
    expect(idAt('/')).toBe(identify(`/proc/${lab.pid}/root/`))
  })

  test.each([
    ['/no/file', { missing: '/no', link: undefined }],
    ['/etc/mark/below', { missing: '/etc/mark/below', link: undefined }],
    ['/loop', { missing: '/loop', link: { path: '/loop', target: 'loop' } }],
    ['/dangling', { missing: '/nowhere', link: { path: '/dangling', target: 'nowhere' } }],
    ['/through-a-file', { missing: '/etc/mark/below', link: { path: '/through-a-file', target: '/etc/mark/below' } }],
  ])('%s is missing, and it says where', (path, missing) => {
    expect(idAt(path, '/lab/box')).toEqual(missing)
  })

  test('a root behind a link is no root', () => {
    expect(idAt('/etc/mark', '/lab/alias')).toEqual({ missing: '/', link: undefined })
    expect(findEntry(scene, '/lab/alias/etc/mark')).toBeUndefined()
    expect(findEntry(scene, '/lab/alias')?.isSymbolicLink()).toBe(true)
  })

  test('processes with a root of their own are told apart', async () => {
    expect(labProcesses(scene).map(({ pid }) => pid)).toEqual([lab.pid])
    const script = `cp --parents /bin/sleep $(ldd /bin/sleep | grep -o '/[^ ]*') /lab/jail
setsid chroot /lab/jail /bin/sleep 1000 </dev/null >/dev/null 2>&1 &
sleep 0.2`
    await lab.run(['sh', '-ec', script])
    expect(rerooted(scene).map(({ comm }) => comm)).toEqual(['sleep'])
    expect(inhabitants(scene, '/lab/jail')).toHaveLength(1)
    expect(inhabitants(scene, '/lab/box')).toHaveLength(0)
    expect(inhabitants(scene, '/lab/nowhere')).toHaveLength(0)
  })
})
