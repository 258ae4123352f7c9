// A program that is first of its pid namespace and cares for no signal: whoever asks three times gets away all the same.
import { describe, expect, test } from 'vitest'
import { eventually, nothing, skipped, worldForEach } from './toolkit.ts'

const world = worldForEach()

const toolkit = (...args: string[]) => world.toolkit(args)
const DEAF = 'trap "echo no" INT TERM; echo ready; while :; do sleep 0.05; done'
type Started = ReturnType<typeof world.start>

/** Sends them one after the other, each when the one before has been heard. */
async function send(process: Started, ...signals: readonly NodeJS.Signals[]): Promise<void> {
  for (const [i, signal] of signals.entries()) {
    process.child.kill(signal)
    await eventually(() => process.output().split('no\n').length > i + 1, `signal ${i + 1}`)
  }
}

describe.skipIf(skipped)(`three signals${skipped}`, () => {
  test('run: the container is killed, and nothing of it is left', async () => {
    const run = world.start(['run', '--rm', 'busybox', 'sh', '-c', DEAF])
    await run.until('ready')
    await send(run, 'SIGINT', 'SIGTERM')
    expect(run.child.exitCode).toBe(null)
    run.child.kill('SIGINT')
    expect(await run.exit).toEqual({ code: 137, signal: null })
    expect(run.output()).toContain('toolkit: got 3 SIGTERM/SIGINTs, the container is killed\n')
    expect(world.left()).toEqual(nothing)
  })

  test('run --rm: also one that is paused', async () => {
    const run = world.start(['run', '--rm', '--name', 'box', 'busybox', 'sh', '-c', DEAF])
    await run.until('ready')
    expect(toolkit('pause', 'box').status).toBe(0)
    for (let i = 0; i < 3; i++) {
      run.child.kill('SIGTERM')
      await new Promise(resolve => setTimeout(resolve, 200)) // two that come together are one
    }
    expect(await run.exit).toEqual({ code: 137, signal: null })
    expect(world.left()).toEqual(nothing)
  })

  test('exec: its program is killed, the container lives on', async () => {
    toolkit('run', '-d', '--name', 'box', 'busybox', 'sleep', '1000')
    const exec = world.start(['exec', 'box', 'sh', '-c', DEAF])
    await exec.until('ready')
    await send(exec, 'SIGINT', 'SIGINT')
    exec.child.kill('SIGINT')
    expect(await exec.exit).toEqual({ code: 137, signal: null })
    expect(exec.output()).toContain('toolkit: got 3 SIGTERM/SIGINTs, the program is killed\n')
    expect(toolkit('inspect', '-f', '{{.State.Running}}', 'box').stdout).toBe('true\n')
  })

  test.each([
    ['attach', ['attach', 'box'], 'SIGINT', 130],
    ['start -a', ['start', '-a', 'box'], 'SIGTERM', 143],
    ['run', ['run', '--name', 'box', 'busybox', 'sh', '-c', DEAF], 'SIGTERM', 143],
  ] as const)('%s: we leave, the container lives on', async (_, words, signal, code) => {
    if (words[0] === 'attach') toolkit('run', '-d', '--name', 'box', 'busybox', 'sh', '-c', `sleep 1; ${DEAF}`)
    if (words[0] === 'start') toolkit('create', '--name', 'box', 'busybox', 'sh', '-c', DEAF)
    const started = world.start(words)
    await started.until('ready')
    await send(started, signal, signal)
    started.child.kill(signal)
    expect(await started.exit).toEqual({ code, signal: null })
    expect(started.output()).toContain('toolkit: got 3 SIGTERM/SIGINTs, the container goes on without us\n')
    expect(toolkit('inspect', '-f', '{{.State.Running}}', 'box').stdout).toBe('true\n')
  })
})
