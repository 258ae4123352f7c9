import fs from 'node:fs'
import { afterAll, afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { plainOptions, type RunOptions } from '../../toolkit/engine/options.ts'
import { run } from '../../toolkit/engine/run.ts'

import { KernelError } from '../../toolkit/kernel/error.ts'
import { UsageError } from '../../toolkit/kernel/usage-error.ts'
import { nothing, skipped, World } from '../cli/toolkit.ts'

const world = new World()
afterAll(() => world.end())
beforeEach(() => void vi.stubEnv('TOOLKIT_STATE', world.state))
afterEach(() => {
  vi.unstubAllEnvs()
  expect(world.left()).toEqual(nothing)
})

const wish = (...args: string[]): RunOptions => plainOptions(world.rootfs, args)

/** What a run must leave as it was in the process that calls it. */
const surroundings = () => ({
  fds: fs.readdirSync('/proc/self/fd').length,
  children: fs.readFileSync(`/proc/self/task/${process.pid}/children`, 'utf8'),
  listeners: ['SIGTERM', 'SIGINT', 'SIGWINCH'].map(name => process.listenerCount(name)),
  umask: process.umask(),
  maps: fs
    .readFileSync('/proc/self/maps', 'utf8')
    .split('\n')
    .filter(line => line.includes('rwxs') || line.includes('zero')).length,
})

describe.skipIf(skipped)(`run, many times in one process${skipped}`, () => {
  test('resolves to the exit code and leaves no descriptor, mapping, child or listener', async () => {
    await run(wish('true')) // what is loaded and opened once
    const before = surroundings()
    for (let i = 0; i < 50; i++)
      expect(await run(wish('sh', '-c', `exit ${i}`))).toEqual({ exitCode: i, oomKilled: false })
    expect(surroundings()).toEqual(before)
  })

  test('the same when it fails', async () => {
    await expect(run(wish('nosuch'))).rejects.toThrow(KernelError)
    const before = surroundings()
    for (let i = 0; i < 20; i++) {
      await expect(run(wish('nosuch'))).rejects.toMatchObject({ call: 'execve', code: 'ENOENT' })
      await expect(run({ ...wish('true'), hostname: 'a'.repeat(65) })).rejects.toThrow(UsageError)
      await expect(run({ ...wish('true'), rootfs: '/no/rootfs' })).rejects.toThrow(UsageError)
    }
    expect(surroundings()).toEqual(before)
  })

  test('several at once', async () => {
    const before = surroundings()
    const codes = await Promise.all([1, 2, 3, 4, 5].map(i => run(wish('sh', '-c', `sleep 0.0${i}; exit ${i}`))))
    expect(codes.map(({ exitCode }) => exitCode)).toEqual([1, 2, 3, 4, 5])
    expect(surroundings()).toEqual(before)
  })

  test('given up by an observer', async () => {
    const before = surroundings()
    const seen: unknown[] = []
    const given = run(wish('true'), {
      instrument: plan => ({ ...plan, steps: [...plan.steps.slice(0, 21), { gate: 'test' }, ...plan.steps.slice(21)] }),
      beforeAction: async () => true,
      atGate: async (gate, process) => {
        seen.push(gate, process.results().filter(result => result !== undefined).length)
        return false
      },
      done: (_process, error) => void seen.push((error as Error).message),
    })
    await expect(given).rejects.toThrow(UsageError)
    expect(seen).toEqual(['test', 20, 'given up; nothing of the container is left'])
    expect(surroundings()).toEqual(before)
  })
})
