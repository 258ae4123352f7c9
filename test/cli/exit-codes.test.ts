// docker's exit codes, where a command is called in a wrong way: 125 for what cannot be read, 1 for what cannot be done.
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
    [['events', '--filter', 'colour=red']],
    [['volume', 'ls', '--filter', 'colour=red']],
    [['network', 'ls', '--filter', 'dangling=perhaps']],
    [['update', '--restart', 'bogus', 'box']],
    [['update', 'box']],
    [['exec', '-it', 'box', 'true']],
    ...[['create'], ['create', 'busybox'], ['create', 'nosuch', 'true'], ['cp'], ['cp', 'a']].map(words => [words]),
    ...[
      ['-m', '1'],
      ['--cpus', '1000'],
      ['--cpuset-cpus', '4096'],
      ['--restart', 'bogus'],
      ['--name', '../x'],
      ['--name', 'box'],
      ['--cap-add', 'BOGUS'],
      ['--stop-signal', 'BOGUS'],
      ['--pid', 'container:nosuch'],
      ['--volume', 'aa:/bb:bogus'],
    ].map(flags => [['create', ...flags, 'busybox', 'true']]),
    ...[
      ['-m', '1'],
      ['--cpus', '1000'],
      ['--cpuset-cpus', 'bad'],
      ['--cpu-period', '5'],
    ].map(flags => [['update', ...flags, 'box']]),
    [['logs', '--since', 'bad', 'box']],
    [['logs', '--until', 'bad', 'box']],
    [['events', '--since', 'bad', '--until', '1s']],
    [['inspect', '--type', 'bad', 'box']],
    [['network', 'create', '../x']],
    [['network', 'create', '--subnet', 'bad', 'nn']],
    [['volume', 'create', '../x']],
    [['attach', '--detach-keys', 'bad', 'box']],
    // docker's, and not there
    [['rm', '--link', 'box']],
    [['rm', '-l', 'box']],
    ...['--kernel-memory', '--cpu-rt-period', '--cpu-rt-runtime'].map(flag => [['update', flag, '1000', 'box']]),
    ...['--ip6', '--link-local-ip', '--driver-opt'].map(flag => [['network', 'connect', flag, 'x', 'bridge', 'box']]),
    ...[['bogus'], ['volume', 'bogus'], ['container', 'bogus'], ['help', 'bogus']].map(words => [words]),
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

  test.each([
    [['create', '-m', 'bad', 'busybox', 'true']],
    [['create', '--cpus', 'bad', 'busybox', 'true']],
    [['create', '--pids-limit', 'bad', 'busybox', 'true']],
    [['create', '--publish', 'bad', 'busybox', 'true']],
    [['create', '--ulimit', 'bogus=1', 'busybox', 'true']],
    [['create', '--stop-timeout', 'bad', 'busybox', 'true']],
    [['create', '--env', '=x', 'busybox', 'true']],
    [['create', '--label', '=x', 'busybox', 'true']],
    [['create', '--rm', '--restart', 'always', 'busybox', 'true']],
    [['update', '--cpu-shares', 'bad', 'box']],
    [['stop', '-t', 'bad', 'box']],
    [['exec', '-e', '=x', 'box', 'true']],
    [['ps', '--filter', 'colour']],
    [['events', '--filter', 'colour']],
    [['network', 'ls', '--filter', 'colour']],
    [['volume', '--nosuch']],
  ])('%j: is not of the form that the flag has, 125', words => {
    expect(toolkit(...words)).toMatchObject({
      status: 125,
      stdout: '',
      stderr: expect.stringMatching(/^toolkit: .*\n$/),
    })
  })

  test.each([
    [['inspect', '-f', '{{', 'box'], 64],
    [['inspect', '-f', '{{.Nosuch}}', 'box'], 1],
    [['network', 'inspect', '-f', '{{', 'bridge'], 64],
    [['info', '-f', '{{nosuch}}'], 64],
    [['version', '-f', '{{'], 64],
    [['ps', '--format', '{{'], 1],
    [['volume', 'ls', '--format', '{{'], 1],
  ])('a template that is none: %j, %i', (words, status) => {
    expect(toolkit(...words)).toMatchObject({ status, stderr: expect.stringMatching(/^toolkit: --format: .*\n$/) })
  })

  test('run refuses all that is wrong about a new container with 125', () => {
    for (const words of [['run'], ['container', 'run']]) {
      expect(toolkit(...words, '--restart', 'bogus', 'busybox', 'true').status).toBe(125)
      expect(toolkit(...words, '-m', '1', 'busybox', 'true').status).toBe(125)
      expect(toolkit(...words, '--name', '../x', 'busybox', 'true')).toMatchObject({
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
      /^toolkit: exec: --env-file \/nonexistent: /,
    )
    expect(toolkit('exec', '-e', '=x', 'box', 'true').stderr).toMatch(/^toolkit: exec: --env =x: /)
  })
})
