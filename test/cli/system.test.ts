// What the engine has, and what of it can go: info, version, df, prune; inspect; and JSON for scripts.
import fs from 'node:fs'
import os from 'node:os'
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import { nothing, skipped, World } from './toolkit.ts'

const world = new World()
afterAll(() => world.end())
afterEach(() => {
  world.removeAll()
  expect(world.left()).toEqual(nothing)
})
const toolkit = (...args: string[]) => world.toolkit(args)
const run = (...args: string[]) => toolkit('run', '-d', '--name', ...args)
const pruned = /^Total reclaimed space: [\d.]+[kMGTP]?B\n$/m

describe.skipIf(skipped)(`the engine as a whole${skipped}`, () => {
  test('version and info: text, JSON, templates', () => {
    expect(toolkit('version').stdout).toMatch(
      /^Client and engine: toolkit\n Version: +\d+\.\d+\.\d+\n OS\/Arch: +linux\//,
    )
    const { Client, Server } = JSON.parse(toolkit('version', '--json').stdout)
    expect(toolkit('version', '--format', '{{.Client.Version}} {{.Server.Version}}').stdout).toBe(
      `${Client.Version} ${Server.Version}\n`,
    )
    expect(toolkit('version', '-f', '{{.Nothing}}')).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('Nothing'),
    })
    run('one', 'busybox', 'sleep', '1000')
    run('two', 'busybox', 'sleep', '1000')
    toolkit('pause', 'two')
    toolkit('create', '--name', 'three', 'busybox', 'true')
    const format = '{{.Containers}} {{.ContainersRunning}} {{.ContainersPaused}} {{.ContainersStopped}}'
    expect(toolkit('info', '--format', format).stdout).toBe('3 1 1 1\n')
    expect(toolkit('system', 'info').stdout).toBe(toolkit('info').stdout)
    expect(toolkit('info').stdout).toContain(` State Dir: ${world.state}\n`)
    expect(toolkit('version', '-f', '{{json .Server.Components}}').stdout).toContain('"Name":"Engine"')
    expect(
      toolkit('version', '-f', '{{.Client.Context}} {{.Server.Os}} {{(index .Server.Components 0).Version}}').stdout,
    ).toBe(`default linux ${Client.Version}\n`)
    // What scripts ask docker's for.
    const asked = '{{.Swarm.LocalNodeState}} {{.LoggingDriver}} {{.DefaultRuntime}} {{.OSType}} {{.ClientInfo.Context}}'
    expect(toolkit('info', '-f', asked).stdout).toBe('inactive toolkit toolkit linux default\n')
    const here = JSON.parse(toolkit('info', '-f', '{{json .}}').stdout)
    expect(here.Warnings === null).toBe(here.MemoryLimit && here.CpuCfsQuota && here.CPUSet && here.PidsLimit)
    expect(Math.abs(Date.parse(here.SystemTime) - Date.now())).toBeLessThan(600_000)
    expect(toolkit('info', '-f', '{{range .SecurityOptions}}{{.}};{{end}}').stdout).toContain('name=seccomp')
    expect(toolkit('info', '-f', '{{range .Plugins.Volume}}{{.}}{{end}}').stdout).toBe('local\n')
    const { Images, NCPU, MemTotal, KernelVersion } = JSON.parse(toolkit('info', '--format', 'json').stdout)
    expect({ Images, KernelVersion }).toEqual({
      Images: 1,
      KernelVersion: fs.readFileSync('/proc/sys/kernel/osrelease', 'utf8').trim(),
    })
    expect(NCPU).toBeGreaterThan(0)
    expect(MemTotal).toBeGreaterThan(1e8)
  })

  test('container prune: asks; removes what does not run', () => {
    run('runs', 'busybox', 'sleep', '1000')
    toolkit('run', '--name', 'ended', 'busybox', 'sh', '-c', 'head -c 2000000 /dev/zero >/big')
    toolkit('create', '--name', 'made', 'busybox', 'true')
    expect(toolkit('container', 'prune')).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(/^WARNING! This will remove all stopped containers\.\nAre you sure/),
    })
    expect(world.toolkit(['container', 'prune'], { input: 'n\n' }).status).toBe(1)
    expect(toolkit('container', 'prune', '-f', '--filter', 'until=1h').stdout).toBe('Total reclaimed space: 0B\n')
    const { status, stdout } = world.toolkit(['container', 'prune'], { input: 'y\n' })
    expect(status).toBe(0)
    expect(stdout).toMatch(/^Deleted Containers:\n[0-9a-f]{64}\n[0-9a-f]{64}\n\nTotal reclaimed space: 2MB\n$/)
    expect(toolkit('ps', '-a', '--format', '{{.Names}}').stdout).toBe('runs\n')
  })

  test('system df: what there is, what is used, what can go', () => {
    run('runs', '-v', 'used:/data', 'busybox', 'sh', '-c', 'head -c 3000000 /dev/zero >/data/x; sleep 1000')
    toolkit('run', '--name', 'ended', 'busybox', 'sh', '-c', 'head -c 1000000 /dev/zero >/big')
    toolkit('volume', 'create', 'idle')
    fs.writeFileSync(`${world.state}/volumes/idle/_data/x`, Buffer.alloc(1_500_000))
    const { stdout } = toolkit('system', 'df')
    expect(stdout).toMatch(/^TYPE +TOTAL +ACTIVE +SIZE +RECLAIMABLE\n/)
    expect(stdout).toMatch(/^Images +1 +1 +[\d.]+MB +0B \(0%\)$/m)
    expect(stdout).toMatch(/^Containers +2 +1 +1MB +1MB \(100%\)$/m)
    expect(stdout).toMatch(/^Local Volumes +2 +1 +4\.5MB +1\.5MB \(33%\)$/m)
    const all = toolkit('system', 'df', '-v').stdout
    expect(all).toMatch(/^[0-9a-f]{12} +busybox .* ended$/m)
    expect(all).toMatch(/^idle +0 +1\.5MB$/m)
    expect(toolkit('system', 'df', '--format', '{{.Type}} {{.Active}}').stdout).toContain('Local Volumes 1\n')
    expect(JSON.parse(toolkit('system', 'df', '--json').stdout).Kinds).toContainEqual(
      expect.objectContaining({ Type: 'Local Volumes', SizeBytes: 4_500_000, ReclaimableBytes: 1_500_000 }),
    )
  })

  test('system prune: only what it says', () => {
    run('runs', '-v', 'used:/data', '-v', '/anonymous', 'busybox', 'sleep', '1000')
    toolkit('run', '--name', 'ended', '-v', '/lost', 'busybox', 'true')
    for (const name of ['a', 'b']) toolkit('network', 'create', name)
    expect(toolkit('system', 'prune').stderr).toBe(
      'WARNING! This will remove:\n  - all stopped containers\n  - all networks not used by at least one container\n\nAre you sure you want to continue? [y/N]\ntoolkit: system prune: nothing was removed; --force does not ask\n',
    )
    const first = toolkit('system', 'prune', '-f').stdout
    expect(first).toMatch(/^Deleted Containers:\n\w{64}\n\nDeleted Networks:\na\nb\n\nTotal reclaimed space: /)
    expect(toolkit('volume', 'ls', '-q').stdout.split('\n').filter(Boolean)).toHaveLength(4) // idle of before, too
    const second = toolkit('system', 'prune', '-f', '--volumes', '-a').stdout
    expect(second).toMatch(/^Deleted Volumes:\n[0-9a-f]{64}\n\nDeleted Files:\n.*\/cache\n\n/)
    expect(second).toMatch(pruned)
    expect(toolkit('volume', 'ls', '-q').stdout).toContain('used\n')
    expect(fs.existsSync(world.rootfs)).toBe(true) // a container is made of it
    expect(toolkit('volume', 'prune', '-af').stdout).toMatch(
      /^Deleted Volumes:\nidle\n\nTotal reclaimed space: 1\.5MB\n$/,
    )
  })

  test('inspect: the fields that scripts for docker read', () => {
    const id = run(
      'box',
      '-v',
      'data:/data',
      '-v',
      '/etc:/host:ro',
      '-e',
      'A=b',
      '-w',
      '/tmp',
      '-u',
      '7',
      '-h',
      'name',
      '-m',
      '64m',
      '--cpus',
      '0.5',
      '--cap-drop',
      'MKNOD',
      '--ulimit',
      'nofile=10:20',
      'busybox',
      'sleep',
      '1000',
    ).stdout.trim()
    const [found] = JSON.parse(toolkit('inspect', 'box').stdout)
    expect(found).toMatchObject({
      Id: id,
      Name: '/box',
      Image: 'busybox',
      Path: 'sleep',
      Args: ['1000'],
      RestartCount: 0,
      State: { Status: 'running', Running: true, Paused: false, ExitCode: 0, OOMKilled: false, Pid: world.init() },
      Config: { Hostname: 'name', User: '7', WorkingDir: '/tmp', Cmd: ['sleep', '1000'], Tty: false, Labels: {} },
      HostConfig: {
        NetworkMode: 'none',
        Memory: 67_108_864,
        NanoCpus: 5e8,
        CapDrop: ['CAP_MKNOD'],
        Binds: ['data:/data', '/etc:/host:ro'],
        AutoRemove: false,
        Ulimits: [{ Name: 'nofile', Soft: 10, Hard: 20 }],
      },
      NetworkSettings: { IPAddress: '', Ports: {}, Networks: { none: { IPAddress: '' } } },
    })
    expect(found.Config.Env).toEqual([expect.stringMatching(/^PATH=/), 'A=b'])
    expect(found.Mounts).toMatchObject([
      { Type: 'volume', Name: 'data', Source: `${world.state}/volumes/data/_data`, Destination: '/data', RW: true },
      { Type: 'bind', Source: '/etc', Destination: '/host', Mode: 'ro', RW: false, Propagation: 'rprivate' },
    ])
    expect(Date.parse(found.Created)).toBeLessThanOrEqual(Date.parse(found.State.StartedAt))
    expect(fs.existsSync(found.LogPath)).toBe(true)
    // A directory of the host has no name, and JSON does not say so.
    const each = '{{range .Mounts}}{{.Type}} {{.Name}} {{.Driver}} {{.Destination}};{{end}}{{.SizeRw}}'
    expect(toolkit('inspect', '-f', each, 'box').stdout).toBe('volume data local /data;bind   /host;<nil>\n')
    expect(Object.keys(found.Mounts[1])).not.toContain('Name')
    toolkit('create', '--name', 'entered', '--entrypoint', 'sleep', '--domainname', 'ex.org', 'busybox', '100')
    expect(toolkit('inspect', '-f', '{{.Config.Domainname}}', 'entered', 'box').stdout).toBe('ex.org\n\n')
    const words = '{{.Config.Entrypoint}} {{.Config.Cmd}} {{.Path}} {{.Args}}'
    expect(toolkit('inspect', '-f', words, 'entered').stdout).toBe('[sleep] [100] sleep [100]\n')
    expect(toolkit('inspect', '-f', words, 'box').stdout).toBe('[] [sleep 1000] sleep [1000]\n')
    expect(toolkit('inspect', '-s', '-f', '{{.SizeRw}}', 'box').stdout).toMatch(/^\d+\n$/)
    expect(JSON.parse(toolkit('inspect', 'data').stdout)).toMatchObject([{ Name: 'data', Driver: 'local' }])
    expect(JSON.parse(toolkit('inspect', '--type', 'volume', 'data').stdout)).toHaveLength(1)
    expect(toolkit('inspect', '--type', 'container', 'data').status).toBe(1)
    toolkit('rm', '-f', 'box')
    toolkit('volume', 'rm', 'data')
  })

  test('inspect: what was asked for, in docker’s words; what was not is null or empty', () => {
    const flags = [
      ...['--device', '/dev/null:/dev/foo:r', '--cpus', '0.5', '--pids-limit', '-1', '--userns', 'host'],
      ...[
        '--tmpfs',
        '/q',
        '--tmpfs',
        '/t:size=1m',
        '-v',
        '/etc:/e:ro,rprivate',
        '-v',
        '/anonymous',
        '-v',
        '/anonymous/',
        '-v',
        'data:/v',
      ],
      ...['--mount', 'type=bind,src=/etc,dst=/m,readonly', '--mount', 'type=tmpfs,dst=/mt,tmpfs-size=1m'],
      ...['--mount', 'src=data,dst=/mv,readonly', '--no-healthcheck', '--expose', '99'],
    ]
    toolkit('create', '--name', 'box', ...flags, 'busybox', 'true')
    toolkit('create', '--name', 'quota', '-i', '--cpu-quota', '20000', '--cpu-period', '50000', 'busybox', 'true')
    const [box, quota] = JSON.parse(toolkit('inspect', 'box', 'quota').stdout)
    expect(box.HostConfig).toMatchObject({
      Devices: [{ PathOnHost: '/dev/null', PathInContainer: '/dev/foo', CgroupPermissions: 'r' }],
      ...{ NanoCpus: 5e8, CpuQuota: 0, CpuPeriod: 0, PidsLimit: null, UsernsMode: 'host' },
      Tmpfs: { '/q': '', '/t': 'size=1m' },
      Binds: ['/etc:/e:ro,rprivate', 'data:/v'],
      Mounts: [
        { Type: 'bind', Source: '/etc', Target: '/m', ReadOnly: true },
        { Type: 'tmpfs', Target: '/mt', TmpfsOptions: { SizeBytes: 1 << 20 } },
        { Type: 'volume', Source: 'data', Target: '/mv', ReadOnly: true },
      ],
      ...{ VolumesFrom: null, CapAdd: null, CapDrop: null, SecurityOpt: null, GroupAdd: null, ExtraHosts: null },
      ReadonlyPaths: expect.arrayContaining(['/proc/sys']),
    })
    expect(box.Config).toMatchObject({
      ...{ Healthcheck: { Test: ['NONE'] }, Volumes: { '/anonymous': {} }, ExposedPorts: { '99/tcp': {} } },
    })
    const modes = box.Mounts.map((mount: Record<string, string>) => [mount.Destination, mount.Type, mount.Mode])
    expect(modes).toEqual([
      ['/e', 'bind', 'ro,rprivate'],
      ['/anonymous', 'volume', ''],
      ['/v', 'volume', 'z'],
      ['/m', 'bind', ''],
      ['/mv', 'volume', 'z'],
      ['/mt', 'tmpfs', ''],
    ])
    expect(quota.HostConfig).toMatchObject({ NanoCpus: 0, CpuQuota: 20_000, CpuPeriod: 50_000, Binds: null })
    expect(quota.HostConfig.UsernsMode).toBe('')
    expect(quota.Config).toMatchObject({ StdinOnce: true, Volumes: null, OnBuild: null })
    // Go leaves out what is empty of these; a template may ask for it all the same.
    for (const name of ['ExposedPorts', 'Healthcheck', 'StopSignal', 'StopTimeout'])
      expect(quota.Config).not.toHaveProperty(name)
    for (const name of ['Tmpfs', 'Sysctls', 'Mounts', 'Init']) expect(quota.HostConfig).not.toHaveProperty(name)
    for (const name of ['SizeRw', 'SizeRootFs']) expect(quota).not.toHaveProperty(name)
    expect(quota.State).not.toHaveProperty('Health')
    expect(quota).toMatchObject({ HostsPath: '', HostnamePath: '', ResolvConfPath: '', LogPath: '' })
    expect(quota.Created).toMatch(/\.\d{9}Z$/)
    expect(
      toolkit('inspect', '-f', '{{.SizeRw}} {{.Config.StopTimeout}}{{if .State.Health}}x{{end}}', 'quota').stdout,
    ).toBe('<nil> <nil>\n')
    expect(JSON.parse(toolkit('inspect', '-s', 'quota').stdout)[0].SizeRw).toBeTypeOf('number')
    const template =
      '{{.HostConfig.Binds}}{{len .HostConfig.Binds}}{{range .HostConfig.Binds}}x{{end}}{{.Config.Volumes}}'
    expect(toolkit('inspect', '-f', template, 'quota').stdout).toBe('[]0map[]\n')
    toolkit('rm', 'box', 'quota')
    toolkit('volume', 'rm', 'data')
  })

  test('the networks that are always there have an id, everywhere the same', () => {
    const list = toolkit('network', 'ls', '--no-trunc', '--format', '{{.Name}} {{.ID}}').stdout
    const ids = new Map(
      list
        .trim()
        .split('\n')
        .map(line => line.split(' ') as [string, string]),
    )
    expect([...ids.keys()]).toEqual(['bridge', 'host', 'none'])
    expect(new Set(ids.values()).size).toBe(3)
    for (const mode of ['host', 'none']) {
      run(`in-${mode}`, '--network', mode, '--uts', mode === 'host' ? 'host' : '', 'busybox', 'sleep', '1000')
      expect(ids.get(mode)).toMatch(/^[0-9a-f]{64}$/)
      expect(toolkit('network', 'inspect', '-f', '{{.Id}}', mode).stdout).toBe(`${ids.get(mode)}\n`)
      const format = `{{(index .NetworkSettings.Networks "${mode}").NetworkID}}`
      expect(toolkit('inspect', '-f', format, `in-${mode}`).stdout).toBe(`${ids.get(mode)}\n`)
      expect(toolkit('ps', '--filter', `network=${ids.get(mode)}`, '--format', '{{.Names}}').stdout).toBe(
        `in-${mode}\n`,
      )
    }
    const [host] = JSON.parse(toolkit('inspect', 'in-host').stdout)
    expect(host.Config.Hostname).toBe(os.hostname()) // it has no other
    expect(host.State.StartedAt).toMatch(/\.\d{9}Z$/)
  })

  test('a container in networks, with ports', () => {
    const { stdout, stderr } = world.shell(`unshare -n bash --norc -c '
      ip link set lo up; $TOOLKIT network create --subnet 10.9.0.0/24 net >/dev/null
      $TOOLKIT run -d --name box --net net -p 127.0.0.1:8080:80 --expose 99 --expose 100 --expose 7/udp busybox sleep 1000 >/dev/null
      $TOOLKIT inspect -f "{{json .NetworkSettings}}" box; $TOOLKIT port box; $TOOLKIT ps -f expose=99-100 --format "{{.Ports}}"
      $TOOLKIT run -d --name guest --net container:box busybox sleep 1000 >/dev/null
      $TOOLKIT inspect -f "{{.HostConfig.NetworkMode}}" guest; $TOOLKIT inspect -f "container:{{.Id}}" box
      $TOOLKIT rm -f guest >/dev/null; $TOOLKIT stop -t 0 box >/dev/null
      $TOOLKIT inspect -f "{{json .NetworkSettings}}" box; $TOOLKIT port box; $TOOLKIT ps -a --format "{{.Ports}}."
      $TOOLKIT rm -f box >/dev/null; $TOOLKIT network rm net >/dev/null; sleep 0.7'`)
    expect(stderr).toBe('')
    const [json = '', port, ports, mode, shared, later = '', none] = stdout.split('\n')
    const { IPAddress, Networks, Ports } = JSON.parse(json)
    expect(IPAddress).toBe('') // of the engine's own network only, as docker's
    expect(Networks).toMatchObject({
      net: {
        IPAddress: '10.9.0.2',
        Gateway: '10.9.0.1',
        IPPrefixLen: 24,
        NetworkID: expect.stringMatching(/^\w{64}$/),
      },
    })
    const published = [{ HostIp: '127.0.0.1', HostPort: '8080' }]
    expect(Ports).toEqual({ '7/udp': null, '80/tcp': published, '99/tcp': null, '100/tcp': null })
    expect([port, ports]).toEqual(['80/tcp -> 127.0.0.1:8080', '7/udp, 99-100/tcp, 127.0.0.1:8080->80/tcp'])
    expect(mode).toBe(shared)
    const ended = JSON.parse(later)
    expect([ended.Ports, none]).toEqual([{}, '.'])
    expect(ended.Networks.net).toMatchObject({
      ...{ IPAddress: '', Gateway: '', EndpointID: '', NetworkID: Networks.net.NetworkID },
    })
  })

  test('--json: one document, of everything that lists or shows', () => {
    run('box', '-v', 'data:/data', 'busybox', 'sleep', '1000')
    for (const args of [
      'ps',
      'diff box',
      'top box',
      'port box',
      'inspect box',
      'volume ls',
      'volume inspect data',
      'network ls',
      'network inspect bridge',
      'version',
      'info',
      'system info',
      'system df',
      'system check',
      'container ls',
    ]) {
      const { status, stdout, stderr } = toolkit(...args.split(' '), '--json')
      // What others have left on this machine is a finding, too.
      const well = args === 'system check' ? expect.any(Number) : 0
      expect({ args, status, stderr }).toEqual({ args, status: well, stderr: '' })
      expect(JSON.parse(stdout), args).toBeTypeOf('object')
    }
    toolkit('rm', '-f', 'box')
    toolkit('volume', 'rm', 'data')
  })
})
