// The machine's clock is set back by an hour while containers live. Only where it may be: in a virtual machine of the
// tests' own, which says so by TOOLKIT_CLOCK=ours.
import { spawnSync } from 'node:child_process'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { eventually, nothing, skipped, World } from './toolkit.ts'

const reason = skipped || (process.env.TOOLKIT_CLOCK === 'ours' ? '' : ' (skipped: this clock is not for tests)')
const HOUR = 3600_000
let world: World // made by the tests only: where all are skipped, nobody would put it away
const toolkit = (...args: string[]) => world.toolkit(args)
const format = (template: string, name = 'box') => toolkit('inspect', '-f', template, name).stdout.trim()
const run = (name: string, script: string, ...flags: string[]) => {
  const { status, stderr } = toolkit('run', '-d', '--name', name, ...flags, 'busybox', 'sh', '-c', script)
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
}

const began = { date: Date.now(), steady: performance.now() }
/** What the date would be, had nobody set it. */
const rightly = () => began.date + performance.now() - began.steady
function setDate(milliseconds: number): void {
  const { status, stderr } = spawnSync('date', ['-s', `@${(milliseconds / 1000).toFixed(3)}`], { encoding: 'utf8' })
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
}

describe.skipIf(reason)(`R23: a clock that is set back${reason}`, () => {
  beforeAll(() => {
    world = new World()
    setDate(rightly())
  })
  afterEach(() => {
    setDate(rightly())
    world.stopAll()
    world.removeAll()
  })
  afterAll(() => world.end())

  test('restarts, health checks, logs, events and ends go on as if nothing had been', async () => {
    const follower = world.start(['events', '--format', '{{.Action}} {{.Actor.Attributes.name}}'])
    run('again', 'echo run; exit 1', '--restart', 'on-failure:5')
    run('box', 'n=0; while :; do echo $((n+=1)); sleep 0.2; done', '--health-cmd', 'true', '--health-interval', '1s')
    const logs = world.start(['logs', '-f', 'box'])
    await follower.until('start box')
    await logs.until('2\n')
    const looks = () => JSON.parse(format('{{json .State.Health.Log}}')) as { Start: string }[]
    await eventually(() => looks().length > 0, 'a look')

    setDate(rightly() - HOUR)
    const { length: seen } = logs.output()
    await eventually(() => logs.output().length > seen + 10, 'more of the log')
    await eventually(() => looks().some(({ Start }) => Date.parse(Start) < rightly() - HOUR / 2), 'a look after that')
    expect(toolkit('wait', 'again').stdout).toBe('1\n')
    expect(format('{{.RestartCount}} {{.State.Status}}', 'again')).toBe('5 exited')
    const ids = toolkit('ps', '-a', '--format', '{{.Names}}: {{.Status}}').stdout
    expect(ids).toMatch(/^box: Up .*\(healthy\)$/m)
    expect(ids).toMatch(/^again: Exited \(1\) \S.* ago$/m)
    expect(toolkit('stop', '-t', '1', 'box').status).toBe(0) // the shell, first in its namespace, hears no SIGTERM
    expect(format('{{.State.Status}} {{.State.ExitCode}}')).toBe('exited 137')
    expect((await logs.exit).code).toBe(0)

    // All that has happened, in the order in which it has, and no part of it hidden by its date.
    await follower.until('stop box')
    const past = toolkit('events', '--since', '30m', '--until', '0s', '--format', '{{json .}}')
      .stdout.trim()
      .split('\n')
    const told = past.map(
      line => JSON.parse(line) as { Action: string; time: number; Actor: { Attributes: { name: string } } },
    )
    const of = (name: string) => told.filter(({ Actor }) => Actor.Attributes.name === name).map(({ Action }) => Action)
    expect(of('again').slice(0, 3)).toEqual(['create', 'start', 'die'])
    expect(of('again').filter(action => action === 'start')).toHaveLength(6)
    expect(of('box').filter(action => /^(create|start|kill|die|stop)$/.test(action))).toEqual(
      expect.arrayContaining(['create', 'start', 'kill', 'die', 'stop']),
    )
    const times = told.map(({ time }) => time)
    expect(Math.max(...times) - times.at(-1)!).toBeGreaterThan(1000) // seconds: it was set back
  }, 300_000)

  test('what one waits for is not an hour longer: a pause, an end, a removal; names and addresses are free again', () => {
    run('box', 'trap "" TERM; while :; do sleep 0.1; done')
    setDate(rightly() - HOUR)
    expect(toolkit('pause', 'box').status).toBe(0)
    expect(toolkit('unpause', 'box').status).toBe(0)
    expect(toolkit('rm', '-f', 'box').status).toBe(0)
    expect(world.left()).toEqual(nothing)
    run('box', 'exit 4')
    expect(toolkit('wait', 'box').stdout).toBe('4\n')
    expect(format('{{.State.ExitCode}}')).toBe('4')
    expect(toolkit('system', 'check').status).toBe(0)
  }, 300_000)
})
