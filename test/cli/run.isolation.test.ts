import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import { digest, nothing, skipped, World } from './toolkit.ts'

const world = new World()
afterAll(() => world.end())
afterEach(() => {
  expect(world.left()).toEqual(nothing)
})

describe.skipIf(skipped)(`namespaces${skipped}`, () => {
  test('mnt, uts, ipc, pid, net, cgroup and time are new; the users are the caller’s', () => {
    const inside = world
      .sh('for n in mnt uts ipc pid net cgroup time user; do readlink /proc/self/ns/$n; done')
      .split('\n')
    for (const [i, name] of ['mnt', 'uts', 'ipc', 'pid', 'net', 'cgroup', 'time'].entries())
      expect(inside[i], name).not.toBe(fs.readlinkSync(`/proc/self/ns/${name}`))
    expect(inside[7]).toBe(fs.readlinkSync('/proc/self/ns/user'))
  })

  test('the command is PID 1 and sees no other process', () => {
    expect(world.sh('echo $$; echo /proc/[0-9]*; readlink /proc/self')).toMatch(/^1\n\/proc\/1\n\d+\n$/)
  })

  test('its host name: what was asked for, else the id', () => {
    const before = fs.readFileSync('/proc/sys/kernel/hostname', 'utf8')
    expect(world.sh('hostname; echo $HOSTNAME', ['--hostname', 'box-1.example'])).toBe('box-1.example\nbox-1.example\n')
    const domain = 'hostname; cat /proc/sys/kernel/domainname'
    expect(world.sh(domain, ['-h', 'box', '--domainname', 'shop.example'])).toBe('box\nshop.example\n')
    expect(world.sh('hostname')).toMatch(/^[0-9a-f]{12}\n$/)
    const longest = 'a'.repeat(64)
    expect(world.sh('hostname', ['--hostname', longest])).toBe(`${longest}\n`)
    expect(fs.readFileSync('/proc/sys/kernel/hostname', 'utf8')).toBe(before)
  })

  test('one interface, the loopback, and it is up', () => {
    expect(
      world.sh('ls /sys/class/net; ip -o link | cut -d" " -f2-3; ping -c1 -W1 127.0.0.1 | grep -c "bytes from"'),
    ).toBe('lo\nlo: <LOOPBACK,UP,LOWER_UP>\n1\n')
    expect(world.sh('cat /proc/net/route | wc -l')).toBe('1\n') // the heading only
  })

  test('System V shared memory of the host is not there', () => {
    const made = spawnSync('ipcmk', ['-M', '4096'], { encoding: 'utf8' }).stdout.match(/\d+/)![0]
    try {
      expect(fs.readFileSync('/proc/sysvipc/shm', 'utf8').split('\n').length).toBeGreaterThan(2)
      expect(world.sh('cat /proc/sysvipc/shm | wc -l')).toBe('1\n') // the heading
    } finally {
      spawnSync('ipcrm', ['-m', made])
    }
  })
})

describe.skipIf(skipped)(`files${skipped}`, () => {
  test('the root file system is never written to', () => {
    const before = digest(world.rootfs)
    world.sh('rm -rf /bin/vi /etc/passwd; echo x >/etc/hosts; chmod 700 /tmp; mkdir /new; ln -s x /y; touch -d @0 /etc')
    expect(digest(world.rootfs)).toBe(before)
    expect(world.sh('cat /etc/passwd | wc -l; ls -d /bin/vi')).toMatch(/^[1-9]\d*\n\/bin\/vi\n$/)
  })

  test('/ has the mode and owner of the root file system, whatever the umask', () => {
    const { stdout } = world.shell(`umask 077; $TOOLKIT run --rm busybox stat -c '%a %u:%g' / /dev /proc /tmp`)
    const { mode, uid, gid } = fs.statSync(world.rootfs)
    expect(stdout).toBe(`${(mode & 0o7777).toString(8)} ${uid}:${gid}\n755 0:0\n555 0:0\n1777 0:0\n`)
  })

  test('what is mounted, where, and how; and nothing of the host', () => {
    const mounts = world
      .sh('cat /proc/self/mountinfo')
      .trim()
      .split('\n')
      .map(line => {
        const fields = line.split(' ')
        const dash = fields.indexOf('-')
        return [fields[3], fields[4], fields[5], fields.slice(6, dash).join(' '), fields[dash + 1]].join(' ')
      })
    const masked = /^\S+ \/(proc|sys)\/(?!fs\/cgroup)/
    const cgroup = /^\/ \/sys\/fs\/cgroup\/[a-z,_]+ ro,nosuid,nodev,noexec,relatime {2}cgroup$/
    const file = (name: string) => expect.stringMatching(new RegExp(`/${name} /etc/${name} rw,\\S+ {2}\\w+$`))
    expect(mounts.filter(mount => !masked.test(mount) && !cgroup.test(mount))).toEqual([
      '/ / rw,relatime  overlay',
      file('hostname'),
      file('hosts'),
      file('resolv.conf'),
      '/ /proc rw,nosuid,nodev,noexec,relatime  proc',
      '/ /dev rw,nosuid  tmpfs',
      '/ /dev/pts rw,nosuid,noexec,relatime  devpts',
      '/ /dev/shm rw,nosuid,nodev,noexec,relatime  tmpfs',
      '/ /dev/mqueue rw,nosuid,nodev,noexec,relatime  mqueue',
      '/ /sys ro,nosuid,nodev,noexec,relatime  sysfs',
      expect.stringMatching(/^\/ \/sys\/fs\/cgroup ro,nosuid,nodev,noexec,relatime {2}(tmpfs|cgroup2)$/),
    ]) // the empty field: no propagation, each is private
  })

  test('no way back to the old root', () => {
    expect(world.sh('ls /; cd ..; cd ../../..; ls; ls /proc/1/root/; ls -d /old_root /.old 2>/dev/null; pwd')).toBe(
      `${`${fs.readdirSync(world.rootfs).sort().join('\n')}\n`.repeat(3)}/\n`,
    )
    // The old escape of lesson 1: chroot again, and climb.
    expect(world.sh('mkdir /c; chroot /c /bin/true 2>/dev/null; cd /; ls ../../../../../../c | wc -l')).toBe('0\n')
  })

  test('a mount made inside does not show on the host, though / is shared there', () => {
    const { status, stdout } = world.shell(`unshare -m bash --norc -c '
      mount --make-rshared /
      $TOOLKIT run --rm --privileged busybox sh -c "mount -t tmpfs witness /tmp; grep -c witness /proc/self/mountinfo"
      ! grep witness /proc/self/mountinfo'`)
    expect({ status, stdout }).toEqual({ status: 0, stdout: '1\n' })
  })

  test('the devices of the OCI specification, readable and writable by all', () => {
    expect(world.sh('cd /dev; stat -c "%n %F %a %t:%T" full null random tty urandom zero')).toBe(
      ['full 666 1:7', 'null 666 1:3', 'random 666 1:8', 'tty 666 5:0', 'urandom 666 1:9', 'zero 666 1:5']
        .map(line => `${line.replace(' ', ' character special file ')}\n`)
        .join(''),
    )
    expect(world.sh('ls /dev')).toBe(
      'fd\nfull\nmqueue\nnull\nptmx\npts\nrandom\nshm\nstderr\nstdin\nstdout\ntty\nurandom\nzero\n',
    )
    expect(world.sh('cd /dev; for l in fd stdin stdout stderr ptmx; do readlink $l; done')).toBe(
      '/proc/self/fd\n/proc/self/fd/0\n/proc/self/fd/1\n/proc/self/fd/2\npts/ptmx\n',
    )
    expect(world.sh('head -c 4 /dev/zero | od -An -tx1; echo x >/dev/full || echo full; echo x >/dev/null')).toMatch(
      / 00 00 00 00\nfull\n$/,
    )
  })

  test('/dev/shm for all, /sys for reading', () => {
    expect(world.sh('stat -c %a /dev/shm /dev/pts; touch /sys/x 2>/dev/null || echo refused')).toBe(
      '1777\n755\nrefused\n',
    )
  })

  test('/proc, /sys and the like are made where the root file system has none', () => {
    const root = `${world.state}/bare`
    fs.mkdirSync(root)
    fs.cpSync(`${world.rootfs}/bin`, `${root}/bin`, { recursive: true, verbatimSymlinks: true })
    const { stdout } = world.toolkit(['run', '--rm', root, 'ls', '/'])
    expect(stdout).toBe('bin\ndev\netc\nproc\nsys\n')
    expect(fs.readdirSync(root)).toEqual(['bin'])
  })
})

describe.skipIf(skipped)(`descriptors${skipped}`, () => {
  test.each([
    ['', 'no -i'],
    ['-i', '-i'],
  ])('0, 1 and 2 and no other, even when the engine has 3 to 20 (%s)', flags => {
    const open = Array.from({ length: 18 }, (_, i) => `exec ${i + 3}</etc/passwd;`).join(' ')
    const { stdout } = world.shell(`${open} $TOOLKIT run --rm ${flags} busybox sh -c 'ls /proc/1/fd; true' </dev/null`)
    expect(stdout).toBe('0\n1\n2\n')
  })

  test('with a terminal, too', () => {
    expect(world.toolkit(['run', '--rm', '-t', 'busybox', 'sh', '-c', 'ls /proc/1/fd; true']).stdout).toBe(
      '0  1  2\r\n',
    )
  })
})

/** Of the v2 hierarchy, for the whole machine: nsdelegate and others. */
const cgroup2 = (): string =>
  fs.readFileSync('/proc/self/mountinfo', 'utf8').match(/ - cgroup2 \S+ \S+/)?.[0] ?? 'no cgroup2'
const options = /,/.test(cgroup2()) ? '' : ' (skipped: cgroup2 has no options here)'

test.skipIf(skipped || options)(`--cgroupns host leaves the host’s cgroup2 its options${skipped || options}`, () => {
  const before = cgroup2()
  expect(world.sh('grep -c " - cgroup2 " /proc/self/mountinfo', ['--cgroupns', 'host'])).toBe('1\n')
  expect(cgroup2()).toBe(before)
})

test.skipIf(skipped)(`tools of the host agree: lsns counts seven namespaces of the container${skipped}`, async () => {
  const run = world.start(['run', '--rm', 'busybox', 'sh', '-c', 'echo ready; sleep 100'])
  await run.until('ready')
  const pid = world.init()
  const { stdout } = spawnSync('lsns', ['-p', String(pid), '-n', '-o', 'TYPE,PID'], { encoding: 'utf8' })
  const own = stdout.split('\n').filter(line => line.trim().endsWith(` ${pid}`))
  process.kill(pid, 'SIGKILL')
  await run.exit
  expect(own.map(line => line.trim().split(/ +/)[0]).sort()).toEqual([
    'cgroup',
    'ipc',
    'mnt',
    'net',
    'pid',
    'time',
    'uts',
  ])
})
