// Commands that take several containers: what each of them comes to is nobody else's business.
import { describe, expect, test } from 'vitest'
import { eventually, nothing, skipped, worldForEach } from './toolkit.ts'

const world = worldForEach()

const toolkit = (...args: string[]) => world.toolkit(args)
const create = (name: string, ...args: string[]) => toolkit('create', '--name', name, 'busybox', ...args)
const names = () => toolkit('ps', '--format', '{{.Names}}').stdout.split('\n').filter(Boolean).sort()

describe.skipIf(skipped)(`several containers${skipped}`, () => {
  test.each(['start', 'restart'])('%s: one whose program is not there does not stop the others', command => {
    create('first', 'sleep', '1000')
    create('second', 'nosuch')
    create('third', 'sleep', '1000')
    expect(toolkit(command, 'first', 'second', 'third')).toMatchObject({
      status: 1,
      stdout: 'first\nthird\n',
      stderr: expect.stringMatching(/^toolkit: second: cannot start "nosuch" in the container: .*\n$/),
    })
    expect(names()).toEqual(['first', 'third'])
  })

  test('rm: the same one twice is removed once, as docker says it', () => {
    create('first', 'true')
    create('second', 'true')
    expect(toolkit('rm', 'first', 'second', 'first')).toMatchObject({
      ...{ status: 1, stdout: 'first\nsecond\n' },
      stderr: 'toolkit: removal of container first is already in progress\n',
    })
    expect(world.left()).toEqual(nothing)
  })

  test('a single one keeps its exit code', () => {
    create('missing', 'nosuch')
    create('directory', '/etc')
    expect(toolkit('start', 'missing')).toMatchObject({
      status: 127,
      stderr: expect.stringMatching(/^toolkit: cannot start "nosuch" /),
    })
    expect(toolkit('restart', 'directory').status).toBe(126)
    expect(toolkit('start', 'directory', 'missing')).toMatchObject({ status: 1, stdout: '' })
  })

  test('all at the same time, named in their order, and one that is not there takes nothing from them', async () => {
    const trap = (end: string) => `trap "${end}" TERM; echo ready; while :; do sleep 0.05; done`
    for (const [name, end] of [
      ['slow', 'sleep 3; exit 0'],
      ['quick', 'exit 0'],
    ] as const) {
      toolkit('run', '-d', '--name', name, 'busybox', 'sh', '-c', trap(end))
      await eventually(() => toolkit('logs', name).stdout === 'ready\n', name)
    }
    const stop = world.start(['stop', 'slow', 'nobody', 'quick'])
    await eventually(() => !names().includes('quick'), 'quick has ended')
    expect(names()).toEqual(['slow'])
    expect(stop.output()).not.toContain('quick\n')
    expect((await stop.exit).code).toBe(1)
    expect(stop.output()).toMatch(/no container "nobody"/)
    expect(stop.output()).toMatch(/slow\nquick\n$/)
  })
})
