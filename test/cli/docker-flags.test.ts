// Every flag that docker's run has is taken, or refused in a line that says why and what to do instead.
import fs from 'node:fs'
import { afterEach, describe, expect, test } from 'vitest'
import { command as create } from '../../toolkit/cli/create.ts'
import { annotations, checkCompatible, warnings } from '../../toolkit/cli/flags/compatible.ts'
import { type Command, parse } from '../../toolkit/cli/options.ts'
import { command as run } from '../../toolkit/cli/run.ts'
import { readLayout } from '../../toolkit/observe/cgroups.ts'
import { nothing, skipped, worldForEach } from './toolkit.ts'

/** Of docker 29, with those that it does not show any more: cli/command/container/opts.go and run.go. */
const DOCKERS =
  `add-host annotation attach blkio-weight blkio-weight-device cap-add cap-drop cgroup-parent cgroupns cidfile
  cpu-count cpu-percent cpu-period cpu-quota cpu-rt-period cpu-rt-runtime cpu-shares cpus cpuset-cpus cpuset-mems device
  device-cgroup-rule device-read-bps device-read-iops device-write-bps device-write-iops disable-content-trust dns dns-opt
  dns-option dns-search domainname entrypoint env env-file expose gpus group-add health-cmd health-interval health-retries
  health-start-interval health-start-period health-timeout hostname init interactive io-maxbandwidth io-maxiops ip ip6 ipc
  isolation kernel-memory label label-file link link-local-ip log-driver log-opt mac-address memory memory-reservation
  memory-swap memory-swappiness mount name net net-alias network network-alias no-healthcheck oom-kill-disable
  oom-score-adj pid pids-limit platform privileged publish publish-all pull quiet read-only restart rm runtime
  security-opt shm-size stop-signal stop-timeout storage-opt sysctl tmpfs tty ulimit user userns uts volume volume-driver
  volumes-from workdir`.split(/\s+/)
const LETTERS = { a: 'attach', c: 'cpu-shares', e: 'env', h: 'hostname', i: 'interactive', l: 'label', m: 'memory' }
const MORE = { P: 'publish-all', p: 'publish', q: 'quiet', t: 'tty', u: 'user', v: 'volume', w: 'workdir' }

describe('run and create have', () => {
  const missing = (command: Command, wanted: readonly string[]) => wanted.filter(flag => !(flag in command.flags))

  test('all flags of docker’s', () => {
    expect(missing(run, [...DOCKERS, 'detach', 'detach-keys', 'sig-proxy'])).toEqual([])
    expect(missing(create, DOCKERS)).toEqual([])
  })

  test('and its letters', () => {
    for (const [letter, flag] of Object.entries({ ...LETTERS, ...MORE }))
      expect([letter, run.flags[flag]?.short]).toEqual([letter, letter])
  })
})

const given = (...words: string[]) => parse(run, words).flags
const here = process.arch === 'arm64' ? ['arm64', 'aarch64'] : ['amd64', 'x86_64']
const elsewhere = process.arch === 'arm64' ? 'amd64' : 'arm64'

describe('what is so anyway', () => {
  test.each([
    ...['linux', 'Linux', `linux/${here[0]}`, here[1]!, ''].map(value => ['--platform', value]),
    ['--runtime', 'toolkit'],
    ['--isolation', 'default'],
    ['--volume-driver', 'local'],
    ['--disable-content-trust'],
    ['--disable-content-trust=true'],
    ['--kernel-memory', '10m'],
    ['--gpus', ''],
  ])('%s %s is taken', (...words) => {
    expect(() => checkCompatible(given(...words.filter(word => word !== undefined)))).not.toThrow()
  })

  test.each([
    ['--platform', `linux/${elsewhere}`, `linux/${here[0]}`],
    ['--platform', 'windows', 'linux'],
    ['--runtime', 'runc', 'toolkit spec'],
    ['--isolation', 'hyperv', 'default'],
    ['--volume-driver', 'nfs', 'volume create'],
    ['--disable-content-trust=false', undefined, 'signed'],
    ['--kernel-memory', 'much', 'bytes'],
    ['--storage-opt', 'size=10g', '--tmpfs'],
    ['--gpus', 'all', '--device'],
    ['--ip6', '::1', 'no IPv6'],
    ['--link-local-ip', '169.254.0.9', '--ip'],
    ['--cpu-count', '1', 'Windows'],
    ['--io-maxiops', '1', 'Windows'],
  ])('%s %s is refused', (flag, value, why) => {
    const words = value === undefined ? [flag] : [flag, value]
    const line = new RegExp(`^run: ${flag.replace(/=.*/, '')} [^\n]*${why}[^\n]*$`)
    expect(() => checkCompatible(given(...words))).toThrow(line)
  })

  test('annotations: KEY=VALUE, the last of a key', () => {
    expect(annotations(given('--annotation', 'a=1=2', '--annotation', 'b', '--annotation', 'a=3'))).toEqual({
      a: '3',
      b: '',
    })
    expect(annotations(given())).toBeUndefined()
    expect(() => annotations(given('--annotation', '=1'))).toThrow(/--annotation =1: give KEY=VALUE/)
  })

  test('warnings, on v1 and on v2', () => {
    const on = (version: 1 | 2, ...words: string[]) => warnings(given(...words), () => version === 1)
    expect(on(1)).toEqual([])
    expect(on(1, '--oom-kill-disable', '-m', '9m', '--memory-swappiness', '1')).toEqual([])
    expect(on(1, '--oom-kill-disable')).toEqual([expect.stringContaining('without --memory')])
    expect(on(2, '--oom-kill-disable', '-m', '9m', '--memory-swappiness', '1')).toEqual([
      ...['oom-kill-disable', 'memory-swappiness'].map(flag => expect.stringContaining(`--${flag} has no effect`)),
    ])
    expect(on(2, '--memory-swappiness', '-1')).toEqual([])
    expect(on(2, '--kernel-memory', '9m')).toEqual([expect.stringContaining('--kernel-memory has no effect')])
  })
})

describe.skipIf(skipped)(`their effects${skipped}`, () => {
  const world = worldForEach()
  afterEach(() => {
    expect(world.left().mounts).toEqual(nothing.mounts)
  })
  const inspect = (flags: string[], what: string) => {
    world.toolkit(['create', '--name', 'made', ...flags, 'busybox', 'true'])
    const { stdout } = world.toolkit(['inspect', '-f', `{{json ${what}}}`, 'made'])
    world.toolkit(['rm', 'made'])
    return JSON.parse(stdout)
  }
  const isV1 = readLayout(process.pid)?.hierarchies.some(
    ({ version, controllers }) => version === 1 && controllers.includes('memory'),
  )

  test.skipIf(!isV1)('--oom-kill-disable, --memory-swappiness: the kernel has them (v1)', () => {
    const look = (file: string, flags: string[]) => world.sh(`cat /sys/fs/cgroup/memory/memory.${file}`, flags)
    expect(look('oom_control', ['-m', '64m', '--oom-kill-disable'])).toMatch(/^oom_kill_disable 1$/m)
    expect(look('oom_control', ['-m', '64m'])).toMatch(/^oom_kill_disable 0$/m)
    expect(look('swappiness', ['--memory-swappiness', '7'])).toBe('7\n')
  })

  test('--device-cgroup-rule: one that is made later can be opened', () => {
    const open = 'mknod /tun c 10 200; ( : </tun ) 2>&1 || true'
    expect(world.sh(open)).toMatch(/not permitted/)
    expect(world.sh(open, ['--device-cgroup-rule', 'c 10:* rw'])).not.toMatch(/not permitted/)
    for (const rule of ['c 10:200', 'x 1:1 r', 'c 1:1 rx', 'c 1: r'])
      expect(world.toolkit(['run', '--rm', '--device-cgroup-rule', rule, 'busybox', 'true'])).toMatchObject({
        ...{ status: 125, stderr: expect.stringMatching(/^toolkit: run: --device-cgroup-rule .*c 10:200 rwm.*\n$/) },
      })
  })

  test('--blkio-weight-device, --cpu-rt-*: refused in a line where they are wrong', () => {
    const line = (...flags: string[]) => world.toolkit(['run', '--rm', ...flags, 'busybox', 'true'])
    for (const [flag, value] of [
      ['--blkio-weight-device', '/dev/null:100'],
      ['--blkio-weight-device', 'sda:100'],
      ['--cpu-rt-runtime', 'x'],
      ['--memory-swappiness', '101'],
    ] as const) {
      const stderr = expect.stringMatching(new RegExp(`^toolkit: run: ${flag} ${value}: .*\n$`))
      expect(line(flag, value)).toMatchObject({ status: 125, stdout: '', stderr })
    }
    expect(line('--blkio-weight-device', '/dev/null:0').status).toBe(125)
  })

  test('inspect tells what was asked for', () => {
    const flags = [
      ...['--isolation', 'default', '--volume-driver', 'local', '--memory-swappiness', '3', '-m', '64m'],
      ...['--oom-kill-disable', '--device-cgroup-rule', 'c 10:200 rwm', '--annotation', 'b=2', '--annotation', 'a=1'],
      ...['--cpu-rt-period', '1000', '-c', '512'],
    ]
    expect(inspect(flags, '.HostConfig')).toMatchObject({
      ...{ Isolation: 'default', VolumeDriver: 'local', MemorySwappiness: 3, OomKillDisable: true, CpuShares: 512 },
      ...{ DeviceCgroupRules: ['c 10:200 rwm'], Annotations: { a: '1', b: '2' }, CpuRealtimePeriod: 1000 },
    })
    const plain = { Isolation: '', VolumeDriver: '', MemorySwappiness: null, OomKillDisable: false }
    expect(inspect([], '.HostConfig')).toMatchObject({ ...plain, DeviceCgroupRules: null, BlkioWeightDevice: [] })
    const { stdout } = world.toolkit(['spec', '--annotation', 'a=1', 'busybox', 'true'])
    expect(JSON.parse(stdout).annotations).toEqual({ a: '1' })
  })

  test('-q says nothing of a busybox that is made', () => {
    const env = { ...world.env, TOOLKIT_STATE: `${world.state}/other`, BUSYBOX: `${world.rootfs}/bin/busybox` }
    for (const flags of [[], ['-q']]) {
      const { status, stderr } = world.toolkit(['run', '--rm', ...flags, 'busybox', 'true'], { env })
      fs.rmSync(`${world.state}/other`, { recursive: true })
      expect({ status, spoke: stderr !== '' }).toEqual({ status: 0, spoke: flags.length === 0 })
    }
  })

  describe('--attach', () => {
    const script = 'cat; echo out; echo err >&2; exit 3'
    const attach = (...flags: string[]) =>
      world.toolkit(['run', '--rm', ...flags, 'busybox', 'sh', '-c', script], { input: 'in\n' })

    test('shows only these streams, and ends as the program does', () => {
      expect(attach('-a', 'stdout')).toMatchObject({ status: 3, stdout: 'out\n', stderr: '' })
      expect(attach('-a', 'STDERR')).toMatchObject({ status: 3, stdout: '', stderr: 'err\n' })
      expect(attach('-a', 'stdout', '-a', 'stderr')).toMatchObject({ status: 3, stdout: 'out\n', stderr: 'err\n' })
      expect(attach('-i', '-a', 'stdin', '-a', 'stdout')).toMatchObject({ status: 3, stdout: 'in\nout\n', stderr: '' })
    })

    test('what is not shown is kept', () => {
      const run = ['run', '--name', 'box', '-i', '-a', 'stdin', 'busybox', 'sh', '-c', script]
      expect(world.toolkit(run, { input: 'in\n' })).toMatchObject({ status: 3, stdout: '', stderr: '' })
      expect(world.toolkit(['logs', 'box'])).toMatchObject({ stdout: 'in\nout\n', stderr: 'err\n' })
    })

    test.each([
      [[], 'false true true false'],
      [['-i'], 'true true true true'],
      [['-i', '-a', 'stdin'], 'true false false true'],
      [['-i', '-a', 'stderr'], 'false false true false'],
      [['-id'], 'false false false false'],
    ])('inspect tells what was joined: %j', (flags, expected) => {
      const joined = '{{with .Config}}{{.AttachStdin}} {{.AttachStdout}} {{.AttachStderr}} {{.StdinOnce}}{{end}}'
      world.toolkit(['run', '--name', 'box', ...flags, 'busybox', 'true'], { input: '' })
      expect(world.toolkit(['inspect', '-f', joined, 'box']).stdout).toBe(`${expected}\n`)
    })

    test('refuses what cannot be', () => {
      for (const [flags, why] of [
        [['-a', 'stdlog'], 'allowed: stdin, stdout, stderr'],
        [['-a', 'stdout', '-d'], 'do not go together'],
        [['-t', '-a', 'stderr'], 'a terminal has one output'],
      ] as const)
        expect(attach(...flags)).toMatchObject({ status: 125, stdout: '', stderr: expect.stringContaining(why) })
    })
  })
})
