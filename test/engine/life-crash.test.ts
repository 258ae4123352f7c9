// Containers that live on, when any of our processes is killed, or what they wrote down is damaged.
import fs from 'node:fs'
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest'
import { FAILPOINTS } from '../../toolkit/engine/failpoint.ts'
import { isAlive, readStat } from '../../toolkit/observe/process.ts'
import { eventually, nothing, skipped, World } from '../cli/toolkit.ts'

const world = new World()
afterAll(() => world.end())
beforeEach(() => fs.rmSync(`${world.state}/containers`, { recursive: true, force: true, maxRetries: 5 })) // a monitor may still put away the last one
afterEach(() => world.removeAll())

const toolkit = (...args: string[]) => world.toolkit(args)
const format = (template: string, name = 'box') => toolkit('inspect', '-f', template, name).stdout.trim()
const run = (script: string, ...flags: string[]) =>
  toolkit('run', '-d', '--name', 'box', ...flags, 'busybox', 'sh', '-c', script)
const pidOf = () => Number(format('{{.State.Pid}}'))
const monitorOf = (pid: number) => readStat(pid)!.ppid
const statePath = () => {
  const [id] = world.left().live
  return `${world.state}/containers/live/${id}/state.json`
}
function change(path: string, to: object): void {
  fs.writeFileSync(path, JSON.stringify({ ...JSON.parse(fs.readFileSync(path, 'utf8')), ...to }))
}
const gone = (pid: number) =>
  eventually(() => [undefined, 'Z', 'X'].includes(readStat(pid)?.state), `the end of ${pid}`)
const kernel = fs.readFileSync('/proc/sys/kernel/osrelease', 'utf8').split('.').map(Number.parseFloat)
const tells = kernel[0]! > 6 || (kernel[0] === 6 && kernel[1]! >= 15) // PIDFD_GET_INFO tells exit codes

/** Numbers that it has written, none missing and none twice. */
function expectEachOnce(output: string, least: number): void {
  const lines = output.trim().split('\n').map(Number)
  expect(lines.length).toBeGreaterThan(least)
  expect(lines).toEqual(lines.map((_, i) => i))
}

describe.skipIf(skipped)(`containers that live on, and what is killed${skipped}`, () => {
  test('the monitor: less than 100 kB of its own, nothing of the container’s open, a session of its own', () => {
    run('sleep 1000')
    const monitor = monitorOf(pidOf())
    const rollup = fs.readFileSync(`/proc/${monitor}/smaps_rollup`, 'utf8')
    const kB = [...rollup.matchAll(/^Private_\w+: +(\d+) kB$/gm)].reduce((sum, [, n]) => sum + Number(n), 0)
    expect(kB).toBeLessThan(100)
    expect(readStat(monitor)).toMatchObject({ session: monitor, comm: 'toolkit-monitor' })
    const open = fs.readdirSync(`/proc/${monitor}/fd`).map(fd => fs.readlinkSync(`/proc/${monitor}/fd/${fd}`))
    for (const path of open) expect(path).toMatch(/^\/dev\/null$|^pipe:|pidfd|\/containers\/live\//)
  })

  test('kill -9 of the monitor: the container lives on, and the next command gives it another; no line is lost', async () => {
    run('i=0; while [ $i -lt 200 ]; do echo $i; i=$((i+1)); sleep 0.01; done; exit 9')
    await eventually(() => toolkit('logs', 'box').stdout.includes('20\n'), '20 lines')
    const pid = pidOf()
    const first = monitorOf(pid)
    process.kill(first, 'SIGKILL')
    await gone(first)
    expect(isAlive(pid, readStat(pid)!.startTime)).toBe(true)
    expect(toolkit('ps').stdout).toMatch(/Up /)
    expect(toolkit('wait', 'box').stdout).toBe(tells ? '9\n' : 'unknown\n')
    expectEachOnce(toolkit('logs', 'box').stdout, 199)
  })

  test('kill -9 of the monitor of one of many: that one is found, and the others keep theirs', async () => {
    world.shell('for i in $(seq 14); do $TOOLKIT run -d --name b$i busybox sleep 1000 & done; wait')
    const names = Array.from({ length: 14 }, (_, i) => `b${i + 1}`)
    const pids = names.map(name => Number(format('{{.State.Pid}}', name)))
    const locks = names.map(name => `${world.state}/containers/live/${format('{{.Id}}', name).slice(0, 12)}/lock`)
    const free = () => locks.filter(path => world.shell(`flock -n ${path} true`).status === 0)
    const before = pids.map(monitorOf)
    process.kill(before[6]!, 'SIGKILL')
    await gone(before[6]!)
    expect(free()).toEqual([locks[6]])
    toolkit('logs', 'b1') // a command that looks after all
    expect(free()).toEqual([])
    expect(pids.map(monitorOf).filter((pid, i) => i !== 6 && pid !== before[i])).toEqual([])
  })

  test('kill -9 of the monitor, and then of the container: unknown, unless the kernel tells', async () => {
    run('echo said; sleep 1000')
    await eventually(() => toolkit('logs', 'box').stdout === 'said\n', 'it has spoken')
    const pid = pidOf()
    const monitor = monitorOf(pid)
    process.kill(monitor, 'SIGKILL')
    process.kill(pid, 'SIGKILL')
    await gone(pid)
    expect(toolkit('wait', 'box').stdout).toBe('unknown\n')
    expect(toolkit('ps', '-a').stdout).toContain('Exited (unknown)')
    expect(format('{{json .State.ExitCode}}')).toBe('null')
    expect(toolkit('logs', 'box').stdout).toBe('said\n')
    expect(toolkit('start', 'box').status).toBe(0)
    expect(format('{{.State.Status}}')).toBe('running')
  })

  test('stop works without a monitor', async () => {
    run('trap "exit 4" TERM; echo ready; while :; do sleep 0.05; done')
    await eventually(() => toolkit('logs', 'box').stdout === 'ready\n', 'ready')
    process.kill(monitorOf(pidOf()), 'SIGKILL')
    expect(toolkit('stop', 'box').status).toBe(0)
    expect(toolkit('ps', '-a').stdout).toContain('Exited (')
    expect(toolkit('rm', 'box').status).toBe(0)
    expect(world.left()).toEqual(nothing)
  })

  test.each(FAILPOINTS.slice(0, 7))('the command that starts it is killed at %j: rm -f leaves nothing', async place => {
    const env = { ...world.env, TOOLKIT_FAILPOINT: `${place}:kill` }
    expect(world.toolkit(['run', '-d', '--name', 'box', 'busybox', 'sleep', '1000'], { env }).signal).toBe('SIGKILL')
    toolkit('rm', '-f', 'box')
    await eventually(() => JSON.stringify(world.left()) === JSON.stringify(nothing), 'nothing is left')
    expect(run('exit 5').status).toBe(0)
    expect(toolkit('wait', 'box').stdout).toBe('5\n')
  })

  test('the command that starts it is killed before the process is written down: no program starts', async () => {
    const env = { ...world.env, TOOLKIT_FAILPOINT: 'process made:kill' }
    for (let i = 0; i < 20; i++) world.toolkit(['run', '-d', 'busybox', 'sh', '-c', 'echo here; sleep 1000'], { env })
    await eventually(() => world.left().processes.length === 0, 'none runs')
    const ids = toolkit('ps', '-aq').stdout.trim().split('\n')
    expect(ids).toHaveLength(20)
    expect(ids.map(id => toolkit('logs', id).stdout).join('')).toBe('')
  })

  test.each(FAILPOINTS.slice(2, 7))('something goes wrong at %j: told, and nothing is left', place => {
    const env = { ...world.env, TOOLKIT_FAILPOINT: `${place}:error` }
    expect(world.toolkit(['run', '-d', 'busybox', 'sleep', '1000'], { env })).toMatchObject({ status: 125, stdout: '' })
    expect(world.left()).toEqual(nothing)
  })

  test('a start that goes wrong: the container is kept as it was', () => {
    toolkit('create', '--name', 'box', 'busybox', 'sh', '-c', 'exit 6')
    const env = { ...world.env, TOOLKIT_FAILPOINT: 'process made:error' }
    expect(world.toolkit(['start', 'box'], { env }).status).not.toBe(0)
    expect(world.left()).toMatchObject({ live: [], ended: [expect.any(String)] })
    expect(toolkit('start', '-a', 'box').status).toBe(6)
  })

  test('after a start of the machine nothing runs any more, and all can be started again', async () => {
    run('echo x >>/file; cat /file; sleep 1000')
    const pid = pidOf()
    process.kill(monitorOf(pid), 'SIGKILL')
    process.kill(pid, 'SIGKILL')
    await gone(pid)
    change(statePath(), { bootId: 'another', pid: 1, startTime: readStat(1)!.startTime })
    expect(toolkit('ps').stdout).not.toContain('box')
    expect(toolkit('start', 'box').status).toBe(0)
    await eventually(() => toolkit('logs', 'box').stdout.endsWith('x\nx\n'), 'its files are there')
  })

  test('a pid that is another’s by now is never signalled', async () => {
    run('sleep 1000')
    const victim = world.start(['run', '--rm', 'busybox', 'sh', '-c', 'echo ready; sleep 1000'])
    await victim.until('ready')
    const pid = pidOf()
    process.kill(monitorOf(pid), 'SIGKILL')
    process.kill(pid, 'SIGKILL')
    await gone(pid)
    change(
      `${world.state}/containers/live/${toolkit('inspect', '-f', '{{.Config.Hostname}}', 'box').stdout.trim()}/state.json`,
      {
        pid: victim.child.pid,
      },
    )
    for (const command of ['stop', 'kill', 'pause']) toolkit(command, 'box')
    toolkit('rm', '-f', 'box')
    expect(victim.child.exitCode).toBeNull()
    world.stopAll()
  })

  test.each([
    ['of a newer toolkit', (path: string) => change(path, { version: 99 }), /newer toolkit/],
    ['torn', (path: string) => fs.truncateSync(path, 20), /cannot be read/],
    ['zeroes', (path: string) => fs.writeFileSync(path, Buffer.alloc(500)), /cannot be read/],
  ])('a state file that is %s: the others go on, and it says so', (_, damage, message) => {
    run('sleep 1000')
    const damaged = statePath()
    const pid = pidOf()
    toolkit('run', '-d', '--name', 'other', 'busybox', 'sleep', '1000')
    damage(damaged)
    expect(toolkit('ps', '-a').stdout).toMatch(message)
    expect(format('{{.State.Status}}', 'other')).toBe('running')
    expect(toolkit('exec', 'other', 'echo', 'fine').stdout).toBe('fine\n')
    expect(toolkit('inspect', 'box').status).toBe(1)
    process.kill(pid, 'SIGKILL')
  })

  test('20 at once, each with its own end', () => {
    const { stdout } = world.shell(
      'for i in $(seq 20); do $TOOLKIT run -d --name box$i busybox sh -c "exit $i" >/dev/null & done; wait; for i in $(seq 20); do $TOOLKIT wait box$i; done',
    )
    expect(stdout.trim().split('\n').map(Number)).toEqual(Array.from({ length: 20 }, (_, i) => i + 1))
  })
})
