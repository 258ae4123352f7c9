// `update` and `stats`: limits and figures as the kernel has them.
import fs from 'node:fs'
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import { update } from '../../toolkit/engine/life/update.ts'
import { readCgroup } from '../../toolkit/observe/cgroup-figures.ts'
import { directoriesOf } from '../../toolkit/observe/cgroups.ts'
import { eventually, skipped, sleepersWith, World } from './toolkit.ts'

const world = new World()
afterAll(() => world.end())
afterEach(() => world.removeAll())

const toolkit = (...args: string[]) => world.toolkit(args)
const format = (template: string) => toolkit('inspect', '-f', template, 'box').stdout.trim()
const run = (script: string, ...flags: string[]) =>
  toolkit('run', '-d', '--name', 'box', ...flags, 'busybox', 'sh', '-c', script)
const figures = () => readCgroup(directoriesOf(Number(format('{{.State.Pid}}'))))
const MIB = 1 << 20
const noV2 = fs.existsSync('/sys/fs/cgroup/cgroup.controllers') ? '' : ' (skipped: v1 wakes for kills alone)'

describe.skipIf(skipped)(`update and stats${skipped}`, () => {
  test('other limits at once, and at each later start', () => {
    run('sleep 1000', '-m', '64m')
    expect(toolkit('update', '-m', '32m', '--cpus', '0.5', '--pids-limit', '20', 'box')).toMatchObject({
      status: 0,
      stdout: 'box\n',
    })
    const expected = { memory: { limit: 32 * MIB }, cpu: { quota: 50_000, period: 100_000 }, pids: { limit: 20 } }
    expect(figures()).toMatchObject(expected)
    toolkit('update', '-m', '96m', 'box') // above what the first limit of memory and swap was
    toolkit('update', '--memory-swap', '200m', 'box')
    toolkit('update', '--cpu-quota', '30000', '-c', '512', 'box')
    expect(format('{{.HostConfig.CpuShares}}')).toBe('512')
    expect(format('{{.HostConfig.Memory}} {{.HostConfig.MemorySwap}}')).toBe(`${96 * MIB} ${200 * MIB}`)
    toolkit('restart', '-t', '0', 'box')
    expect(figures()).toMatchObject({ memory: { limit: 96 * MIB }, cpu: { quota: 30_000 }, pids: { limit: 20 } })
    expect(toolkit('update', '--pids-limit', '0', '--cpus', '0', 'box').status).toBe(0) // as good as nothing, as docker's
    expect(figures()).toMatchObject({ cpu: { quota: 30_000 }, pids: { limit: 20 } })
    toolkit('stop', '-t', '0', 'box')
    expect(toolkit('update', '--pids-limit', '-1', 'box').status).toBe(0)
    toolkit('start', 'box')
    expect(figures().pids).toMatchObject({ limit: Number.POSITIVE_INFINITY })
  })

  test('where one limit cannot be set, all are as they were', async () => {
    run('sleep 1000', '-m', '64m', '--cpus', '0.7')
    const before = figures()
    const spec = format('{{json .HostConfig}}')
    const env = process.env.TOOLKIT_STATE
    process.env.TOOLKIT_STATE = world.state
    try {
      const resources = { memory: { limit: 32 * MIB }, cpu: { quota: 20_000, period: 100_000, cpus: '4095' } }
      await expect(update('box', { resources, restart: undefined })).rejects.toThrow(/container box: --cpuset-cpus/)
    } finally {
      if (env === undefined) delete process.env.TOOLKIT_STATE
      else process.env.TOOLKIT_STATE = env
    }
    expect(figures().memory).toMatchObject({ limit: before.memory!.limit, swap: before.memory!.swap ?? undefined })
    expect(figures().cpu).toMatchObject({ quota: 70_000 })
    expect(format('{{json .HostConfig}}')).toBe(spec)
  })

  test('less memory than it has taken is refused, and it lives on', async () => {
    run(
      'mkdir /m; mount -t tmpfs t /m; head -c 40000000 /dev/zero >/dev/shm/x; echo ready; sleep 1000',
      '-m',
      '128m',
      '--memory-swap',
      '128m',
    )
    await eventually(() => toolkit('logs', 'box').stdout.includes('ready'), 'ready')
    const { status, stderr } = toolkit('update', '-m', '8m', '--memory-swap', '8m', 'box')
    expect({ status, stderr }).toEqual({ status: 1, stderr: expect.stringMatching(/memory.*(in use|taken)/) })
    expect(figures().memory).toMatchObject({ limit: 128 * MIB })
    expect(format('{{.State.Status}}')).toBe('running')
  })

  test.each([
    [['-m', '1m'], /update: --memory 1m: give at least 6m/],
    [['-m', '300m'], /it is more than --memory-swap/],
    [[], /change what/],
  ])('%j is refused', (flags, message) => {
    run('sleep 1000', '-m', '64m', '--memory-swap', '64m')
    expect(toolkit('update', ...flags, 'box').stderr).toMatch(message)
    expect(figures().memory).toMatchObject({ limit: 64 * MIB })
  })

  test('another restart policy', async () => {
    run('sleep 0.3; exit 2')
    toolkit('update', '--restart', 'on-failure:1', 'box')
    expect(format('{{.HostConfig.RestartPolicy.Name}} {{.HostConfig.RestartPolicy.MaximumRetryCount}}')).toBe(
      'on-failure 1',
    )
    expect(toolkit('wait', 'box').stdout).toBe('2\n')
    expect(format('{{.RestartCount}}')).toBe('1')
    toolkit('run', '-d', '--rm', '--name', 'short', 'busybox', 'sleep', '1000')
    expect(toolkit('update', '--restart', 'always', 'short')).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(/AutoRemove/),
    })
  })

  test('stats: who works and who sleeps, memory, limits and processes', async () => {
    run('head -c 20000000 /dev/zero >/dev/shm/x; sleep 1000 & while :; do :; done', '-m', '100m')
    toolkit('run', '-d', '--name', 'idle', 'busybox', 'sleep', '1000')
    toolkit('create', '--name', 'never', 'busybox', 'true')
    await eventually(() => figures().memory!.current > 19_000_000, 'its memory')
    expect(toolkit('stats', '--no-stream').stdout.split('\n')[0]).toMatch(
      /^CONTAINER ID +NAME +CPU % +MEM USAGE \/ LIMIT +MEM % +NET I\/O +BLOCK I\/O +PIDS$/,
    )
    const rows = toolkit('stats', '--no-stream', '-a', '--format', 'json')
      .stdout.trim()
      .split('\n')
      .map(line => JSON.parse(line))
    const [never, idle, box] = ['never', 'idle', 'box'].map(name => rows.find(({ Name }) => Name === name))
    expect(Number.parseFloat(box.CPUPerc)).toBeGreaterThan(5 * Number.parseFloat(idle.CPUPerc) + 1)
    expect(box).toMatchObject({
      PIDs: '2',
      NetIO: '0B / 0B',
      MemUsage: expect.stringMatching(/^(19|2\d)\.?\d*MiB \/ 100MiB$/),
    })
    expect(Number.parseFloat(box.MemPerc)).toBeGreaterThan(18)
    expect(never).toMatchObject({ CPUPerc: '0.00%', MemUsage: '0B / 0B', PIDs: '0' })
    expect(toolkit('stats', '--no-stream', '--format', '{{.Container}}', 'box').stdout).toBe('box\n')
    expect(toolkit('stats', 'nosuch').status).toBe(1)
    expect(world.shell('$TOOLKIT stats --format "{{.Name}}" box | head -3; echo $PIPESTATUS').stdout).toBe(
      'box\nbox\nbox\n0\n',
    ) // one a second, until nobody reads it
  })

  const told = () =>
    toolkit('events', '--since', '1h', '--until', '0s', '-f', 'event=oom', '-f', 'container=box').stdout
  const timesTold = () => told().split('container oom').length - 1
  // Once what has eaten most is gone, the kernel may take another: of those that began it, and not what holds the box up.
  const hungry = 'echo 1000 >/proc/self/oom_score_adj; head -c 100000000 /dev/zero | tail >/dev/null'
  const narrow = ['-m', '16m', '--memory-swap', '16m']

  test('out of memory: one of its processes, while it lives on; told at once, and each time', async () => {
    run('echo ready; sleep 1000', ...narrow)
    const kills = () => figures().memory!.oomKills! // more than one for a hungry one
    for (let before = 0; before < 2; before = kills()) {
      expect(toolkit('exec', 'box', 'sh', '-c', hungry).status).toBe(137)
      expect(format('{{json .State}}')).toContain('"Status":"running"')
      await eventually(() => kills() > before && timesTold() === kills(), 'each is told')
    }
    expect(format('{{.State.Status}} {{.State.OOMKilled}}')).toBe('running true')
    toolkit('restart', '-t', '0', 'box')
    expect(format('{{.State.Status}} {{.State.OOMKilled}}')).toBe('running false')
    fs.rmSync(`${world.state}/events`, { recursive: true })
  })

  test.skipIf(noV2)(`memory that can be given back wakes nobody all the time${noV2}`, async () => {
    run('head -c 50000000 /dev/zero >/big; while :; do cat /big >/dev/null; done', ...narrow)
    const id = format('{{.Id}}')
    const hits = () => figures().memory!.limitHits!
    let sleeper: number | undefined
    let [since, before] = [0, 0]
    const hasSlept = () => {
      const [now] = sleepersWith(path => path.includes(id.slice(0, 12)) && path.endsWith('/memory.events'))
      if (now === undefined || now !== sleeper) [sleeper, since, before] = [now, performance.now(), hits()]
      return sleeper !== undefined && performance.now() - since > 2000 && hits() > before + 100
    }
    await eventually(hasSlept, 'one sleeps on while the limit is reached again and again')
    toolkit('exec', 'box', 'sh', '-c', hungry)
    const kills = figures().memory!.oomKills!
    expect(kills).toBeGreaterThan(0)
    await eventually(() => timesTold() >= kills, 'told, if later')
  })

  test('out of memory: its first process', async () => {
    toolkit('run', '-d', '--name', 'box', ...narrow, 'busybox', 'tail', '-c', '1000000000', '/dev/zero')
    expect(toolkit('wait', 'box').stdout).toBe('137\n')
    await eventually(() => told().includes('container oom'), 'told')
    expect(format('{{.State.Status}} {{.State.OOMKilled}}')).toBe('exited true')
    fs.rmSync(`${world.state}/events`, { recursive: true })
  })
})
