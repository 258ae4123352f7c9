// Restart policies, stop signals and stop timeouts, by what containers do.
import fs from 'node:fs'
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import { isAlive, readStat } from '../../toolkit/observe/process.ts'
import { eventually, nothing, skipped, World } from './toolkit.ts'

const world = new World()
afterAll(() => world.end())
afterEach(() => world.removeAll())

const toolkit = (...args: string[]) => world.toolkit(args)
const format = (template: string, name = 'box') => toolkit('inspect', '-f', template, name).stdout.trim()
const run = (script: string, ...flags: string[]) =>
  toolkit('run', '-d', '--name', 'box', ...flags, 'busybox', 'sh', '-c', script)
const status = (name = 'box') => format('{{.State.Status}}', name)
const until = (text: string) => eventually(() => status() === text, text)
const live = () => fs.readdirSync(`${world.state}/containers/live`).map(id => `${world.state}/containers/live/${id}`)
/** The state of the one that lives; undefined while there is none. */
function state() {
  try {
    return JSON.parse(fs.readFileSync(`${live()[0]}/state.json`, 'utf8'))
  } catch {
    return undefined // it is just being made, or has its place among those that have ended
  }
}
/** Who waits for the policy, once there is somebody. */
async function sleeper(): Promise<{ pid: number; startTime: number }> {
  let found: { pid: number; startTime: number } | undefined
  await eventually(() => {
    found = state()?.restarting?.sleeper
    return found !== undefined && isAlive(found.pid, found.startTime)
  }, 'somebody waits')
  return found!
}
const gone = (pid: number) =>
  eventually(() => [undefined, 'Z', 'X'].includes(readStat(pid)?.state), `the end of ${pid}`)

describe.skipIf(skipped)(`restart policies${skipped}`, () => {
  test('on-failure:2: twice again, with pauses; then it stays as it is', () => {
    run('echo run; exit 7', '--restart', 'on-failure:2')
    expect(toolkit('wait', 'box').stdout).toBe('7\n')
    expect(format('{{.RestartCount}} {{.State.Status}} {{.HostConfig.RestartPolicy.Name}}')).toBe('2 exited on-failure')
    const lines = toolkit('logs', '-t', 'box').stdout.trim().split('\n')
    const times = lines.map(line => Date.parse(line.split(' ')[0]!))
    expect(lines.map(line => line.split(' ')[1])).toEqual(['run', 'run', 'run'])
    expect(times[1]! - times[0]!).toBeGreaterThanOrEqual(99)
    expect(times[2]! - times[1]!).toBeGreaterThanOrEqual(199)
    toolkit('start', 'box') // it begins anew
    expect(toolkit('wait', 'box').stdout).toBe('7\n')
    expect(format('{{.RestartCount}}')).toBe('2')
    expect(toolkit('logs', 'box').stdout).toBe('run\n'.repeat(6))
  })

  test('on-failure, and no failure: it stays', () => {
    run('exit 0', '--restart', 'on-failure')
    expect(toolkit('wait', 'box').stdout).toBe('0\n')
    expect(format('{{.RestartCount}} {{.State.Status}}')).toBe('0 exited')
  })

  test('in the foreground: the exit code of the first run, and it goes on', async () => {
    const flags = ['--restart', 'always', '--name', 'box']
    expect(toolkit('run', ...flags, 'busybox', 'sh', '-c', 'echo hello; exit 5')).toMatchObject({
      status: 5,
      stdout: expect.stringMatching(/^hello\n/),
    })
    await eventually(() => Number(format('{{.RestartCount}}')) > 0, 'started again')
  })

  test('killed from within: again, and its log goes on; stop ends that, and a start begins anew', async () => {
    run('echo run; sleep 0.05; kill -9 $$; sleep 1000', '--restart', 'unless-stopped', '--init')
    await eventually(() => toolkit('logs', 'box').stdout.split('run').length > 3, 'three runs')
    expect(toolkit('stop', '-t', '0', 'box').status).toBe(0)
    expect(status()).toBe('exited')
    const before = toolkit('logs', 'box').stdout
    expect(world.left()).toMatchObject({ live: [], processes: [] })
    expect(toolkit('logs', 'box').stdout).toBe(before)
    toolkit('start', 'box')
    await eventually(() => toolkit('logs', 'box').stdout.length > before.length + 4, 'two more runs')
  })

  test('while it waits: what ps says, what is refused, and what ends it at once', async () => {
    const waits = () =>
      eventually(() => state()?.restarts === 4 && state()?.restarting?.sleeper, 'a pause of 1.6 seconds')
    run('exit 3', '--restart', 'always')
    await waits()
    const { pid } = await sleeper()
    expect(format('{{.State.Running}} {{.State.Restarting}} {{.State.Pid}}')).toBe('true true 0')
    expect(toolkit('ps').stdout).toMatch(/Restarting \(3\) .* ago/)
    expect(toolkit('rm', 'box')).toMatchObject({ status: 1, stderr: expect.stringContaining('is restarting') })
    expect(toolkit('stop', 'box').status).toBe(0)
    expect(status()).toBe('exited')
    await gone(pid)
    toolkit('start', 'box')
    await waits()
    expect(toolkit('rm', '-f', 'box').status).toBe(0)
    expect(world.left()).toEqual(nothing)
  })

  test('kill -9 of who waits: the next command has somebody else wait, and the policy goes on', async () => {
    run('echo run; exit 3', '--restart', 'always')
    await eventually(() => state()?.restarts >= 3, 'a longer pause')
    const { pid } = await sleeper()
    process.kill(pid, 'SIGKILL')
    await gone(pid)
    const before = Number(format('{{.RestartCount}}'))
    expect((await sleeper()).pid).not.toBe(pid)
    await eventually(() => Number(format('{{.RestartCount}}')) > before, 'started again')
  })

  test.each(['network joined', 'cgroup and files ready', 'process made', 'program started'])(
    'kill -9 of who starts it again at %j: the next command carries on',
    async place => {
      run('echo run; exit 3', '--restart', 'on-failure:3')
      const { pid } = await sleeper()
      process.kill(pid, 'SIGKILL')
      await gone(pid)
      fs.writeFileSync(`${live()[0]}/state.json`, JSON.stringify({ ...state(), restarting: { at: 0 } }))
      const env = { ...world.env, TOOLKIT_FAILPOINT: `${place}:kill` }
      expect(world.toolkit(['settle'], { env }).signal).toBe('SIGKILL')
      expect(toolkit('wait', 'box').stdout).toMatch(/^(3|125|unknown)\n$/)
      expect(format('{{.RestartCount}} {{.State.Status}}')).toBe('3 exited')
      expect(toolkit('rm', 'box').status).toBe(0)
      expect(world.left()).toEqual(nothing)
    },
  )

  test('who looked after it was killed, and the container with it: that is a failure', async () => {
    run('echo run; sleep 1000', '--restart', 'on-failure')
    const pid = Number(format('{{.State.Pid}}'))
    process.kill(readStat(pid)!.ppid, 'SIGKILL')
    process.kill(pid, 'SIGKILL')
    await gone(pid)
    await eventually(() => toolkit('logs', 'box').stdout === 'run\nrun\n', 'the second run')
  })

  test('what can no longer be started says why', async () => {
    const rootfs = `${world.state}/other`
    fs.cpSync(world.rootfs, rootfs, { recursive: true, verbatimSymlinks: true })
    toolkit(
      'run',
      '-d',
      '--name',
      'box',
      '--restart',
      'always',
      rootfs,
      'sh',
      '-c',
      'while test ! -e /end; do sleep 0.02; done',
    )
    fs.renameSync(rootfs, `${rootfs}.away`)
    toolkit('exec', 'box', 'touch', '/end')
    toolkit('kill', '-s', 'HUP', 'box')
    await until('exited')
    expect(format('{{.State.Error}}')).toContain('no root file system')
    fs.rmSync(`${rootfs}.away`, { recursive: true })
  })

  test('after a start of the machine: system boot starts what policies say, and once', async () => {
    const make = (name: string, policy: string, script = 'sleep 1000') =>
      toolkit('run', '-d', '--name', name, '--restart', policy, 'busybox', 'sh', '-c', script)
    for (const policy of ['always', 'unless-stopped', 'no']) make(`stopped-${policy}`, policy)
    toolkit('stop', '-t', '0', 'stopped-always', 'stopped-unless-stopped', 'stopped-no')
    make('failed', 'on-failure:1', 'exit 1')
    make('fine', 'on-failure', 'exit 0')
    toolkit('wait', 'failed', 'fine')
    make('ran', 'unless-stopped')
    const pid = Number(format('{{.State.Pid}}', 'ran'))
    process.kill(readStat(pid)!.ppid, 'SIGKILL')
    process.kill(pid, 'SIGKILL')
    await gone(pid)
    for (const place of ['live', 'ended'])
      for (const id of fs.readdirSync(`${world.state}/containers/${place}`)) {
        const path = `${world.state}/containers/${place}/${id}/state.json`
        const { restarts: _none, ...rest } = JSON.parse(fs.readFileSync(path, 'utf8'))
        fs.writeFileSync(path, JSON.stringify({ ...rest, bootId: 'another' }))
      }
    expect(toolkit('ps', '-q').stdout).toBe('')
    expect(toolkit('system', 'boot')).toMatchObject({ status: 0, stderr: '' })
    const names = () => toolkit('ps', '--format', '{{.Names}}').stdout.trim().split('\n').sort()
    await eventually(() => names().join() === 'ran,stopped-always', 'only those run, and failed has failed again')
    expect(format('{{.RestartCount}}', 'failed')).toBe('1')
    toolkit('stop', '-t', '0', 'stopped-always')
    expect(toolkit('system', 'boot').stdout).toBe('')
    expect(toolkit('system', 'boot', '--help').stdout).toContain('ExecStart=')
  })

  test.each([
    [['--restart', 'sometimes'], /run: --restart sometimes: invalid restart policy: unknown policy; use one of/],
    [['--restart', 'always:3'], /maximum retry count can only be used with 'on-failure'/],
    [['--restart', 'on-failure:x'], /maximum retry count must be an integer/],
    [['--restart', 'on-failure:-1'], /maximum retry count cannot be negative/],
    [['--restart', 'always', '--rm'], /conflicting options: cannot specify both --restart and --rm/],
    [['--stop-signal', 'NOSUCH'], /--stop-signal NOSUCH: invalid signal; give/],
    [['--health-interval', '1s'], /there is no --health-cmd/],
    [['--health-cmd', 'x', '--no-healthcheck'], /--no-healthcheck conflicts with --health-\* options/],
    [['--health-cmd', 'x', '--health-timeout', '-1s'], /--health-timeout -1s: cannot be negative/],
  ])('%j is refused', (flags, message) => {
    const { status, stderr } = toolkit('run', '-d', ...flags, 'busybox', 'true')
    expect({ status, stderr }).toEqual({
      status: 125,
      stderr: expect.stringMatching(message),
    })
    expect(world.left()).toEqual(nothing)
  })

  test('--stop-signal and --stop-timeout: what stop does where it is not told', async () => {
    const script = 'trap "exit 5" USR1; trap "exit 6" USR2; trap "" TERM; echo ready; while :; do sleep 0.02; done'
    const again = async (...flags: string[]) => {
      toolkit('rm', '-f', 'box')
      run(script, ...flags)
      await eventually(() => toolkit('logs', 'box').stdout === 'ready\n', 'ready')
    }
    await again('--stop-signal', 'SIGUSR1', '--stop-timeout', '77')
    expect(format('{{.Config.StopSignal}} {{.Config.StopTimeout}}')).toBe('SIGUSR1 77')
    toolkit('stop', 'box')
    expect(format('{{.State.ExitCode}}')).toBe('5')
    await again('--stop-signal', 'SIGUSR1')
    toolkit('stop', '-s', 'USR2', 'box')
    expect(format('{{.State.ExitCode}}')).toBe('6')
    await again('--stop-timeout', '0', '--stop-signal', 'USR1')
    toolkit('restart', 'box') // by KILL, at once
    expect(format('{{.State.Status}}')).toBe('running')
    await eventually(() => toolkit('logs', 'box').stdout === 'ready\nready\n', 'ready')
    toolkit('restart', '-s', 'USR1', '-t', '77', 'box')
    await eventually(() => toolkit('logs', 'box').stdout === 'ready\nready\nready\n', 'ready')
  })
})
