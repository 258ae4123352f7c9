// What the flags of `toolkit run` come to, seen from inside. Each room has its own tests; here they are wired up.
import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import { eventually, nothing, skipped, World } from './toolkit.ts'

const world = new World()
afterAll(() => world.end())
afterEach(() => {
  expect(world.left()).toEqual(nothing)
})

const own = (type: string) => fs.readlinkSync(`/proc/self/ns/${type}`)

describe.skipIf(skipped)(`the program${skipped}`, () => {
  test('-e, --env-file: added, replaced, taken from here', () => {
    fs.writeFileSync(`${world.state}/env`, 'A=file\nB=file\n')
    const { stdout } = world.shell(
      'HERE=here $TOOLKIT run --rm --env-file $TOOLKIT_STATE/env -e B=flag -eHERE -e PATH=/usr/bin busybox env | sort',
    )
    expect(stdout).toMatch(/^A=file\nB=flag\nHERE=here\nHOME=\/root\nHOSTNAME=.*\nPATH=\/usr\/bin\n$/)
  })

  test('--env-file of a file that is not there: our words, not Node’s, which reads such a flag, too', () => {
    expect(world.toolkit(['run', '--rm', '--env-file', '/nope', 'busybox', 'true'])).toMatchObject({
      status: 125,
      stderr: expect.stringMatching(/^toolkit: run: --env-file \/nope: .*\n$/),
    })
    fs.writeFileSync(`${world.state}/env`, 'NODE_OPTIONS=--no-such-flag\n')
    expect(world.toolkit(['run', '--rm', '--env-file', `${world.state}/env`, 'busybox', 'true']).status).toBe(0)
  })

  test('--label-file: KEY=VALUE or KEY a line; --label goes before it', () => {
    fs.writeFileSync(`${world.state}/labels`, '# no label\na=1\n\n  b=x=y \nc\n')
    const flags = ['--label-file', `${world.state}/labels`, '-l', 'a=2']
    world.toolkit(['create', '--name', 'made', ...flags, 'busybox', 'true'])
    const { stdout } = world.toolkit(['inspect', '-f', '{{json .Config.Labels}}', 'made'])
    world.toolkit(['rm', 'made'])
    expect(JSON.parse(stdout)).toEqual({ a: '2', b: 'x=y ', c: '' })
    expect(world.toolkit(['create', '--label-file', '/nope', 'busybox', 'true'])).toMatchObject({
      ...{ status: 1, stderr: expect.stringMatching(/^toolkit: create: --label-file \/nope: cannot be read/) },
    })
  })

  test('--pull: a busybox is got unless we are told not to; images come from nowhere', () => {
    const env = { ...world.env, TOOLKIT_STATE: `${world.state}/other`, BUSYBOX: `${world.rootfs}/bin/busybox` }
    for (const command of ['run', 'create']) {
      const pull = (value: string) => world.toolkit([command, '--rm', '--pull', value, 'busybox', 'true'], { env })
      const status = command === 'run' ? 125 : 1
      expect(pull('never')).toMatchObject({ status, stderr: expect.stringContaining('there is no busybox') })
      expect(pull('always')).toMatchObject({ status, stderr: expect.stringContaining('come from nowhere') })
      expect(pull('missing').status).toBe(0)
      fs.rmSync(`${world.state}/other`, { recursive: true })
    }
  })

  test('-w: made where it is missing', () => {
    expect(world.sh('pwd; stat -c %a .', ['-w', '/a/b'])).toBe('/a/b\n755\n')
    expect(world.toolkit(['run', '--rm', '-w', 'tmp', 'busybox', 'true'])).toMatchObject({
      status: 125,
      stderr: expect.stringMatching(/^toolkit: run: --workdir tmp: .*\n$/),
    })
  })

  test('--entrypoint goes before the words', () => {
    expect(world.toolkit(['run', '--rm', '--entrypoint', 'echo', 'busybox', 'a', 'b']).stdout).toBe('a b\n')
  })

  test('--init: PID 1 is not the program, reaps, and ends like it', () => {
    const { status, stdout } = world.toolkit([
      ...['run', '--rm', '--init', 'busybox', 'sh', '-c'],
      '(sh -c "sleep 0.1 & echo" &); sleep 0.3; echo $$; grep -l ^State:.Z /proc/[0-9]*/status; exit 9',
    ])
    expect({ status, stdout }).toEqual({ status: 9, stdout: '\n2\n' })
  })

  test('--user: of the image’s files, its home, and nothing of root’s', () => {
    fs.appendFileSync(`${world.rootfs}/etc/passwd`, 'someone:x:1234:5678::/home/someone:/bin/sh\n')
    fs.appendFileSync(`${world.rootfs}/etc/group`, 'friends:x:777:someone\n')
    const look = 'id -u; id -g; id -G; echo $HOME; grep CapEff /proc/self/status'
    expect(world.sh(look, ['-u', 'someone'])).toBe('1234\n5678\n5678 777\n/home/someone\nCapEff:\t0000000000000000\n')
    expect(world.sh('tty; [ -r /dev/pts/0 ] && echo mine', ['-t', '-u', 'someone'])).toBe('/dev/pts/0\r\nmine\r\n')
  })
})

describe.skipIf(skipped)(`namespaces${skipped}`, () => {
  test('--uts host: its name', () => {
    expect(world.sh('readlink /proc/self/ns/uts; hostname; echo $HOSTNAME', ['--uts', 'host'])).toBe(
      `${own('uts')}\n${hostname()}\n${hostname()}\n`,
    )
  })

  test('--ipc host: its shared memory', () => {
    const made = spawnSync('ipcmk', ['-M', '4096'], { encoding: 'utf8' }).stdout.match(/\d+/)![0]
    fs.writeFileSync(`/dev/shm/toolkit-test-${process.pid}`, 'shared')
    try {
      expect(world.sh(`cat /dev/shm/toolkit-test-${process.pid}; cat /proc/sysvipc/shm`, ['--ipc', 'host'])).toMatch(
        new RegExp(`^shared.*\\n\\s*-?\\d+\\s+${made}\\b`, 's'),
      )
    } finally {
      spawnSync('ipcrm', ['-m', made])
      fs.rmSync(`/dev/shm/toolkit-test-${process.pid}`)
    }
  })

  test('--pid host: its processes; and the container’s own end with it', async () => {
    const script = `readlink /proc/self/ns/pid; [ -d /proc/${process.pid} ] && echo seen; sleep 1000 & echo $!`
    const [namespace, seen, left] = world.sh(script, ['--pid', 'host']).trim().split('\n')
    expect([namespace, seen]).toEqual([own('pid'), 'seen'])
    const runs = () => fs.existsSync(`/proc/${left}/exe`) && fs.readFileSync(`/proc/${left}/cmdline`).length > 0
    await eventually(() => !runs(), 'it has ended')
  })

  test('--net host: its links; --cgroupns host: its groups', () => {
    expect(world.sh('readlink /proc/self/ns/net', ['--net', 'host'])).toBe(`${own('net')}\n`)
    expect(world.sh('readlink /proc/self/ns/cgroup', ['--cgroupns', 'host'])).toBe(`${own('cgroup')}\n`)
    expect(world.sh('grep -c /toolkit/ /proc/self/cgroup', ['--cgroupns', 'host'])).not.toBe('0\n')
  })
})

describe.skipIf(skipped)(`files${skipped}`, () => {
  test.each(['host', 'none'])('-p with --net %s: we say that it leads nowhere, and go on', mode => {
    for (const command of [['run'], ['create', '--name', 'made']]) {
      const { status, stderr } = world.toolkit([...command, '--rm', '--net', mode, '-p', '8088:80', 'busybox', 'true'])
      expect({ status, stderr }).toEqual({
        ...{ status: 0, stderr: expect.stringMatching(/^toolkit: --publish 8088:80 has no effect with .*\n$/) },
      })
    }
    world.toolkit(['rm', 'made'])
  })

  test('-v, ro; --tmpfs; --shm-size; --read-only', () => {
    const volume = fs.mkdtempSync(`${tmpdir()}/volume-`)
    const flags = ['-v', `${volume}:/rw`, '-v', `${volume}:/ro:ro`, '--read-only']
    const script = `echo x >/rw/file; cat /ro/file; for f in /ro/file /file; do echo y >$f 2>/dev/null || echo refused; done
      echo z >/mem/file; cat /mem/file; df -k /mem /dev/shm | awk 'NR>1 {print $2}'`
    expect(world.sh(script, [...flags, '--tmpfs', '/mem:size=1m', '--shm-size', '2m'])).toBe(
      'x\nrefused\nrefused\nz\n1024\n2048\n',
    )
    expect(fs.readFileSync(`${volume}/file`, 'utf8')).toBe('x\n')
    fs.rmSync(volume, { recursive: true })
  })

  test('/etc/hosts, hostname and resolv.conf are its own, and those of the rootfs stay', () => {
    const before = fs.existsSync(`${world.rootfs}/etc/hosts`)
    expect(world.sh('cat /etc/hostname; grep -c localhost /etc/hosts; echo mine >>/etc/hosts', ['-h', 'box'])).toBe(
      'box\n2\n',
    )
    expect(fs.existsSync(`${world.rootfs}/etc/hosts`)).toBe(before)
    expect(world.sh('cat /etc/resolv.conf', ['--dns', '192.0.2.1', '--dns-search', 'example.org'])).toBe(
      'nameserver 192.0.2.1\nsearch example.org\n',
    )
    expect(world.sh('grep db /etc/hosts', ['--add-host', 'db:192.0.2.7'])).toBe('192.0.2.7\tdb\n')
    const write = 'for name in hosts hostname resolv.conf; do (echo x >>/etc/$name) 2>/dev/null || echo refused; done'
    expect(world.sh(write, ['--read-only'])).toBe('refused\n'.repeat(3))
  })
})

describe.skipIf(skipped)(`limits and rights${skipped}`, () => {
  test('-m: the kernel kills what takes more, and we say so', () => {
    const { status, stderr } = world.toolkit(['run', '--rm', '-m', '16m', 'busybox', 'tail', '/dev/zero'])
    expect({ status, stderr }).toEqual({ status: 137, stderr: expect.stringMatching(/^toolkit: .*memory.*\n$/) })
  })

  test('--pids-limit, --ulimit, --sysctl, --oom-score-adj', () => {
    const many = 'sleep 1 & sleep 1 & sleep 1 & echo no'
    expect(world.toolkit(['run', '--rm', '--pids-limit', '3', 'busybox', 'sh', '-c', many])).toMatchObject({
      status: 2,
      stdout: '',
      stderr: expect.stringContaining('fork'),
    })
    expect(world.sh('ulimit -n; ulimit -Hn', ['--ulimit', 'nofile=100:200'])).toBe('100\n200\n')
    expect(world.sh('cat /proc/sys/kernel/shmmax', ['--sysctl', 'kernel.shmmax=4096'])).toBe('4096\n')
    expect(world.sh('cat /proc/self/oom_score_adj', ['--oom-score-adj', '500'])).toBe('500\n')
  })

  test('--cap-drop, --cap-add, no-new-privileges, --privileged', () => {
    const look = 'grep -E "CapBnd|NoNewPrivs|Seccomp:" /proc/self/status | cut -f2'
    expect(world.sh(look)).toBe('00000000a80425fb\n0\n2\n')
    expect(world.sh(look, ['--cap-drop', 'ALL', '--cap-add', 'chown'])).toBe('0000000000000001\n0\n2\n')
    expect(world.sh(look, ['--security-opt', 'no-new-privileges'])).toBe('00000000a80425fb\n1\n2\n')
    expect(world.sh(look, ['--privileged']).split('\n').slice(1)).toEqual(['0', '0', ''])
  })

  test('--privileged: the host’s devices, but terminals of its own', () => {
    const look = 'find /dev -type b -o -type c | grep -vE "^/dev/(pts|shm)/" | sort | xargs stat -c "%n %t:%T %a %u:%g"'
    const ours = world.sh(look, ['--privileged'])
    expect(ours).toBe(
      spawnSync('sh', ['-c', look.replace(' | sort', ' | grep -vE "/dev/(ptmx|console)$" | LC_ALL=C sort')], {
        encoding: 'utf8',
      }).stdout,
    )
    expect(world.sh('readlink /dev/ptmx; ls /dev/pts', ['--privileged'])).toBe('pts/ptmx\nptmx\n')
    const few = world.sh('find /dev -type b -o -type c | grep -c .', ['--privileged', '--userns', 'private'])
    expect(Number(few)).toBeLessThan(9)
  })
})
