// The streams of `toolkit run` where a monitor stands between them and the container's: on the real kernel.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import fs from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import { slow } from '../slow.ts'
import { bin, eventually, skipped, World } from './toolkit.ts'

const world = new World()
afterAll(() => world.end())
afterEach(() => world.removeAll())

const toolkit = (...args: string[]) => world.toolkit(args)
const format = (template: string) => toolkit('inspect', '-f', template, 'box').stdout.trim()

describe.skipIf(skipped)(`the streams of run${skipped}`, () => {
  test('while nobody reads, others can end it all the same', async () => {
    const path = `${world.state}/never-read`
    world.shell(`mkfifo ${path}`)
    const fifo = fs.openSync(path, 'r+')
    const flood = ['busybox', 'sh', '-c', 'i=0; while :; do echo $((i=i+1)); done']
    const run = spawn(bin, ['run', '--name', 'box', '--log-opt', 'max-size=8k', ...flood], {
      env: world.env,
      stdio: ['ignore', fifo, 'ignore'],
    })
    const gone = once(run, 'exit')
    try {
      await eventually(() => format('{{.State.Running}}') === 'true', 'it runs')
      await sleep(500 * slow) // until all is full
      expect(toolkit('kill', 'box')).toMatchObject({ status: 0, stderr: '' })
      expect(format('{{.State.Status}} {{.State.ExitCode}}')).toBe('exited 137')
      expect(toolkit('rm', 'box').status).toBe(0)
    } finally {
      run.kill('SIGKILL')
      await gone
      fs.closeSync(fifo)
      fs.rmSync(path)
    }
  })

  test('a log that is full when the container is started again', () => {
    const program = ['sh', '-c', 'head -c 4096 /dev/zero; sleep 0.5; exit 4']
    expect(toolkit('run', '--name', 'box', '--log-opt', 'max-size=8k', 'busybox', ...program).status).toBe(4)
    expect(toolkit('start', '-a', 'box').status).toBe(4)
    expect(format('{{.State.Status}} {{.State.ExitCode}}')).toBe('exited 4')
  })
})
