// How containers are ended: which signals they get, and when a command that ends one returns.
import fs from 'node:fs'
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import { eventually, nothing, skipped, World } from './toolkit.ts'

const world = new World()
afterAll(() => world.end())
afterEach(() => world.removeAll())

const toolkit = (...args: string[]) => world.toolkit(args)
const run = (script: string, ...flags: string[]) =>
  toolkit('run', '-d', '--name', 'box', ...flags, 'busybox', 'sh', '-c', script)
/** The signals that it has been sent since its last start, as the events tell. */
const signals = () => {
  const { stdout } = toolkit('events', '--since', '1h', '--until', '0s', '--filter', 'container=box', '--json')
  const events = stdout
    .trim()
    .split('\n')
    .map(line => JSON.parse(line))
  const last = events.findLastIndex(({ Action }) => Action === 'start')
  return events
    .slice(last < 0 ? 0 : last)
    .filter(({ Action }) => Action === 'kill')
    .map(({ Actor }) => Actor.Attributes.signal)
}

describe.skipIf(skipped)(`the end of a container${skipped}`, () => {
  test.each([
    [
      ['stop', '-t', '0', 'box'],
      ['15', '9'],
    ],
    [
      ['stop', '-t', '0', '-s', 'USR1', 'box'],
      ['10', '9'],
    ],
    [['stop', '-t', '0', '-s', 'KILL', 'box'], ['9']],
    [['rm', '-f', 'box'], ['9']],
  ])('%j sends %j', (words, sent) => {
    run('sleep 1000')
    const before = Date.now()
    expect(toolkit(...words).status).toBe(0)
    expect(Date.now() - before).toBeLessThan(5000)
    expect(signals()).toEqual(sent)
  })

  test('stop --explain -t 0 shows both signals', () => {
    run('sleep 1000')
    const { stdout, stderr } = toolkit('stop', '--explain', '-t', '0', 'box')
    expect(stdout + stderr).toMatch(/SIGTERM[\s\S]*SIGKILL/)
  })

  test('kill, and what comes next finds that it has ended', () => {
    for (let i = 0; i < 5; i++) {
      run('sleep 1000')
      expect(world.shell('$TOOLKIT kill box && $TOOLKIT rm box')).toMatchObject({ status: 0, stdout: 'box\nbox\n' })
    }
    run('sleep 1000', '--rm')
    expect(toolkit('kill', 'box')).toMatchObject({ status: 0, stdout: 'box\n' })
    expect(world.left()).toEqual(nothing)
  })

  test('kill waits until all is put away, also where that takes a while', async () => {
    const { stdout } = run('sleep 1000')
    const id = stdout.slice(0, 12)
    const monitor = Number(
      fs
        .readdirSync('/proc')
        .filter(pid => /^\d+$/.test(pid))
        .find(pid => {
          try {
            return fs.readlinkSync(`/proc/${pid}/cwd`).endsWith(id) || heldBy(pid, `${id}/lock`)
          } catch {
            return false
          }
        }),
    )
    expect(monitor).toBeGreaterThan(0)
    process.kill(monitor, 'SIGSTOP')
    const killing = world.start(['kill', 'box'])
    let over = false
    try {
      void killing.exit.then(() => {
        over = true
      })
      await new Promise(resolve => setTimeout(resolve, 700))
      expect(over).toBe(false)
    } finally {
      process.kill(monitor, 'SIGCONT')
    }
    expect(await killing.exit).toEqual({ code: 0, signal: null })
    expect(toolkit('rm', 'box').status).toBe(0)
  })

  test('kill with another signal returns at once', async () => {
    run('trap "sleep 2; exit 0" TERM; echo ready; while :; do sleep 0.05; done')
    await eventually(() => toolkit('logs', 'box').stdout === 'ready\n', 'ready')
    expect(toolkit('kill', '-s', 'TERM', 'box').status).toBe(0)
    expect(toolkit('inspect', '-f', '{{.State.Running}}', 'box').stdout).toBe('true\n')
  })

  test('the name as inspect has it is as good', () => {
    run('sleep 1000')
    const name = toolkit('inspect', '-f', '{{.Name}}', 'box').stdout.trim()
    expect(name).toBe('/box')
    expect(toolkit('inspect', '-f', '{{.Name}}', name)).toMatchObject({ status: 0, stdout: '/box\n' })
    for (const other of ['//box', '/', '/box/', 'x/box'])
      expect(toolkit('inspect', other).stderr).toContain(JSON.stringify(other))
    expect(toolkit('rm', '-f', name)).toMatchObject({ status: 0, stdout: '/box\n' })
  })
})

/** Whether a process has the file open. */
const heldBy = (pid: string, end: string): boolean =>
  fs.readdirSync(`/proc/${pid}/fd`).some(fd => {
    try {
      return fs.readlinkSync(`/proc/${pid}/fd/${fd}`).endsWith(end)
    } catch {
      return false
    }
  })
