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
  test('who begins to read late gets all of it', () => {
    const lines = 'for i in $(seq 90); do head -c 999 /dev/zero; echo; usleep 1000; done'
    expect(world.shell(`$TOOLKIT run busybox sh -c '${lines}' | (sleep 1; wc -c)`).stdout).toBe('90000\n')
  })

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

  test('a full disk is told', () => {
    const run = world.shell('$TOOLKIT run busybox echo hi >/dev/full; echo $? >&2')
    expect(run.stderr).toMatch(/^toolkit: the output cannot be written: no space left.*\n1\n$/)
  })

  test('what a full disk of the log has not taken is told', () => {
    const small = `mount -t tmpfs -o size=3m tmpfs /mnt; TOOLKIT_STATE=/mnt $TOOLKIT run ${world.state}/rootfs/busybox`
    const flood = "sh -c 'head -c 6000000 /dev/zero; exit 3'"
    const run = world.shell(`unshare -m sh -c "${small} ${flood} | wc -c"`)
    const [, missing] = /^toolkit: at least (\d+) bytes of what it wrote are missing/.exec(run.stderr) ?? []
    expect(Number(missing)).toBeGreaterThan(0)
    expect(Number(run.stdout)).toBeLessThan(6_000_000)
  })

  test('-i: what cannot be read is at its end', () => {
    for (const where of ['0>/dev/null', '</tmp', '<&-']) {
      const run = world.shell(`$TOOLKIT run -i busybox sh -c 'cat; exit 3' ${where}; echo $?`)
      expect(run, where).toMatchObject({ stdout: '3\n', stderr: '' })
    }
  })

  test('pipes are left as they were found', () => {
    const flags = 'for fd in 0 1 2; do grep flags /proc/$BASHPID/fdinfo/$fd; done'
    const { stdout } = world.shell(`echo hi | ($TOOLKIT run -i busybox cat; ${flags}) 2>&1 | cat`)
    expect(stdout).toMatch(/^hi\n(flags:\s+0[0-3]\n){3}$/)
  })
})
