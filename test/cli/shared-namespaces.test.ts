// --ipc and --pid: containers that share memory, queues and processes with others, and those that do not.
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import { eventually, nothing, skipped, World } from './toolkit.ts'

describe.skipIf(skipped)(`namespaces of other containers${skipped}`, () => {
  const world = new World()
  afterAll(() => world.end())
  afterEach(() => {
    world.stopAll()
    world.removeAll()
    expect(world.left()).toEqual(nothing)
  })

  const toolkit = (...words: string[]) => world.toolkit(words)
  function start(name: string, ...flags: string[]) {
    const { status, stderr } = toolkit('run', '-d', '--init', '--name', name, ...flags, 'busybox', 'sleep', '60')
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
  }
  const run = (flags: string[], script: string) => toolkit('run', '--rm', ...flags, 'busybox', 'sh', '-c', script)
  const ipcOf = (name: string) => toolkit('exec', name, 'readlink', '/proc/1/ns/ipc').stdout
  const refused = (...flags: string[]) => {
    const { status, stderr } = run(flags, 'true')
    expect(status).toBe(125)
    return stderr
  }

  test('--ipc container: of one that is shareable: its queues, and its /dev/shm with its size', () => {
    start('donor', '--ipc', 'shareable', '--shm-size', '1m')
    toolkit('exec', 'donor', 'sh', '-c', 'echo from-donor >/dev/shm/x')
    const look =
      'cat /dev/shm/x; echo back >/dev/shm/y; df -k /dev/shm | tail -1 | awk "{print \\$2}"; readlink /proc/1/ns/ipc'
    expect(run(['--ipc', 'container:donor'], look).stdout).toBe(`from-donor\n1024\n${ipcOf('donor')}`)
    expect(toolkit('exec', 'donor', 'cat', '/dev/shm/y').stdout).toBe('back\n')
    start('guest', '--ipc', 'container:donor')
    toolkit('restart', '-t', '0', 'guest')
    expect(toolkit('exec', 'guest', 'cat', '/dev/shm/y').stdout).toBe('back\n')
    expect(ipcOf('guest')).toBe(ipcOf('donor'))
  })

  test.each(['host', 'container:donor'])(
    '--init with a terminal lives with --pid %s, where SIGHUP would end it',
    pid => {
      start('donor')
      expect(
        toolkit('run', '-dt', '--init', '--pid', pid, '--name', 'guest', 'busybox', 'sh', '-c', 'tty; exit 3').status,
      ).toBe(0)
      expect(toolkit('wait', 'guest').stdout).toBe('3\n')
      expect(toolkit('logs', 'guest').stdout).toMatch(/^\/dev\//)
    },
  )

  test('of one that is private, does not run, or is not there: refused', () => {
    start('private')
    start('hidden', '--ipc', 'none')
    start('hosts', '--ipc', 'host')
    toolkit('create', '--name', 'made', '--ipc', 'shareable', 'busybox', 'true')
    for (const name of ['private', 'hidden', 'hosts'])
      expect(refused('--ipc', `container:${name}`)).toContain(
        'its IPC namespace is private; make it with --ipc shareable',
      )
    expect(refused('--ipc', 'container:made')).toBe('toolkit: run: --ipc container:made: it does not run\n')
    expect(refused('--ipc', 'container:nobody')).toContain('no container "nobody"')
    expect(refused('--pid', 'container:made')).toBe('toolkit: run: --pid container:made: it does not run\n')
    expect(refused('--uts', 'container:private')).toContain('allowed: host, private, or ns: and a path')
    expect(refused('--ipc', 'some')).toContain(
      'allowed: host, private, shareable, none, container: and the name of one',
    )
  })

  test('--ipc none, private and host', () => {
    expect(run(['--ipc', 'none'], 'ls -d /dev/shm 2>/dev/null || echo none; ls -d /dev/mqueue').stdout).toBe(
      'none\n/dev/mqueue\n',
    )
    const host = world.shell('readlink /proc/self/ns/ipc').stdout
    expect(run(['--ipc', 'private'], 'readlink /proc/self/ns/ipc').stdout).not.toBe(host)
    expect(run(['--ipc', 'host'], 'readlink /proc/self/ns/ipc').stdout).toBe(host)
  })

  test('--pid container: its processes, also of one that lives on; with its first process all end', async () => {
    start('donor')
    expect(run(['--pid', 'container:donor'], 'ps | grep -c " sleep 60$"; [ $$ != 1 ] && echo among').stdout).toBe(
      '1\namong\n',
    )
    toolkit('run', '-d', '--name', 'guest', '--pid', 'container:donor', 'busybox', 'sh', '-c', 'echo $$; exec sleep 50')
    expect(toolkit('exec', 'donor', 'ps').stdout).toMatch(/\d+ root +sleep 50/)
    await eventually(() => /^\d+\n$/.test(toolkit('logs', 'guest').stdout), 'it is logged')
    expect(toolkit('stop', '-s', 'KILL', '-t', '0', 'guest').status).toBe(0)
    expect(toolkit('inspect', '-f', '{{.State.ExitCode}}', 'guest').stdout).toBe('137\n')
    toolkit('start', 'guest')
    toolkit('kill', 'donor')
    expect(toolkit('wait', 'guest').stdout).toBe('137\n')
    expect(toolkit('start', 'guest').stderr).toContain('it does not run')
  })
})
