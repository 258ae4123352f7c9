// Volumes as their users meet them: `run -v`, `toolkit volume`, and what of both is left after a crash.
import { spawn } from 'node:child_process'
import fs from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import { eventually, skipped, World } from './toolkit.ts'

describe.skipIf(skipped)(`volumes${skipped}`, () => {
  const world = new World()
  const area = fs.mkdtempSync(path.join(tmpdir(), 'volume-test-')) // of the host, and none of the engine's
  afterAll(() => {
    world.end()
    fs.rmSync(area, { recursive: true })
  })
  afterEach(() => {
    world.stopAll()
    const kept = world.left().ended
    if (kept.length > 0) world.toolkit(['rm', ...kept])
    world.toolkit(['volume', 'prune', '-af'])
    expect(names()).toEqual([])
  })

  const volume = (...words: string[]) => world.toolkit(['volume', ...words])
  const names = () => volume('ls', '-q').stdout.split('\n').filter(Boolean)
  const run = (flags: string[], script: string, image = 'busybox') =>
    world.toolkit(['run', ...flags, image, 'sh', '-c', script])
  /** A copy of busybox with something more in it. */
  function image(script: string): string {
    const root = fs.mkdtempSync(`${world.state}/image-`)
    const { status, stderr } = world.shell(`cp -a $ROOTFS/. ${root} && cd ${root} && ${script}`)
    if (status !== 0) throw new Error(stderr)
    return root
  }

  test('create makes them: in use before it has ever run, with files to copy, and for others to take over', () => {
    const root = image('mkdir image && echo theirs >image/file')
    world.toolkit(['run', '--rm', '-v', 'named:/n', 'busybox', 'sh', '-c', 'echo precious >/n/f'])
    const flags = ['--name', 'box', '-v', 'named:/n', '-v', '/image', '-v', 'fresh:/fresh']
    expect(world.toolkit(['create', ...flags, root, 'cat', '/n/f', '/fresh/seed'])).toMatchObject({
      status: 0,
      stderr: '',
    })
    expect(names()).toHaveLength(3)
    expect(volume('rm', 'named')).toMatchObject({ status: 1, stderr: expect.stringContaining('in use') })
    volume('prune', '-af')
    expect(names()).toHaveLength(3)
    fs.writeFileSync(`${area}/seed`, 'seed\n')
    expect(world.toolkit(['cp', `${area}/seed`, 'box:/fresh/'])).toMatchObject({ status: 0, stderr: '' })
    expect(world.sh('cat /n/f /image/file /fresh/seed', ['--volumes-from', 'box'])).toBe('precious\ntheirs\nseed\n')
    expect(world.toolkit(['start', '-a', 'box']).stdout).toBe('precious\nseed\n')
    expect(world.toolkit(['rm', '-v', 'box']).status).toBe(0)
    expect(names()).toEqual(['fresh', 'named'])
  })

  test('create that cannot make one leaves no container', () => {
    fs.writeFileSync(`${world.state}/volumes/busy`, '')
    expect(world.toolkit(['create', '-v', 'busy:/n', 'busybox', 'true']).status).not.toBe(0)
    fs.rmSync(`${world.state}/volumes/busy`)
    expect(world.left().ended).toEqual([])
  })

  describe('run', () => {
    test('a named volume keeps its files from one container to the next; read-only where it is said', () => {
      expect(world.sh('echo one >/data/x; stat -c %a:%u /data', ['-v', 'files:/data'])).toBe('755:0\n')
      expect(world.sh('cat /d/x; echo >/d/y 2>/dev/null || echo no', ['-v', 'files:/d:ro'])).toBe('one\nno\n')
      const words = 'type=volume,source=files,target=/d,readonly'
      expect(world.sh('cat /d/x; echo >/d/y 2>/dev/null || echo no', ['--mount', words])).toBe('one\nno\n')
      expect(names()).toEqual(['files'])
    })

    test('one without a name goes with --rm, and stays with a container that is kept', () => {
      expect(world.sh('echo >/data/x; ls /data; ls /more', ['-v', '/data', '--mount', 'target=/more'])).toBe('x\n')
      expect(names()).toEqual([])
      expect(run(['--name', 'kept', '-v', '/data'], 'echo kept >/data/x').status).toBe(0)
      const [name] = names()
      expect(name).toMatch(/^[0-9a-f]{64}$/)
      expect(world.sh('cat /again/x', ['-v', `${name}:/again`])).toBe('kept\n')
      expect(volume('rm', name!)).toMatchObject({ status: 1, stdout: '' })
      world.toolkit(['rm', 'kept'])
      expect(volume('prune', '-f').stdout).toBe(`Deleted Volumes:\n${name}\n\nTotal reclaimed space: 5B\n`)
    })

    test('the same one when a container is started again; rm -v takes it away, and no other', () => {
      const flags = ['run', '-d', '--name', 'again', '-v', '/data', '-v', 'named:/named']
      expect(
        world.toolkit([...flags, 'busybox', 'sh', '-c', 'echo x >>/data/x; cat /data/x; exec sleep 60']).status,
      ).toBe(0)
      expect(world.toolkit(['stop', '-t', '0', 'again']).status).toBe(0)
      expect(world.toolkit(['start', 'again']).status).toBe(0)
      expect(names()).toHaveLength(2)
      expect(world.sh('cat /data/x', ['--volumes-from', 'again'])).toBe('x\nx\n')
      expect(world.toolkit(['rm', '-f', '-v', 'again']).status).toBe(0)
      expect(names()).toEqual(['named'])
    })

    test('of one that lives on, and goes by itself', async () => {
      expect(world.toolkit(['run', '-d', '--rm', '-v', '/data', 'busybox', 'sleep', '0.2']).status).toBe(0)
      await eventually(() => names().length === 0, 'it has gone, and its volume with it')
    })

    test('a named volume that is used with --rm stays', () => {
      run(['--rm', '-v', 'stays:/data'], 'true')
      expect(names()).toEqual(['stays'])
    })

    test('--volumes-from: volumes and directories of a container that is kept, or runs', async () => {
      const host = fs.mkdtempSync(`${area}/host-`)
      fs.writeFileSync(`${host}/file`, 'host\n')
      const given = ['-v', 'shared:/a', '-v', '/b', '-v', `${host}:/c:ro`, '--tmpfs', '/t']
      run(['--name', 'source', ...given], 'echo a >/a/x; echo b >/b/x')
      expect(world.sh('cat /a/x /b/x /c/file; ls -d /t 2>&1; true', ['--volumes-from', 'source']).split('\n')).toEqual([
        ...['a', 'b', 'host', 'ls: /t: No such file or directory', ''],
      ])
      const write = 'for d in a b c; do echo >/$d/new && echo $d; done 2>/dev/null; true'
      expect(world.sh(write, ['--volumes-from', 'source'])).toBe('a\nb\n')
      expect(world.sh(write, ['--volumes-from', 'source:ro'])).toBe('')
      expect(world.sh(write, ['--volumes-from', 'source:rw'])).toBe('a\nb\n') // c is read-only there, and stays so
      expect(world.sh('ls /a', ['--volumes-from', 'source', '-v', 'other:/a'])).toBe('') // our own word counts
      const running = world.start([
        'run',
        '--rm',
        '--name',
        'runs',
        '-v',
        '/d',
        'busybox',
        'sh',
        '-c',
        'echo up >/d/x; cat /d/x; sleep 20',
      ])
      await running.until('up')
      expect(world.sh('cat /d/x', ['--volumes-from', 'runs'])).toBe('up\n')
      expect(run(['--rm', '--volumes-from', 'nobody'], 'true')).toMatchObject({
        status: 125,
        stderr: expect.stringContaining('run: --volumes-from nobody: no container "nobody"'),
      })
    })

    test('a volume without a name that another container has taken over outlives its own', () => {
      const first = world.start(
        ['run', '--rm', '-i', '--name', 'first', '-v', '/d', 'busybox', 'sh', '-c', 'echo up; read x'],
        'pipe',
      )
      return first.until('up').then(async () => {
        expect(run(['--name', 'second', '--volumes-from', 'first'], 'echo two >/d/x').status).toBe(0)
        first.child.stdin!.end('\n')
        expect((await first.exit).code).toBe(0)
        expect(names()).toHaveLength(1)
        expect(world.sh('cat /d/x', ['--volumes-from', 'second'])).toBe('two\n')
      })
    })
  })

  describe('--mount', () => {
    test('a part of a volume: a directory, a file; no link in it leads out of the volume', () => {
      world.sh(
        'mkdir -p /d/a/b; echo deep >/d/a/b/x; ln -s /etc /d/out; ln -s /a/b /d/in; ln -s ../../../../etc /d/up',
        ['-v', 'parts:/d'],
      )
      const part = (below: string, more = '') => ['--mount', `src=parts,dst=/part,volume-subpath=${below}${more}`]
      expect(world.sh('cat /part/x; echo new >/part/y', part('a/b'))).toBe('deep\n')
      expect(world.sh('cat /part; cat /all/a/b/y', [...part('in/x'), '-v', 'parts:/all'])).toBe('deep\nnew\n')
      expect(world.sh('echo >/part/z 2>/dev/null || echo no', part('a', ',readonly'))).toBe('no\n')
      for (const below of ['out', 'up', 'none', 'a/b/x/y'])
        expect(run(['--rm', ...part(below)], 'true'), below).toMatchObject({
          ...{
            status: 125,
            stderr: expect.stringContaining(`there is no ${below} in`),
          },
        })
      expect(run(['--rm', '--mount', 'src=fresh,dst=/part,volume-subpath=a'], 'true').status).toBe(125)
      expect(names()).toEqual(['parts'])
    })

    test('a part that is exchanged for a link to the host all the time: the host is never seen', async () => {
      world.sh('mkdir /d/real; echo volume >/d/real/x', ['-v', 'parts:/d'])
      const secret = fs.mkdtempSync(`${area}/secret-`)
      fs.writeFileSync(`${secret}/x`, 'secret\n')
      const data = `${world.state}/volumes/parts/_data`
      const script = `cd ${data}; while true; do ln -sfn ${secret} p; rm p; ln -sfn real p; rm p; done`
      const swapping = spawn('bash', ['-c', script], { stdio: 'ignore' })
      try {
        const runs = Array.from({ length: 12 }, () =>
          world.start(['run', '--rm', '--mount', 'src=parts,dst=/part,volume-subpath=p', 'busybox', 'cat', '/part/x']),
        )
        await Promise.all(runs.map(({ exit }) => exit))
        for (const { output } of runs) expect(output()).not.toContain('secret')
      } finally {
        swapping.kill('SIGKILL')
      }
    })

    test('volume-label is that of a volume which is made; without a name it goes with its container', () => {
      run(['--rm', '--mount', 'src=told,dst=/d,volume-label=a=1,volume-label=b'], 'true')
      expect(JSON.parse(volume('inspect', '-f', '{{json .Labels}}', 'told').stdout)).toEqual({ a: '1', b: '' })
      run(['--rm', '--mount', 'dst=/d,volume-label=a=2'], 'true')
      expect(names()).toEqual(['told'])
    })

    test('bind-recursive: what is mounted below the source, and whether it may be written to', () => {
      const host = fs.mkdtempSync(`${area}/host-`)
      world.shell(
        `mount -t tmpfs tmpfs ${host} && mkdir ${host}/sub && mount -t tmpfs tmpfs ${host}/sub && touch ${host}/sub/inner`,
      )
      try {
        const look = 'for p in /d /d/sub; do echo >$p/new 2>/dev/null && echo $p || echo no; done; ls /d/sub'
        const mount = (more: string) =>
          world
            .sh(look, ['--mount', `type=bind,src=${host},dst=/d${more}`])
            .split('\n')
            .filter(Boolean)
        expect(mount(',readonly')).toEqual(['no', 'no', 'inner'])
        expect(mount(',readonly,bind-recursive=readonly')).toEqual(['no', 'no', 'inner'])
        expect(mount(',readonly,bind-recursive=writable')).toEqual(['no', '/d/sub', 'inner', 'new'])
        expect(mount(',bind-recursive=disabled')).toEqual(['/d', '/d/sub', 'new'])
        expect(mount(',readonly,bind-recursive=disabled')).toEqual(['no', 'no', 'new'])
      } finally {
        world.shell(`umount -R ${host}`)
      }
    })

    test('tmpfs: its size and mode', () => {
      const look =
        "stat -c %a /t; df -k /t | tail -1 | awk '{print $2}'; head -c 2000000 /dev/zero 2>/dev/null >/t/x || echo full"
      expect(world.sh(look, ['--mount', 'type=tmpfs,dst=/t,tmpfs-size=1m,tmpfs-mode=1700'])).toBe('1700\n1024\nfull\n')
    })
  })

  test('--explain tells how volumes come to be mounted, and why', () => {
    const { stderr, status } = run(['--rm', '--explain', '-v', 'told:/d:ro', '-v', `${area}:/host`], 'true')
    expect(status).toBe(0)
    const wanted = [
      /── 18-volumes/,
      /write\("mounts.json", volumes told\)\n.*whoever wants to remove a volume must know that it is in use/,
      /copy\(what the image has at \/d, .*volumes\/told\/_data\)/,
      /open_tree\(AT_FDCWD, ".*volumes\/told\/_data", OPEN_TREE_CLONE.*\n.*a copy of what is mounted there/,
      /mount_setattr\(.*MOUNT_ATTR_RDONLY.*\n.*read-only in every part/,
      /move_mount\(.*\n.*the host’s files appear here/,
    ]
    for (const pattern of wanted) expect(stderr).toMatch(pattern)
  })

  describe('what an image has there', () => {
    const looks = 'cd /data; stat -c "%n %a %u:%g %F %h" . * | sort; readlink link; cat file'

    test('goes into a volume that is empty, with owners and modes, links and set-user-ID', () => {
      const root = image(`mkdir -m 751 data data/sub; echo text >data/file; ln data/file data/twin
        ln -s /etc/shadow data/link; mkfifo -m 620 data/pipe; chown 7:8 data data/file; chown -h 9 data/link
        chmod 4750 data/file`)
      const { stdout } = run(['--rm', '-v', 'up:/data'], looks, root)
      expect(stdout.split('\n')).toEqual([
        '. 751 7:8 directory 3',
        'file 4750 7:8 regular file 2',
        'link 777 9:0 symbolic link 1',
        'pipe 620 0:0 fifo 1',
        'sub 751 0:0 directory 2',
        'twin 4750 7:8 regular file 2',
        ...['/etc/shadow', 'text', ''],
      ])
      expect(run(['--rm', '-v', '/data'], looks, root).stdout).toBe(stdout)
      expect(run(['--rm', '-v', 'not:/data:nocopy'], 'ls -A /data', root).stdout).toBe('')
      expect(fs.readdirSync(`${root}/data`)).toContain('pipe')
    })

    test('once: a volume with something in it is left as it is; a directory of the host always', () => {
      const root = image('mkdir data; echo image >data/file')
      world.sh('echo mine >/v/other', ['-v', 'mine:/v'])
      expect(run(['--rm', '-v', 'mine:/data'], 'ls /data', root).stdout).toBe('other\n')
      const host = fs.mkdtempSync(`${area}/host-`)
      expect(run(['--rm', '-v', `${host}:/data`], 'ls /data', root).stdout).toBe('')
    })

    test('a link in the image leads to the image: nothing of the host is copied', () => {
      const secret = fs.mkdtempSync(`${area}/secret-`)
      fs.writeFileSync(`${secret}/secret`, 'secret\n')
      const ups = '../'.repeat(30)
      const root = image(
        `ln -s ${ups}${secret} data; mkdir -p .${secret}; echo own >.${secret}/own; ln -s ${secret} way`,
      )
      for (const place of ['/data', '/way'])
        expect(run(['--rm', '-v', place], `ls ${place}`, root).stdout, place).toBe('own\n')
    })

    test('a container with users of its own: they are the owners', () => {
      const root = image('mkdir data; echo text >data/file; chown 7 data/file')
      const { stdout, stderr } = run(
        ['--rm', '--userns', 'private', '-v', 'mapped:/data'],
        'stat -c %u /data /data/file',
        root,
      )
      expect({ stdout, stderr }).toEqual({ stdout: '0\n7\n', stderr: '' })
      expect(fs.statSync(`${world.state}/volumes/mapped/_data`).uid).toBeGreaterThan(0)
    })
  })

  describe('toolkit volume', () => {
    test('create prints the name, twice as well as once; ls, inspect and their templates', () => {
      for (const name of ['lock', 'volumes']) {
        volume('create', name)
        expect(volume('rm', name).stdout).toBe(`${name}\n`)
      }
      expect(volume('create', 'one', '--label', 'tier=db', '--label', 'x')).toMatchObject({
        status: 0,
        stdout: 'one\n',
      })
      expect(volume('create', 'one')).toMatchObject({ status: 0, stdout: 'one\n' })
      const { stdout } = volume('create')
      expect(stdout).toMatch(/^[0-9a-f]{64}\n$/)
      expect(volume('ls').stdout.split('\n')).toEqual([
        'DRIVER    VOLUME NAME',
        ...[stdout.trim(), 'one'].toSorted().map(name => `local     ${name}`),
        '',
      ])
      const [about] = JSON.parse(volume('inspect', 'one').stdout)
      expect(about).toEqual({
        CreatedAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
        Driver: 'local',
        Labels: { tier: 'db', x: '' },
        Mountpoint: `${world.state}/volumes/one/_data`,
        Name: 'one',
        Options: {},
        Scope: 'local',
      })
      expect(volume('inspect', '-f', '{{.Name}}:{{index .Labels "tier"}} {{json .Labels}}', 'one').stdout).toBe(
        'one:db {"tier":"db","x":""}\n',
      )
      expect(volume('ls', '--format', '{{.Name}}\\t{{.Links}}', '-f', 'label=tier=db').stdout).toBe('one\t0\n')
      expect(volume('ls', '--format', '{{.Label "tier"}}', '-f', 'name=one').stdout).toBe('db\n')
      expect(JSON.parse(volume('ls', '--format', 'json', '-f', 'name=on', '-f', 'label=x').stdout)).toMatchObject({
        Name: 'one',
      })
      expect(volume('ls', '--format', '{{.Nmae}}')).toMatchObject({
        status: 1,
        stderr: expect.stringContaining('there is no field Nmae'),
      })
    })

    test('dangling is what nobody uses; what somebody uses is not removed', async () => {
      volume('create', 'free')
      const user = world.start(
        ['run', '-i', '--name', 'user', '-v', 'used:/d', 'busybox', 'sh', '-c', 'echo up; read x'],
        'pipe',
      )
      await user.until('up')
      expect(volume('ls', '-q', '-f', 'dangling=true').stdout).toBe('free\n')
      expect(volume('ls', '-q', '-f', 'name=^fre+$').stdout).toBe('free\n')
      expect(volume('ls', '-q', '-f', 'name=^re').stdout).toBe('')
      expect(volume('ls', '-f', 'name=(')).toMatchObject({ status: 1, stderr: expect.stringContaining('"name=("') })
      expect(volume('ls', '-q', '-f', 'dangling=0').stdout).toBe('used\n')
      expect(volume('rm', 'used', 'free', 'none')).toMatchObject({
        status: 1,
        stdout: 'free\n',
        stderr: expect.stringMatching(
          /^toolkit: volume used is in use by [0-9a-f]{12}; .*\ntoolkit: no volume "none"; .*\n$/,
        ),
      })
      expect(volume('rm', '-f', 'none')).toMatchObject({ status: 0, stdout: 'none\n', stderr: '' })
      user.child.stdin!.end('\n')
      await user.exit
      expect(volume('rm', 'used').status).toBe(1) // it is kept, and could be started again
      world.toolkit(['rm', 'user'])
      expect(volume('rm', 'used')).toMatchObject({ status: 0, stdout: 'used\n' })
    })

    test('prune asks; by default only those without a name', () => {
      volume('create', 'named', '--label', 'keep')
      volume('create')
      expect(world.toolkit(['volume', 'prune'], { input: 'n\n' })).toMatchObject({ status: 1, stdout: '' })
      expect(names()).toHaveLength(2)
      expect(world.toolkit(['volume', 'prune'], { input: 'y\n' })).toMatchObject({
        status: 0,
        stderr: expect.stringContaining('WARNING! This will remove all volumes without a name that no container uses.'),
      })
      expect(volume('prune', '-af', '--filter', 'label!=keep').stdout).toBe('Total reclaimed space: 0B\n')
      expect(names()).toEqual(['named'])
    })

    test.each([
      [['create', '../x'], 1, 'a name is 2 to 255'],
      [['create', 'x'], 1, 'a name is 2 to 255'],
      [['create', '-d', 'nfs', 'xx'], 1, 'there is only local'],
      [['create', 'aa', 'bb'], 1, 'takes no "bb"'],
      [['inspect', 'none'], 1, 'no volume "none"'],
      [['rm'], 1, 'a name is missing'],
      [['frobnicate'], 1, 'no command "frobnicate"; there are create, ls, inspect, rm, prune'],
      [['ls', '--filter', 'colour=red'], 1, 'there are dangling=…'],
      [['ls', '--loud'], 125, "volume ls: unknown flag --loud; see 'toolkit volume ls --help'"],
    ])('%j: exit code %i', (words, status, message) => {
      expect(volume(...words)).toMatchObject({ status, stderr: expect.stringContaining(message) })
    })
  })

  describe('crashes', () => {
    const places = [
      'directory made',
      'cgroup and files ready',
      'process made',
      'program ended',
      'cgroup removed',
      'files removed',
    ]

    test.each(places)(
      'kill -9, %s: the volume without a name is gone with the next command, the other is whole',
      place => {
        const flags = ['run', '--rm', '-v', '/anonymous', '-v', 'named:/data', 'busybox', 'sh', '-c', 'echo x >/data/x']
        expect(world.toolkit(flags, { env: { ...world.env, TOOLKIT_FAILPOINT: `${place}:kill` } }).signal).toBe(
          'SIGKILL',
        )
        expect(run(['--rm', '-v', 'named:/data'], 'true').status).toBe(0)
        expect(names()).toEqual(['named'])
        expect(world.left().live).toEqual([])
      },
    )

    test('killed while an image is copied: the next one begins anew', async () => {
      const root = image('mkdir data; for i in $(seq 3000); do echo $i >data/$i; done')
      const data = `${world.state}/volumes/half/_data`
      const copying = world.start(['run', '--rm', '-v', 'half:/data', root, 'true'])
      await eventually(() => fs.existsSync(data) && fs.readdirSync(data).length > 10, 'it has begun')
      await copying.kill()
      const mark = fs.existsSync(`${world.state}/volumes/half/filling`)
      expect({ mark, some: fs.readdirSync(data).length < 3000 }).toEqual({ mark: true, some: true })
      expect(run(['--rm', '-v', 'half:/data'], 'ls /data | wc -l', root).stdout).toBe('3000\n')
      expect(fs.existsSync(`${world.state}/volumes/half/filling`)).toBe(false)
    })

    test.each(['', '{', 'null', '[]', '{"version":2,"name":"torn","created":"","labels":{}}'])(
      'volume.json is %j: this one is refused and named, the others work',
      text => {
        volume('create', 'torn')
        volume('create', 'whole')
        fs.writeFileSync(`${world.state}/volumes/torn/volume.json`, text)
        expect(names()).toEqual(['torn', 'whole'])
        expect(run(['--rm', '-v', 'whole:/d'], 'true').status).toBe(0)
        for (const { stderr, status } of [volume('inspect', 'torn'), run(['--rm', '-v', 'torn:/d'], 'true')]) {
          expect(status).toBe(1)
          expect(stderr).toContain('torn/volume.json is not a state of version 1; its files are in')
        }
        expect(volume('rm', 'torn').status).toBe(0)
      },
    )

    test('a mounts.json that is none takes no other container down', () => {
      run(['--name', 'torn', '-v', 'some:/d'], 'true')
      run(['--name', 'whole', '-v', 'other:/d'], 'true')
      const [directory] = fs
        .globSync(`${world.state}/containers/ended/*/mounts.json`)
        .filter(file => fs.readFileSync(file, 'utf8').includes('some'))
      fs.writeFileSync(directory!, '{"version":9}')
      expect(run(['--rm', '--volumes-from', 'torn'], 'true')).toMatchObject({
        status: 125,
        stderr: expect.stringContaining('mounts.json is not a list of mounts of version 1'),
      })
      // What it was asked to mount is in its state.json, too: nobody's files go because a list is torn.
      expect(volume('ls', '-q', '-f', 'dangling=false').stdout).toBe('other\nsome\n')
      expect(volume('prune', '-af').stdout).toBe('Total reclaimed space: 0B\n')
    })

    test('20 at once begin to use a volume: one fills it, all see all', async () => {
      const root = image('mkdir data; for i in $(seq 200); do echo $i >data/$i; done')
      const runs = Array.from({ length: 20 }, () =>
        world.start(['run', '--rm', '-v', 'race:/data', '-v', '/own', root, 'sh', '-c', 'ls /data | wc -l']),
      )
      await Promise.all(runs.map(({ exit }) => exit))
      expect(runs.map(({ output }) => output())).toEqual(runs.map(() => '200\n'))
      expect(names()).toEqual(['race'])
    })
  })
})
