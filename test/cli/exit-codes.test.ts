// docker's exit codes, where a command is called in a wrong way: 125 for its flags, 1 for its words.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { skipped, World } from './toolkit.ts'

const world = new World()
afterAll(() => world.end())

const toolkit = (...args: string[]) => world.toolkit(args)

describe.skipIf(skipped)(`called in a wrong way${skipped}`, () => {
  beforeAll(() => void toolkit('run', '-d', '--name', 'box', 'busybox', 'sleep', '1000'))
  afterAll(() => world.removeAll())

  test.each([
    ...['rm', 'start', 'stop', 'restart', 'kill', 'wait', 'pause', 'unpause', 'inspect', 'update', 'logs', 'top'].map(
      name => [[name]],
    ),
    ...[['attach'], ['port'], ['rename'], ['rename', 'box'], ['diff'], ['exec'], ['exec', 'box']].map(words => [words]),
    ...[
      ['logs', 'box', 'x'],
      ['top', 'box', 'another'],
      ['diff', 'box', 'x'],
      ['port', 'box', '80', 'x'],
    ].map(words => [words]),
    ...[
      ['ps', 'x'],
      ['events', 'x'],
      ['info', 'x'],
      ['version', 'x'],
      ['rename', 'box', 'x1', 'x2'],
    ].map(words => [words]),
    ...[
      ['volume', 'rm'],
      ['volume', 'create', 'aa', 'bb'],
      ['network', 'rm'],
      ['network', 'ls', 'x'],
    ].map(words => [words]),
    [['ps', '--filter', 'colour=red']],
    [['ps', '--filter', 'colour']],
    [['events', '--filter', 'colour=red']],
    [['volume', 'ls', '--filter', 'colour=red']],
    [['network', 'ls', '--filter', 'dangling=perhaps']],
    [['update', '--restart', 'bogus', 'box']],
    [['update', 'box']],
    [['exec', '-it', 'box', 'true']],
  ])('%j: one line, and 1', words => {
    expect(toolkit(...words)).toMatchObject({
      status: 1,
      stdout: '',
      stderr: expect.stringMatching(/^toolkit: .*\n$/),
    })
  })

  test.each([['rm'], ['exec'], ['logs'], ['rename'], ['update'], ['kill'], ['run'], ['create']])(
    '%s with a flag that is none: 125',
    name => {
      expect(toolkit(name, '--nosuch', 'box')).toMatchObject({ status: 125, stdout: '' })
    },
  )

  test('run and create refuse all that is wrong about a new container with 125', () => {
    for (const name of ['run', 'create']) {
      expect(toolkit(name, '--restart', 'bogus', 'busybox', 'true').status).toBe(125)
      expect(toolkit(name, '--name', '../x', 'busybox', 'true')).toMatchObject({
        status: 125,
        stderr: expect.stringMatching(/^toolkit: --name "\.\.\/x": /),
      })
    }
  })

  test('rename speaks of the name, not of a flag that it has not', () => {
    const { status, stderr } = toolkit('rename', 'box', '../x')
    expect({ status, stderr }).toEqual({
      status: 1,
      stderr: expect.stringMatching(/^toolkit: rename: "\.\.\/x": 2 to 128 letters/),
    })
    expect(stderr).not.toContain('--name')
  })

  test('exec speaks of itself', () => {
    expect(toolkit('exec', '--env-file', '/nonexistent', 'box', 'true').stderr).toMatch(
      /^toolkit: exec: --env-file "\/nonexistent": /,
    )
    expect(toolkit('exec', '-e', '=x', 'box', 'true').stderr).toMatch(/^toolkit: exec: --env "=x": /)
  })
})
