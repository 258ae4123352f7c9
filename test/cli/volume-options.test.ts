// `volume create --opt`: volumes that are something to mount. docker's local driver, seen from inside and from the host.
import fs from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import { nothing, skipped, World } from './toolkit.ts'

describe.skipIf(skipped)(`volumes with options${skipped}`, () => {
  const world = new World()
  const area = fs.mkdtempSync(path.join(tmpdir(), 'volume-options-')) // of the host, and none of the engine's
  afterAll(() => {
    world.end()
    fs.rmSync(area, { recursive: true })
  })
  afterEach(() => {
    world.stopAll()
    world.removeAll()
    world.toolkit(['volume', 'prune', '-af'])
    expect(world.left()).toEqual(nothing)
  })

  const volume = (...words: string[]) => world.toolkit(['volume', ...words])
  const make = (name: string, ...options: string[]) =>
    volume('create', ...options.flatMap(option => ['-o', option]), name)
  const memory = (name: string, o = 'size=5m,uid=1000,mode=700') => make(name, 'type=tmpfs', 'device=tmpfs', `o=${o}`)
  const directory = () => fs.mkdtempSync(`${area}/host-`)
  const bind = (name: string, device: string, o = 'bind') => make(name, 'type=none', `device=${device}`, `o=${o}`)

  test('memory: with its size, owner and mode, in the container and nowhere else', () => {
    expect(memory('quick')).toMatchObject({ status: 0, stdout: 'quick\n', stderr: '' })
    const look = 'stat -c %u:%a /x; df -k /x | tail -n1 | tr -s " " | cut -d" " -f1,2; echo >/x/f; ls /x'
    expect(world.sh(look, ['-v', 'quick:/x'])).toBe('1000:700\ntmpfs 5120\nf\n')
    expect(fs.readdirSync(`${world.state}/volumes/quick/_data`)).toEqual([])
    expect(world.sh('ls /x', ['-v', 'quick:/x'])).toBe('')
    expect(world.sh('ls /etc/passwd 2>&1; true', ['-v', 'quick:/etc'])).toMatch(/No such file/) // as with docker
    expect(world.sh('echo >/x/f 2>/dev/null || echo no', ['-v', 'quick:/x:ro'])).toBe('no\n')
    memory('closed', 'ro,noexec')
    expect(world.sh('grep " /x " /proc/self/mountinfo', ['-v', 'closed:/x'])).toMatch(/ ro,noexec/)
  })

  test('memory of a container that lives on is its own, and new at each start', () => {
    memory('quick')
    const again = 'ls /x; echo >/x/f; exec sleep 60'
    const started = ['run', '-d', '--name', 'one', '-v', 'quick:/x', 'busybox', 'sh', '-c', again]
    expect(world.toolkit(started).status).toBe(0)
    expect(world.sh('ls /x', ['-v', 'quick:/x'])).toBe('')
    expect(world.toolkit(['restart', '-t', '0', 'one']).status).toBe(0)
    expect(world.toolkit(['logs', 'one']).stdout).toBe('')
    expect(volume('rm', 'quick')).toMatchObject({ status: 1, stderr: expect.stringContaining('in use') })
  })

  test('a directory of the host: both see the same files, and the volume’s end leaves them', () => {
    const host = directory()
    fs.writeFileSync(`${host}/seed`, 'seed\n')
    bind('files', host)
    expect(world.sh('cat /x/seed; echo new >/x/new', ['-v', 'files:/x'])).toBe('seed\n')
    expect(fs.readFileSync(`${host}/new`, 'utf8')).toBe('new\n')
    expect(world.sh('cat /x', ['--mount', 'source=files,target=/x,volume-subpath=seed'])).toBe('seed\n')
    bind('closed', host, 'bind,ro')
    expect(world.sh('ls /x; echo >/x/f 2>/dev/null || echo no', ['-v', 'closed:/x'])).toBe('new\nseed\nno\n')
    expect(volume('rm', 'files', 'closed').status).toBe(0)
    expect(fs.readdirSync(host).toSorted()).toEqual(['new', 'seed'])
  })

  test('one that is empty takes over what the image has there; what lies in it is never thrown away', () => {
    const host = directory()
    bind('files', host)
    fs.writeFileSync(`${world.state}/volumes/files/filling`, '') // as if an engine had been killed
    fs.writeFileSync(`${host}/mine`, '')
    expect(world.sh('ls /etc/passwd 2>/dev/null; ls /etc/mine', ['-v', 'files:/etc'])).toBe('/etc/mine\n')
    const empty = directory()
    bind('empty', empty)
    expect(world.sh('cat /etc/passwd', ['-v', 'empty:/etc'])).toContain('root:')
    expect(fs.readFileSync(`${empty}/passwd`, 'utf8')).toContain('root:')
    const closed = directory()
    bind('closed', closed, 'bind,ro')
    world.sh('true', ['-v', 'closed:/etc/passwd.d'])
    expect(fs.readdirSync(closed)).toEqual([])
  })

  test('--volumes-from and cp find the files of the device', () => {
    const host = directory()
    bind('files', host)
    world.toolkit(['create', '--name', 'box', '-v', 'files:/x', 'busybox', 'true'])
    fs.writeFileSync(`${host}/seed`, 'seed\n')
    expect(world.sh('cat /x/seed', ['--volumes-from', 'box'])).toBe('seed\n')
    expect(world.toolkit(['cp', 'box:/x/seed', `${area}/copy`]).status).toBe(0)
    expect(fs.readFileSync(`${area}/copy`, 'utf8')).toBe('seed\n')
  })

  test('--mount makes one with its options, and takes one that is there as it is', () => {
    const words = 'source=quick,target=/x,volume-driver=local,volume-opt=type=tmpfs,volume-opt=device=tmpfs'
    const mount = ['--mount', `${words},"volume-opt=o=size=5m,mode=701"`]
    expect(world.sh('stat -c %a /x', mount)).toBe('701\n')
    const options = () => JSON.parse(volume('inspect', '-f', '{{json .Options}}', 'quick').stdout)
    expect(options()).toEqual({ device: 'tmpfs', o: 'size=5m,mode=701', type: 'tmpfs' })
    world.toolkit(['create', '--name', 'box', ...mount, 'busybox', 'true'])
    const [asked] = JSON.parse(world.toolkit(['inspect', '-f', '{{json .HostConfig.Mounts}}', 'box']).stdout)
    expect(asked.VolumeOptions.DriverConfig).toEqual({ Name: 'local', Options: options() })
    expect(world.sh('stat -c %a /x', ['--mount', words])).toBe('701\n')
    expect(memory('quick', 'mode=711')).toMatchObject({ status: 0, stdout: 'quick\n' })
    expect(options().o).toBe('size=5m,mode=701')
  })

  test('refuses what it cannot mount, in one line', () => {
    const line = /^toolkit: .+\n$/
    const bad: [string[], string][] = [
      [['foo=1'], 'there are type, device, o'],
      [['type=tmpfs'], 'missing required option: "device"'],
      [['device=tmpfs'], 'missing required option: "type"'],
      [['size=1g'], 'o=size=64m'],
      [['type=nfs', 'device=:/x', 'o=addr=127.0.0.1'], 'type=none with o=bind'],
      [['type=none', 'device=/tmp'], 'type=none with o=bind'],
      [['type=none', 'device=tmp', 'o=bind'], 'absolute path'],
      [['type=none', 'device=/tmp', 'o=bind,size=5m'], '"size=5m"'],
      [['type=tmpfs', 'device=tmpfs', 'o=size=much'], '"size=much"'],
    ]
    for (const [options, why] of bad) {
      expect(make('bad', ...options)).toMatchObject({ status: 1, stdout: '', stderr: expect.stringMatching(line) })
      expect(make('bad', ...options).stderr).toContain(why)
      const words = ['target=/x', ...options.map(option => `"volume-opt=${option}"`)].join(',')
      expect(world.toolkit(['run', '--rm', '--mount', words, 'busybox', 'true'])).toMatchObject({
        ...{ status: 125, stderr: expect.stringContaining(why) },
      })
    }
    expect(volume('ls', '-q').stdout).toBe('')
    bind('gone', `${area}/nope`)
    fs.writeFileSync(`${area}/file`, '')
    bind('file', `${area}/file`)
    bind('ours', `${world.state}/volumes`)
    memory('quick')
    for (const [mount, why] of [
      ['source=gone,target=/x', 'nope'],
      ['source=file,target=/x', 'is no directory'],
      ['source=ours,target=/x', 'where the engine keeps'],
      ['source=quick,target=/x,volume-subpath=a', 'there is no part of it'],
    ] as const)
      expect(world.toolkit(['run', '--rm', '--mount', mount, 'busybox', 'true'])).toMatchObject({
        ...{ status: 125, stderr: expect.stringContaining(why) },
      })
  })
})
