// Rows of names and files: words of a user that are no paths, no options and no lines of a file; and files that the
// engine writes, read or written elsewhere because somebody planted a link.
// The rules in full: test/engine/network/names.test.ts, test/cli/flags/.
import { execFileSync, spawnSync } from 'node:child_process'
import fs from 'node:fs'
import { describe, expect, test } from 'vitest'
import { skipped } from '../cli/toolkit.ts'
import { image, link, put, UP, underAttack } from './hostile.ts'

const { world, witness } = underAttack()

const run = (...args: string[]) => world.toolkit(['run', '--rm', ...args])
const refused = { status: 125, stdout: '' }

describe.skipIf(skipped)(`row 18: files that we write, in an image where they are something else${skipped}`, () => {
  const lies: [string, (at: string) => void][] = [
    ['links to the host', link(`${UP}${witness.file}`)],
    ['absolute links to the host', link(witness.file)],
    ['links to a new file of the host', link(`${UP}${witness.directory}/new`)],
    ['links through /proc', link(`/proc/self/cwd/${UP}${witness.file}`)],
    ['FIFOs', at => execFileSync('mkfifo', [at])],
    ['devices', at => execFileSync('mknod', [at, 'c', '1', '5'])],
    ['five gigabytes of nothing', at => execFileSync('truncate', ['-s', '5G', at])],
  ]

  test.each(lies)(
    'hosts, hostname and resolv.conf as %s: the host’s file is neither read nor changed',
    (what, make) => {
      const root = image(world, root => {
        for (const name of ['hosts', 'hostname', 'resolv.conf']) put(root, `etc/${name}`, make)
      })
      const { stdout, stderr } = run('--hostname', 'box', root, 'head', '-qc200', '/etc/hosts', '/etc/hostname')
      expect(stdout + stderr).not.toContain(witness.secret)
      if (!what.includes('links')) expect(stdout).toMatch(/127\.0\.0\.1\tlocalhost.*box\n$/s)
    },
  )

  test('what is written to them inside stays inside', () => {
    const before = ['hosts', 'hostname', 'resolv.conf'].map(name => fs.readFileSync(`/etc/${name}`, 'utf8'))
    const root = image(world, () => {})
    const script = 'for f in hosts hostname resolv.conf; do echo evil >/etc/$f; done; grep -c evil /etc/hosts'
    expect(run(root, 'sh', '-c', script).stdout).toBe('1\n')
    expect(fs.readdirSync(`${root}/etc`)).toEqual(fs.readdirSync(`${world.rootfs}/etc`))
    expect(['hosts', 'hostname', 'resolv.conf'].map(name => fs.readFileSync(`/etc/${name}`, 'utf8'))).toEqual(before)
  })
})

const nasty = ['-h', '--privileged', '../x', '.', '..', 'a/b', '$(id)', ';', 'a\nb', '‮cod', ' ', 'x'.repeat(4096)]

describe.skipIf(skipped)(`row 62: names as arguments${skipped}`, () => {
  test.each(nasty)('--name %j is refused, and no file bears it', name => {
    const before = fs.readdirSync(world.state, { recursive: true }).length
    expect(run('--name', name, 'busybox', 'echo', 'started')).toMatchObject(refused)
    expect(fs.readdirSync(world.state, { recursive: true }).length).toBeLessThanOrEqual(before)
  })

  test('arguments and variables reach the program byte for byte, through no shell', () => {
    const words = nasty.concat('', '"', "'", '\\', '`id`', '$HOME', '%s', '\t', '--', 'é', '\x1b[2J')
    const { stdout } = run('busybox', 'printf', '<%s>', ...words)
    expect(stdout).toBe(words.map(word => `<${word}>`).join(''))
    const flags = words.flatMap((word, i) => ['-e', `V${i}=${word}`])
    const script = words.map((_, i) => `printf '<%s>' "$V${i}"`).join(';')
    expect(run(...flags, 'busybox', 'sh', '-c', script).stdout).toBe(stdout)
  })

  test('a flag after the root file system is the program’s', () => {
    expect(run('busybox', 'echo', '--privileged', '-v', '/:/h').stdout).toBe('--privileged -v /:/h\n')
    expect(run('--', 'busybox', 'grep', '-c', ' / /h ', '/proc/self/mountinfo').stdout).toBe('0\n')
  })
})

describe.skipIf(skipped)(`row 64: no extra line in the files that we write${skipped}`, () => {
  test.each([
    ['--hostname', 'a\n6.6.6.6 bank'],
    ['--hostname', 'a b'],
    ['--hostname', 'a#'],
    ['--add-host', 'a:1.2.3.4\n6.6.6.6\tbank'],
    ['--add-host', 'a\tbank:1.2.3.4'],
    ['--add-host', 'a:1.2.3.4 bank'],
    ['--dns', '1.2.3.4\nnameserver 6.6.6.6'],
    ['--dns-search', 'a\nnameserver 6.6.6.6'],
    ['--dns-option', 'ndots:1\nnameserver 6.6.6.6'],
    ['--dns-option', 'a #'],
  ])('%s %j', (flag, value) => {
    const { status, stdout } = run(flag, value, 'busybox', 'cat', '/etc/hosts', '/etc/hostname', '/etc/resolv.conf')
    expect([status, stdout]).toEqual([125, ''])
  })

  test('nor by a line of the environment file, nor by HOSTNAME', () => {
    const file = `${world.state}/env`
    fs.writeFileSync(file, 'HOSTNAME=evil 6.6.6.6\nA=b\n')
    const { stdout } = run(
      '--env-file',
      file,
      '--hostname',
      'box',
      'busybox',
      'sh',
      '-c',
      'cat /etc/hostname; hostname',
    )
    expect(stdout).toBe('box\nbox\n')
  })
})

test.skipIf(skipped)(`row 63: the name of a container is not that of an interface or a table${skipped}`, () => {
  // It reaches neither ip nor nft, and no shell: those are not even started (a name of the host's PATH would be found).
  const tools = fs.mkdtempSync(`${world.state}/path-`)
  for (const name of ['ip', 'nft', 'iptables', 'sh', 'mount', 'nsenter', 'tar'])
    fs.writeFileSync(`${tools}/${name}`, `#!/bin/bash\ntouch ${tools}/started\n`, { mode: 0o755 })
  const flags = [
    '--name',
    'flush.ruleset_-x',
    '--network',
    'none',
    '-v',
    `${witness.beside()}/made:/v`,
    '--tmpfs',
    '/t',
    '--init',
  ]
  const { status } = world.toolkit(['run', '--rm', ...flags, 'busybox', 'true'], {
    env: { ...world.env, PATH: `${tools}:${process.env.PATH}` },
  })
  // bin/toolkit itself is a script of /bin/sh by its full path
  expect({ status, started: fs.existsSync(`${tools}/started`) }).toEqual({ status: 0, started: false })
})

describe.skipIf(skipped)(`row 68: files of the host that we make${skipped}`, () => {
  test('none in a directory where everybody can plant a link', () => {
    const places = '/tmp /var/tmp /dev/shm /run'
    const { status, stdout } = world.shell(`unshare -m sh -c '
      mount --bind $TOOLKIT_STATE /mnt; for d in ${places}; do mount -t tmpfs none $d; done
      before=$(stat -c %y ${places}); TOOLKIT_STATE=/mnt $TOOLKIT run --init -v /mnt/../etc:/v busybox true
      TOOLKIT_STATE=/mnt $TOOLKIT rm $(TOOLKIT_STATE=/mnt $TOOLKIT ps -a | tail -1 | cut -d" " -f1) >/dev/null
      [ "$before" = "$(stat -c %y ${places})" ] && echo untouched'`)
    expect({ status, stdout }).toEqual({ status: 0, stdout: 'untouched\n' })
  })

  test('row 48: a set-user-ID program made in a container is none for users of the host (CVE-2021-41091)', () => {
    const state = witness.beside()
    const env = { ...world.env, TOOLKIT_STATE: state }
    const suid = 'cp /bin/busybox /suid; chmod 4755 /suid; chmod 755 /'
    expect(world.toolkit(['run', world.rootfs, 'sh', '-c', suid], { env }).status).toBe(0)
    for (const open of [state, `${state}/containers`]) fs.chmodSync(open, 0o755)
    const made = fs
      .readdirSync(state, { recursive: true })
      .map(String)
      .filter(name => name.endsWith('upper/suid'))
    expect(made).toHaveLength(1)
    const execute = (uid: number) => spawnSync(`${state}/${made[0]}`, [], { argv0: 'true', uid, gid: uid, cwd: '/' })
    expect(execute(0)).toMatchObject({ status: 0 })
    expect(execute(1000)).toMatchObject({ status: null, error: { code: 'EACCES' } })
  })
})
