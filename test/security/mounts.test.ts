// Rows of mounts: an image, a volume or a program inside that wants what is mounted to end up elsewhere.
// The same on the level of plans, and more of it: test/engine/volume/volumes.test.ts.
import fs from 'node:fs'
import { beforeEach, describe, expect, test } from 'vitest'
import { numbersOf } from '../../toolkit/primitives/seccomp/numbers.ts'
import { skipped } from '../cli/toolkit.ts'
import { image, link, noTools, put, TOOLS, UP, underAttack, withTools } from './hostile.ts'

const { world, witness } = underAttack()
let volume: string
beforeEach(() => {
  volume = witness.beside()
})

const run = (...args: string[]) => world.toolkit(['run', '--rm', ...args])
const refused = { status: 125, stdout: '' }

describe.skipIf(skipped)(`an image that lies about its directories${skipped}`, () => {
  test.each([
    ['/proc', 'CVE-2019-19921'],
    ['/sys', 'CVE-2023-27561'],
    ['/dev', 'CVE-2026-41579'],
  ])('rows 12, 14: %s as a link: nothing is mounted or made behind it (%s)', name => {
    for (const target of [`${UP}${witness.directory}`, 'bad']) {
      const root = image(world, root => {
        put(root, name, link(target))
        put(root, 'bad', at => fs.mkdirSync(at))
      })
      expect(run('-v', `${volume}:/bad`, root, 'echo', 'started')).toMatchObject(refused)
      expect(fs.readdirSync(volume)).toEqual([])
    }
  })

  test('row 15: its own null, pts, console and ptmx are not those that are used (CVE-2025-31133, CVE-2025-52565)', () => {
    const target = '/proc/sys/kernel/core_pattern'
    const before = fs.readFileSync(target, 'utf8')
    const names = ['null', 'pts', 'pts/0', 'console', 'ptmx', 'tty', 'shm', 'mqueue', 'fd', 'stdin']
    const root = image(world, root => {
      for (const name of names.filter(name => !name.includes('/'))) put(root, `dev/${name}`, link(target))
    })
    const script = 'echo evil >/dev/null; echo evil >/dev/console; stat -c %t:%T /dev/null; cat /proc/keys'
    expect(run('-t', root, 'sh', '-c', script).stdout).toBe('evil\r\n1:3\r\n')
    expect(fs.readFileSync(target, 'utf8')).toBe(before)
  })

  test.each([
    ['/link/x/y', '../..WITNESS'],
    ['/link/../../x', '../..WITNESS'],
    ['/link/x', 'WITNESS'],
    ['/link', `..WITNESS/new`],
    ['/link/x', '/proc/self/cwd/../..WITNESS'],
  ])('row 17: what is made for %s is made in the container (CVE-2024-45310): a link to %s', (at, to) => {
    const root = image(world, root => {
      put(root, 'link', link(to.replace('WITNESS', witness.directory)))
    })
    const look = ['sh', '-c', 'cat secret ./*/secret; ls /']
    for (const flags of [
      ['-v', `${volume}:${at}`, '-w', at],
      ['--tmpfs', at, '--device', `/dev/null:${at}/null`],
    ])
      expect(run(...flags, root, ...look).stdout).not.toContain('secret')
    expect(fs.readdirSync(volume)).toEqual([])
  })
})

describe.skipIf(skipped)(`a volume where none may be${skipped}`, () => {
  test.each([
    ['-v', (at: string) => `${volume}:${at}`, ['/proc', '/proc/self/attr', '/sys', '/dev', '/', '/x/../proc/1']],
    ['--tmpfs', (at: string) => at, ['/proc/sys/kernel', '/sys/fs/cgroup', '//dev']],
    ['--mount', (at: string) => `type=bind,source=${volume},target=${at}`, ['/proc/self', '/./sys', '/dev/']],
  ])('row 13: %s over what belongs to the kernel (CVE-2015-3631, CVE-2019-16884)', (flag, value, places) => {
    for (const at of places)
      expect([at, run(flag, value(at), 'busybox', 'echo', 'started')]).toMatchObject([at, refused])
  })

  test('row 13: over them by a link: the kernel’s own lies above, and a setting goes to it (CVE-2025-52881)', () => {
    fs.mkdirSync(`${volume}/sys/net/ipv4`, { recursive: true })
    fs.writeFileSync(`${volume}/sys/net/ipv4/ip_forward`, 'untouched')
    const root = image(world, root => put(root, 'link', link('proc')))
    const { stdout } = run(
      ...['-v', `${volume}:/link`, '--sysctl', 'net.ipv4.ip_forward=1', root],
      ...['sh', '-c', 'cat /proc/sys/net/ipv4/ip_forward; ls /link/self/attr | head -1'],
    )
    expect(stdout).toMatch(/^1\n\w+\n$/)
    expect(fs.readFileSync(`${volume}/sys/net/ipv4/ip_forward`, 'utf8')).toBe('untouched')
  })

  test('row 26: our own state is no volume, and an ordinary volume above it does not show it', () => {
    fs.writeFileSync(`${world.state}/witness`, witness.secret)
    for (const source of [
      world.state,
      `${world.state}/containers`,
      `${world.state}/../${world.state.split('/').at(-1)}`,
    ])
      expect(run('-v', `${source}:/x`, 'busybox', 'ls', '/x')).toMatchObject(refused)
    for (const options of ['', ':ro']) {
      const script = `cat /h${world.state}/witness; ls -a /h${world.state}; touch /h${world.state}/x; cat /h${witness.file}`
      const { stdout } = run('-v', `/:/h${options}`, 'busybox', 'sh', '-c', script)
      expect(stdout.replace('.\n..\n', '')).toBe(`${witness.secret}\n`)
    }
  })

  test('row 26: / of the host as a volume brings no mount of a container along', () => {
    const { stdout } = run('-v', '/:/h', 'busybox', 'grep', '-c', world.state, '/proc/self/mountinfo')
    const own = run('busybox', 'grep', '-c', world.state, '/proc/self/mountinfo').stdout
    expect(Number(stdout)).toBe(Number(own) + 1) // the cover
  })
})

describe.skipIf(skipped)(`a volume with more below it${skipped}`, () => {
  const withSub = (script: string) =>
    world.shell(`V=${volume} unshare -m sh -c '
      mount -t tmpfs tmpfs $V; mkdir $V/sub; mount -t tmpfs tmpfs $V/sub; ${script}; ls $V $V/sub | grep made'`)

  test('row 24: read-only is read-only below, too', () => {
    const touch = 'busybox touch /v/made /v/sub/made-below'
    expect(withSub(`$TOOLKIT run --rm -v $V:/v:ro ${touch}`).stdout).toBe('')
    expect(withSub(`$TOOLKIT run --rm --mount type=bind,source=$V,target=/v,readonly ${touch}`).stdout).toBe('')
    expect(withSub(`$TOOLKIT run --rm -v $V:/v ${touch}`).stdout).toBe('made\nmade-below\n')
  })

  test('row 25: nothing mounted in it gets out, and its end unmounts nothing', () => {
    const script = 'mount -t tmpfs inside /v && touch /v/made && umount /v && umount -l /v/sub'
    const { stdout } = withSub(`mount --make-rshared /
      $TOOLKIT run --rm --privileged -v $V:/v busybox sh -c "${script}; echo done"
      grep -c inside /proc/self/mountinfo; grep -c $V /proc/self/mountinfo`)
    expect(stdout).toBe('done\n0\n2\n')
  })
})

describe.skipIf(skipped)(`names that are no options${skipped}`, () => {
  const names = ['a,upperdir=', 'b\\134c', 'n\nl', '-o']

  test.each(names)('row 27: a volume and a root file system named %j', name => {
    const source = `${volume}/${name}`
    fs.mkdirSync(source)
    const mount = ['--mount', `type=bind,"source=${source.replaceAll('"', '""')}",target=/v`]
    expect(run(...mount, 'busybox', 'touch', '/v/made').stderr).toBe('')
    expect(fs.readdirSync(source)).toEqual(['made'])
    const root = `${world.state}/${name}`
    fs.renameSync(
      image(world, () => {}),
      root,
    )
    expect(run(root, 'sh', '-c', 'touch /made; ls /made').stdout).toBe('/made\n')
    expect(fs.existsSync(`${root}/made`)).toBe(false)
  })

  test('row 27: options of a tmpfs and of a volume are words of a list, not the kernel’s', () => {
    for (const flags of [
      ['--tmpfs', `/v:mpol=x`],
      ['-v', `${volume}:/v:ro,upperdir=/etc`],
      ['-v', `${volume}:/v:rw:ro`],
      ['--mount', `type=bind,source=${volume},target=/v,x-mount.mkdir`],
    ]) {
      const { status, stdout } = run(...flags, 'busybox', 'grep', ' /v ', '/proc/self/mountinfo')
      expect([flags, status, stdout]).toEqual([flags, 125, ''])
    }
  })
})

describe.skipIf(skipped || noTools)(`from inside${skipped || noTools}`, () => {
  const root = skipped || noTools ? '' : withTools(world)

  test('row 22: chroot twice and descriptors kept open lead to the container’s root, not the host’s', () => {
    const climb = (top: string) => `
      opendir(my $d, "/") or die; mkdir "${top}/jail"; chdir "${top}/jail"; chroot "." or die $!;
      chdir $d; for (1..40) { chdir ".." } chroot "."; exec "/bin/sh", "-c", "cat ${witness.file}; ls -d /tmp"`
    const { stdout } = run(...TOOLS, root, 'perl', '-e', climb('/tmp'))
    expect(stdout).toBe('/tmp\n')
    fs.mkdirSync(`${volume}/bin`)
    const control = world.shell(`unshare -m chroot / perl -e '${climb(volume)}'`)
    expect(control.stdout, 'it is an escape from chroot').toContain(witness.secret)
  })

  const number = numbersOf(process.arch as 'x64' | 'arm64').get('renameat2')!

  test('row 16: a path that a program exchanges all the time never shows the host (CVE-2021-30465)', async () => {
    fs.mkdirSync(`${volume}/dir/sub`, { recursive: true })
    fs.symlinkSync(UP, `${volume}/link`)
    fs.mkdirSync(`${volume}/payload`)
    const exchange = `$| = 1; print "racing\\n"; my ($a, $b) = ("/v/dir", "/v/link");
      syscall(${number}, -100, $a, -100, $b, 2) while 1`
    const racer = world.start(['run', '--rm', ...TOOLS, '-v', `${volume}:/v`, root, 'perl', '-e', exchange])
    await racer.until('racing')
    const seen = { mounted: 0, refused: 0 }
    for (let i = 0; i < 12; i++) {
      const at = i % 2 ? '/v/dir/sub' : `/v/dir${witness.directory}`
      const look = `ls /; cut -d' ' -f4,5 /proc/self/mountinfo | grep -vE ' /(dev|proc|sys|etc)|^/ /'; cat ${witness.file}`
      const { status, stdout } = run('-v', `${volume}:/v`, '-v', `${volume}/payload:${at}`, 'busybox', 'sh', '-c', look)
      seen[status === 125 ? 'refused' : 'mounted']++
      expect(stdout).not.toContain(witness.secret)
      for (const line of stdout.split('\n').filter(line => line.startsWith('/')))
        expect(line).toMatch(
          new RegExp(`^(${volume} /v|${volume}/payload (/v/dir|/v/link)?(/sub|${witness.directory}))$`),
        )
    }
    expect([racer.output(), racer.child.exitCode]).toEqual(['racing\n', null])
    await racer.kill()
    await racer.exit
    world.toolkit(['ps'])
    run('busybox', 'true')
    expect(seen.mounted).toBeGreaterThan(0)
  })
})
