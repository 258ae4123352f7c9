// --log-driver and --log-opt: how much is kept, who may read it, and what is refused.
import fs from 'node:fs'
import { describe, expect, test } from 'vitest'
import { partLimit } from '../../toolkit/engine/log/limit.ts'
import { eventually, skipped, worldForEach } from './toolkit.ts'

describe('a part of a log', () => {
  const limit = (driver: 'json-file' | 'local' | 'none', options = {}) => partLimit({ driver, options })

  test('is half of max-size × max-file, a whole number of records, and 4 KiB at least', () => {
    expect(limit('json-file', { 'max-size': '10m', 'max-file': '3' })).toBe(15_000_000)
    expect(limit('json-file', { 'max-size': '1.5g' })).toBe(750_000_000)
    expect(limit('json-file', { 'max-size': '10001' })).toBe(4992)
    expect(limit('json-file', { 'max-size': '1k', 'max-file': '2' })).toBe(4096)
    expect(limit('local', { 'max-size': '1MB' })).toBe(2_500_000) // docker keeps five
    expect(limit('local', { 'max-file': '1' })).toBe(10_000_000)
  })

  test('is 50 MiB without a word', () => {
    for (const bytes of [partLimit(undefined), limit('local'), limit('json-file', { 'max-file': '3' })])
      expect(bytes).toBe(50 << 20)
  })
})

describe.skipIf(skipped)(`--log-driver${skipped}`, () => {
  const world = worldForEach()
  const run = (name: string, flags: string[], script: string) =>
    world.toolkit(['run', '-d', '--name', name, ...flags, 'busybox', 'sh', '-c', script])
  const inspect = (name: string, what: string) => world.toolkit(['inspect', '-f', what, name]).stdout.trimEnd()
  const directory = () => `${world.state}/containers/live/${world.left().live[0]}`
  const size = () => ['log', 'log.1'].reduce((sum, part) => sum + fs.statSync(`${directory()}/${part}`).size, 0)
  const last = () => world.toolkit(['logs', '-n', '1', 'box']).stdout

  test('keeps no more than was asked for, and the end of it; also after a kill -9 of who writes it', async () => {
    const script = 'seq 1 100000; while ! [ -e /go ]; do sleep 0.05; done; seq 1 200000; exec sleep 1000'
    expect(run('box', ['--log-opt', 'max-size=20k', '--log-opt', 'max-file=3'], script).status).toBe(0)
    await eventually(() => last() === '100000\n', 'it has written all')
    expect(size()).toBeLessThanOrEqual(60_000)
    expect(size()).toBeGreaterThan(20_000)
    const monitor = /^PPid:\t(\d+)/m.exec(fs.readFileSync(`/proc/${inspect('box', '{{.State.Pid}}')}/status`, 'utf8'))!
    process.kill(Number(monitor[1]), 'SIGKILL')
    world.toolkit(['exec', 'box', 'touch', '/go'])
    await eventually(() => last() === '200000\n', 'somebody else goes on')
    expect(size()).toBeLessThanOrEqual(60_000)
    expect(JSON.parse(inspect('box', '{{json .HostConfig.LogConfig}}'))).toEqual({
      Type: 'json-file',
      Config: { 'max-file': '3', 'max-size': '20k' },
    })
  })

  test('none: nobody reads it, and whoever is before it sees it all the same', () => {
    expect(run('box', ['--log-driver', 'none'], 'echo secret; exec sleep 1000').status).toBe(0)
    const words = 'toolkit: configured logging driver does not support reading\n'
    expect(world.toolkit(['logs', 'box'])).toMatchObject({ status: 1, stdout: '', stderr: words })
    expect(inspect('box', '{{json .HostConfig.LogConfig}}{{.LogPath}}')).toBe('{"Type":"none","Config":{}}')
    world.toolkit(['create', '--name', 'later', '--log-driver', 'none', 'busybox', 'seq', '1', '50000'])
    expect(world.toolkit(['start', '-a', 'later']).stdout.split('\n')).toHaveLength(50_001)
    expect(world.toolkit(['logs', 'later']).stderr).toBe(words)
    expect(world.sh('echo shown', ['--log-driver', 'none'])).toBe('shown\n')
  })

  test('refuses in one line what it does not know', () => {
    const bad: [string[], string][] = [
      [['--log-driver', 'syslog'], 'allowed: json-file, local, none'],
      [['--log-opt', 'tag=x'], 'allowed: max-size, max-file, compress'],
      [['--log-opt', 'max-size=0'], 'at least one byte'],
      [['--log-opt', 'max-size=-1'], 'at least one byte'],
      [['--log-opt', 'max-size=1x'], 'at least one byte'],
      [['--log-opt', 'max-file=0'], 'at least 1'],
      [['--log-opt', 'compress=zip'], 'true or false'],
      [['--log-driver', 'none', '--log-opt', 'max-size=1m'], 'nothing to set'],
    ]
    for (const [flags, why] of bad) {
      const { status, stderr } = world.toolkit(['run', '--rm', ...flags, 'busybox', 'true'])
      expect({ status, stderr }).toEqual({ status: 125, stderr: expect.stringMatching(/^toolkit: run: --log-.+\n$/) })
      expect(stderr).toContain(why)
    }
  })
})
