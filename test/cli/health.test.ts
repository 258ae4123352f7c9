// Health checks: what looks show, who looks, and what becomes of him.
import fs from 'node:fs'
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import { eventually, skipped, sleepersWith, World } from './toolkit.ts'

const world = new World()
afterAll(() => world.end())
afterEach(() => world.removeAll())

const toolkit = (...args: string[]) => world.toolkit(args)
const format = (template: string) => toolkit('inspect', '-f', template, 'box').stdout.trim()
const run = (command: string, ...flags: string[]) =>
  toolkit('run', '-d', '--name', 'box', '--health-cmd', command, ...flags, 'busybox', 'sleep', '1000')
const health = () => JSON.parse(format('{{json .State.Health}}'))
const until = (text: string) => eventually(() => health().Status === text, text)

/** Processes that sleep until the next look, by the lock that they hold. */
const sleepers = () => sleepersWith(path => path.startsWith(world.state) && path.endsWith('/health.lock'))

describe.skipIf(skipped)(`health checks${skipped}`, () => {
  test('starting, healthy, unhealthy and healthy again, with what the last looks have shown', async () => {
    const flags = ['--health-interval', '200ms', '--health-retries', '2', '--health-start-period', '1h']
    run('echo $((++n)) looked; test -e /fine', ...flags, '--health-start-interval', '100ms')
    expect(format('{{.State.Health.Status}} {{.Config.Healthcheck.Interval}}')).toBe('starting 200000000')
    expect(toolkit('ps').stdout).toContain('(health: starting)')
    await eventually(() => health().Log.length > 2, 'three looks')
    expect(health()).toMatchObject({ Status: 'starting', FailingStreak: 0 }) // its start period
    toolkit('exec', 'box', 'touch', '/fine')
    await until('healthy')
    expect(toolkit('ps', '-f', 'health=healthy').stdout).toMatch(/Up .* \(healthy\)/)
    toolkit('exec', 'box', 'rm', '/fine')
    await until('unhealthy')
    expect(toolkit('ps').stdout).toContain('(unhealthy)')
    await eventually(() => health().FailingStreak > 2, 'failures in a row')
    const { Log } = health()
    expect(Log).toHaveLength(5)
    expect(Log.at(-1)).toMatchObject({ ExitCode: 1, Output: '1 looked\n' })
    const starts = Log.map(({ Start }: { Start: string }) => Date.parse(Start))
    // before the second of them it may have been starting
    for (const [i, start] of starts.slice(1).entries())
      expect(start - starts[i]).toBeGreaterThanOrEqual(i === 0 ? 90 : 190)
    toolkit('exec', 'box', 'touch', '/fine')
    await until('healthy')
    const changes = toolkit(
      'events',
      '--since',
      '10m',
      '--until',
      '0s',
      '-f',
      'event=health_status',
      '--format',
      '{{.Action}}',
    )
    expect(
      changes.stdout
        .trim()
        .split('\n')
        .map(line => line.split(' ')[1]),
    ).toEqual(['healthy', 'unhealthy', 'healthy'])
  })

  test('a look that takes too long is ended; of its output 4096 bytes are kept', async () => {
    const { stdout: id } = run(
      'head -c 100000 /dev/zero | tr "\\0" x; exec sleep 1000',
      '--health-interval',
      '100ms',
      '--health-timeout',
      '300ms',
    )
    await eventually(() => health().Log.length > 0, 'one look')
    const [look] = health().Log
    expect(look).toMatchObject({
      ExitCode: -1,
      Output: expect.stringMatching(/^Health check exceeded timeout \(300ms\): x+$/),
    })
    expect(look.Output.length).toBeLessThan(4200)
    // not by `inspect`: a command of ours has somebody look, where nobody does
    const file = `${world.state}/containers/live/${id.slice(0, 12)}/health.json`
    await eventually(() => JSON.parse(fs.readFileSync(file, 'utf8')).log.length === 5, 'five looks')
    expect(toolkit('top', 'box').stdout.match(/sleep 1000$/gm)!.length).toBeLessThan(5) // its own, and one look’s
  })

  test('what a look leaves behind keeps its output open: the next one comes all the same', async () => {
    run('sleep 1000 & echo looked', '--health-interval', '50ms')
    await eventually(() => health().Log.length > 2, 'three looks')
    expect(health().Log.at(-1)).toMatchObject({ ExitCode: 0, Output: 'looked\n' })
  })

  test('what cannot be run is a failure that says why', async () => {
    run('/nosuch', '--health-interval', '100ms', '--health-retries', '1')
    await until('unhealthy')
    expect(health().Log[0]).toMatchObject({ ExitCode: 127, Output: expect.stringContaining('not found') })
  })

  test('who looks: less than 100 kB between two looks; kill -9 of him, and ps has another; he ends with the container', async () => {
    run('true', '--health-interval', '1h')
    await eventually(() => sleepers().length === 1, 'he sleeps')
    const [first] = sleepers()
    const rollup = fs.readFileSync(`/proc/${first}/smaps_rollup`, 'utf8')
    const kB = [...rollup.matchAll(/^Private_\w+: +(\d+) kB$/gm)].reduce((sum, [, n]) => sum + Number(n), 0)
    expect(kB).toBeLessThan(100)
    process.kill(first!, 'SIGKILL')
    await eventually(() => sleepers().length === 0, 'he is gone')
    toolkit('ps')
    await eventually(() => sleepers().length === 1, 'there is another')
    expect(sleepers()).not.toEqual([first])
    toolkit('ps')
    expect(sleepers()).toHaveLength(1)
    toolkit('kill', 'box')
    await eventually(() => sleepers().length === 0, 'he has ended, too')
  })

  test('a new start begins with nothing known; one without a check has no health', async () => {
    run('true', '--health-interval', '100ms')
    await until('healthy')
    toolkit('stop', '-t', '0', 'box')
    expect(toolkit('ps', '-a').stdout).toMatch(/Exited \(137\) .* ago +box/)
    toolkit('start', 'box')
    await until('healthy')
    toolkit('rm', '-f', 'box')
    toolkit('run', '-d', '--name', 'box', '--no-healthcheck', 'busybox', 'sleep', '1000')
    expect(format('{{json .State.Health}}')).toBe('null')
    expect(toolkit('ps', '-f', 'health=none', '--format', '{{.Names}}').stdout).toBe('box\n')
  })
})
