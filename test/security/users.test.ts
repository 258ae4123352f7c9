// Rows of users: who the program is, and what an image can say about that.
// The parsing itself: test/image/users.test.ts; user namespaces: test/primitives/user.test.ts.
import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import { describe, expect, test } from 'vitest'
import { skipped } from '../cli/toolkit.ts'
import { image, link, noTools, put, TOOLS, UP, underAttack, withTools } from './hostile.ts'

const { world, witness } = underAttack()

const run = (...args: string[]) => world.toolkit(['run', '--rm', ...args])
const users = (passwd: string, group = '') =>
  image(world, root => {
    put(root, 'etc/passwd', at => fs.writeFileSync(at, passwd))
    put(root, 'etc/group', at => fs.writeFileSync(at, group))
  })

describe.skipIf(skipped)(`row 39: what is no user is never root (CVE-2024-40635, CVE-2026-30892)${skipped}`, () => {
  const strange = skipped ? '' : users('0:x:1003:1003::/:/bin/sh\nbig:x:4294967296:0::/:/bin/sh\nempty:x:::::\n')

  test.each(['4294967296', '2147483648', '-1', '0x0', '1000abc', '0', 'big', 'empty', 'nosuch', ' 0', '٠'])(
    '--user %j, in an image of strange users',
    user => {
      expect(run('-u', user, strange, 'id', '-u')).toMatchObject({ status: 125, stdout: '' })
    },
  )

  test('without --user it is root, whatever the image calls whom; a number needs no name', () => {
    expect(run('-u', '1000', users(''), 'id', '-u').stdout).toBe('1000\n')
    expect(run('-u', 'root', users(''), 'id', '-u').status).toBe(125)
    expect(run('-u', 'alice', users('alice:x:1000:1000::/:\nalice:x:0:0::/:\n'), 'id', '-u').stdout).toBe('1000\n')
  })
})

test.skipIf(skipped)(
  `row 40: the groups are exactly those of the image, the primary one among them (CVE-2022-36109, CVE-2023-25173)${skipped}`,
  () => {
    const root = users('alice:x:1000:1000::/:\n', 'alice:x:1000:\naudio:x:29:alice\nroot:x:0:\nwheel:x:10:bob\n')
    const groups = (...flags: string[]) =>
      run(...flags, root, 'sh', '-c', 'id -g; grep Groups /proc/self/status')
        .stdout.replace(/\s+/g, ' ')
        .trim()
    expect(groups('-u', 'alice')).toBe('1000 Groups: 29 1000')
    expect(groups('-u', '1000:29')).toBe('29 Groups: 29')
    expect(groups('-u', '5:6', '--group-add', '29')).toBe('6 Groups: 6 29')
  },
)

describe.skipIf(skipped || noTools)(`row 29: set-user-ID programs${skipped || noTools}`, () => {
  const root = skipped || noTools ? '' : withTools(world)

  test('give root, but not with no-new-privileges, nor from a tmpfs', () => {
    fs.copyFileSync('/usr/bin/id', `${root}/suid`)
    fs.chmodSync(`${root}/suid`, 0o4755)
    const as = (...flags: string[]) => run('-u', '1000', ...flags, ...TOOLS, root, '/suid', '-u').stdout
    expect(as()).toBe('0\n')
    expect(as('--security-opt', 'no-new-privileges')).toBe('1000\n')
    const copy = 'cp -p /suid /t/; chmod 4755 /t/suid; exec setpriv --reuid 1000 /t/suid -u'
    expect(run('--tmpfs', '/t:exec', ...TOOLS, root, 'sh', '-c', copy).stdout).toBe('1000\n')
  })

  test('with no-new-privileges file capabilities give nothing either', () => {
    fs.copyFileSync('/usr/bin/cat', `${root}/cat`)
    execFileSync('setcap', ['cap_chown+ep', `${root}/cat`])
    const as = (...flags: string[]) =>
      /CapEff:\t(\w+)/.exec(run('-u', '1000', ...flags, ...TOOLS, root, '/cat', '/proc/self/status').stdout)?.[1]
    expect(as()).toBe('0000000000000001')
    expect(as('--security-opt', 'no-new-privileges')).toBe('0000000000000000')
  })

  test('an init beside the program of an ordinary user has no more rights than that', () => {
    const look = ['--init', 'busybox', 'grep', '-h', 'Cap[PE]', '/proc/1/status', '/proc/self/status']
    const none = 'CapPrm:\t0000000000000000\nCapEff:\t0000000000000000\n'
    expect(run('-u', '1000', ...look).stdout).toBe(none + none)
  })
})

describe.skipIf(skipped)(`row 18: /etc/passwd and /etc/group of an image that are something else${skipped}`, () => {
  const lies: [string, (at: string) => void][] = [
    ['a link to the host', link(`${UP}${witness.file}`)],
    ['an absolute link to the host', link(witness.file)],
    ['a link through /proc', link(`/proc/self/cwd${UP}etc/passwd`)],
    ['a FIFO, which never answers', at => execFileSync('mkfifo', [at])],
    ['a device without end', at => execFileSync('mknod', [at, 'c', '1', '5'])],
    ['five gigabytes of nothing', at => execFileSync('truncate', ['-s', '5G', at])],
    ['a directory', at => fs.mkdirSync(at)],
  ]

  test.each(lies)(
    '%s: nobody of that name, no waiting, nothing read (CVE-2024-9676, CVE-2026-47262)',
    (_what, make) => {
      for (const name of ['passwd', 'group']) {
        const root = image(world, root => put(root, `etc/${name}`, make))
        const { status, stdout, stderr } = run('-u', 'root:nosuch', root, 'id')
        expect([status, stdout]).toEqual([125, ''])
        expect(stderr).not.toContain(witness.secret)
      }
    },
  )

  test('a passwd of the host is not found through a link of the image', () => {
    const passwd = `${witness.beside()}/passwd`
    fs.writeFileSync(passwd, 'outsider:x:4711:4711::/:\n')
    const root = image(world, root => put(root, 'etc/passwd', link(`${UP}${passwd}`)))
    expect(run('-u', 'outsider', root, 'id', '-u')).toMatchObject({ status: 125, stdout: '' })
    put(root, passwd, at => fs.copyFileSync(passwd, at))
    expect(run('-u', 'outsider', root, 'id', '-u').stdout, 'the image’s own is').toBe('4711\n')
  })
})

describe.skipIf(skipped)(`row 41: users of its own (CVE-2021-21284)${skipped}`, () => {
  const MAP = ['--uidmap', '0:200000:1000', '--gidmap', '0:300000:1000']
  const can = skipped ? { status: 0, stderr: '' } : run(...MAP, 'busybox', 'true')
  const old = can.status !== 0 && can.stderr.includes('Linux 6.5')
  const names = ['uid_map', 'gid_map'].map(name => `/proc/self/${name}`)

  test.skipIf(old)('the maps are exact, and what it makes belongs to nobody else (id-mapped layers needed)', () => {
    const volume = witness.beside()
    fs.chmodSync(volume, 0o777)
    const script = `cat ${names.join(' ')}; touch /v/root; chown 7:9 /v/root; touch /v/other; chown 1000 /v/other 2>/dev/null && echo outside`
    const { stdout } = run(...MAP, '-v', `${volume}:/v`, 'busybox', 'sh', '-c', script)
    expect(stdout.replace(/ +/g, ' ').trim().split('\n')).toEqual(['0 200000 1000', ' 0 300000 1000'])
    const owner = (name: string) => [fs.statSync(`${volume}/${name}`).uid, fs.statSync(`${volume}/${name}`).gid]
    expect([owner('root'), owner('other')]).toEqual([
      [200007, 300009],
      [200000, 300000],
    ])
  })

  test.skipIf(old)('its root is nobody on the host, with all capabilities too (id-mapped layers needed)', () => {
    const volume = witness.beside() // 0700, of root
    fs.writeFileSync(`${volume}/secret`, 'root’s', { mode: 0o600 })
    execFileSync('mknod', ['-m', '666', `${volume}/zero`, 'c', '1', '5'])
    const script = `cd /; cat /v/secret; touch /v/new && echo new; chown 0 /v && echo owner; head -c1 /v/zero
      mknod /null c 1 3 && : >/null && echo device; mount -t tmpfs none /mnt
      for f in kernel/core_pattern vm/drop_caches; do (: >>/proc/sys/$f) && echo $f; done; (: >>/proc/sysrq-trigger) && echo sysrq
      head -c1 /proc/kcore; chroot /proc/1/root true; true`
    const flags = [...MAP, '-v', `${volume}:/v`, '--cap-add', 'ALL', '--security-opt', 'seccomp=unconfined']
    const open = ['--security-opt', 'systempaths=unconfined']
    expect(run(...flags, ...open, 'busybox', 'sh', '-c', script)).toMatchObject({ status: 0, stdout: '' })
    expect(fs.readdirSync(volume)).toEqual(['secret', 'zero'])
    expect(run('-v', `${volume}:/v`, 'busybox', 'cat', '/v/secret').stdout, 'root of the host can').toBe('root’s')
  })
})
