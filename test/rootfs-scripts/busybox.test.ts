import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { script, staticBusybox } from './static-busybox.ts'

const { busybox, missing, downloaded } = staticBusybox()
const because = (reason: string | undefined): string => (reason ? ` (skipped: ${reason})` : '')

let cwd: string
beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), 'rootfs scripts-'))
})
afterEach(() => rmSync(cwd, { recursive: true, force: true }))

function run(args: string[], env: Record<string, string> = {}) {
  return spawnSync(script, args, { cwd, encoding: 'utf8', env: { ...process.env, BUSYBOX: busybox, ...env } })
}

/** Every file with what can change about it. */
const snapshot = (directory: string) =>
  globSync('**', { cwd: directory }).map(path => {
    const { ino, mode, mtimeMs, size } = statSync(join(directory, path), { throwIfNoEntry: false }) ?? {}
    return { path, ino, mode, mtimeMs, size }
  })

/** PATH with these programs only. */
function only(...programs: string[]): string {
  const bin = join(cwd, 'only')
  mkdirSync(bin)
  for (const program of programs) {
    const real = spawnSync('sh', ['-c', 'command -v "$0"', program], { encoding: 'utf8' }).stdout.trim()
    symlinkSync(real, join(bin, program))
  }
  return bin
}
const basics = 'sh ls rm cp mv mkdir readlink cat id dirname od tr grep head tail cut chmod chown ln'.split(' ')

describe.skipIf(missing)(`busybox.sh DIR${because(missing)}`, () => {
  test('makes what a container needs', () => {
    expect(run(['root'])).toMatchObject({ status: 0, stdout: '' })
    expect(readdirSync(cwd)).toEqual(['root'])
    const root = join(cwd, 'root')
    expect(readdirSync(root).sort()).toEqual(
      ['bin', 'dev', 'etc', 'proc', 'root', 'run', 'sbin', 'sys', 'tmp', 'usr', 'var'].sort(),
    )
    expect(statSync(root).mode & 0o7777).toBe(0o755)
    expect(statSync(`${root}/tmp`).mode & 0o7777).toBe(0o1777)
    expect(statSync(`${root}/root`).mode & 0o7777).toBe(0o700)
    expect(readFileSync(`${root}/etc/passwd`, 'utf8')).toMatch(/^root:x:0:0:/)
    expect(readFileSync(`${root}/etc/hosts`, 'utf8')).toContain('127.0.0.1 localhost')
    expect(readFileSync(`${root}/etc/resolv.conf`, 'utf8')).toBe('')
    expect(readlinkSync(`${root}/bin/sh`)).toBe('busybox')
    const links = globSync('{bin,sbin,usr/bin,usr/sbin}/*', { cwd: root })
    expect(links.length).toBeGreaterThan(200)
    for (const link of links) expect(statSync(join(root, link)).ino).toBe(statSync(`${root}/bin/busybox`).ino)
  })

  const root = process.getuid?.() === 0 ? undefined : 'needs root'
  test.skipIf(root)(`its programs run in it${because(root)}`, () => {
    run(['root'])
    const inside = spawnSync('chroot', ['root', '/bin/sh', '-c', 'whoami; pwd; ls / | head -n 1'], { cwd })
    expect(String(inside.stdout)).toBe('root\n/\nbin\n')
  })

  test('a second run changes nothing and says nothing', () => {
    run(['root'])
    const before = snapshot(join(cwd, 'root'))
    expect(run(['root'])).toMatchObject({ status: 0, stdout: '', stderr: '' })
    expect(snapshot(join(cwd, 'root'))).toEqual(before)
  })

  test.each(['a/b/c d', './x/', '../x', 'äö', '/tmp/../x'])('takes the directory %j', name => {
    const target = name.startsWith('/') ? cwd + name : name
    mkdirSync(join(cwd, 'tmp'))
    expect(spawnSync(script, [target], { cwd: `${cwd}/tmp`, env: { ...process.env, BUSYBOX: busybox } }).status).toBe(0)
    expect(existsSync(resolve(cwd, 'tmp', target, 'bin/sh'))).toBe(true)
  })

  test('fills a directory that is empty, and the place a link points to', () => {
    mkdirSync(join(cwd, 'empty'))
    symlinkSync('elsewhere', join(cwd, 'link'))
    expect(run(['empty']).status).toBe(0)
    expect(run(['link']).status).toBe(0)
    expect(readdirSync(cwd).sort()).toEqual(['elsewhere', 'empty', 'link'])
  })

  test('two at once both succeed', async () => {
    const env = { ...process.env, BUSYBOX: busybox }
    const runs = [1, 2, 3].map(() => once(spawn(script, ['root'], { cwd, env, stdio: 'ignore' }), 'exit'))
    expect((await Promise.all(runs)).map(([code]) => code)).toEqual([0, 0, 0])
    expect(readdirSync(cwd)).toEqual(['root'])
  })

  test.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)('leaves nothing when %s ends it, at any moment', async signal => {
    for (const delay of [5, 20, 40, 80, 120, 160]) {
      const env = { ...process.env, BUSYBOX: busybox }
      const child = spawn(script, ['deep/er/root'], { cwd, env, stdio: 'ignore' })
      await sleep(delay)
      child.kill(signal)
      const [code] = await once(child, 'exit')
      expect(readdirSync(cwd)).toEqual(code === 0 ? ['deep'] : [])
      rmSync(join(cwd, 'deep'), { recursive: true, force: true })
    }
  })

  test('clears away what a killed run left', async () => {
    const child = spawn(script, ['root'], { cwd, env: { ...process.env, BUSYBOX: busybox }, stdio: 'ignore' })
    while (readdirSync(cwd).length === 0) await sleep(1)
    child.kill('SIGKILL')
    await once(child, 'exit')
    expect(readdirSync(cwd)).toEqual([`.busybox-rootfs-${child.pid}`])
    expect(run(['root']).status).toBe(0)
    expect(readdirSync(cwd)).toEqual(['root'])
  })

  test('a busybox that cannot run leaves nothing', () => {
    const broken = join(cwd, 'broken')
    writeFileSync(broken, readFileSync(busybox).subarray(0, 0x400)) // the program headers are there, the code is not
    chmodSync(broken, 0o755)
    const { status, stderr } = run(['root'], { BUSYBOX: broken })
    expect(status).toBe(1)
    expect(stderr).toContain('busybox.sh: cannot run')
    expect(readdirSync(cwd)).toEqual(['broken'])
  })

  const fromHere = downloaded ? undefined : 'this machine has a static busybox of its own'
  test.skipIf(fromHere)(`downloads nothing into the machine itself${because(fromHere)}`, () => {
    expect(spawnSync('dpkg', ['-s', 'busybox-static']).status).not.toBe(0)
  })
})

describe('busybox.sh refuses with one line', () => {
  const oneLine = expect.stringMatching(/^busybox\.sh: [^\n]+\n$/)

  test('a directory with something else in it', () => {
    mkdirSync(join(cwd, 'home'))
    writeFileSync(join(cwd, 'home/letter'), 'dear')
    expect(run(['home'])).toMatchObject({ status: 1, stderr: oneLine })
    expect(readdirSync(join(cwd, 'home'))).toEqual(['letter'])
  })

  test('a file', () => {
    writeFileSync(join(cwd, 'file'), '')
    expect(run(['file'])).toMatchObject({ status: 1, stderr: oneLine })
  })

  test('a place where nothing can be written', () => {
    expect(run(['/proc/nowhere/root'])).toMatchObject({ status: 1, stderr: oneLine })
  })

  test('a BUSYBOX that is dynamic, or none', () => {
    expect(run(['root'], { BUSYBOX: '/bin/sh' })).toMatchObject({ status: 1, stderr: oneLine })
    expect(run(['root'], { BUSYBOX: '/nowhere' })).toMatchObject({ status: 1, stderr: oneLine })
    expect(readdirSync(cwd)).toEqual([])
  })

  test('a machine without busybox and apt-get, and says how to get one', () => {
    const { status, stderr } = run(['root'], { BUSYBOX: '', PATH: only(...basics) })
    expect(status).toBe(1)
    expect(stderr).toEqual(oneLine)
    expect(stderr).toMatch(/no apt-get.*BUSYBOX=/)
    expect(readdirSync(cwd)).toEqual(['only'])
  })

  const reason =
    spawnSync('unshare', ['-n', 'true']).status !== 0
      ? 'cannot make a network namespace'
      : spawnSync('sh', ['-c', 'command -v apt-get']).status !== 0
        ? 'needs apt-get'
        : undefined
  test.skipIf(reason)(`a machine without network, and says how to get one${because(reason)}`, () => {
    const PATH = only(...basics, 'apt-get', 'dpkg-deb', 'dpkg')
    const { status, stderr } = spawnSync('/usr/bin/unshare', ['-n', script, 'root'], {
      cwd,
      encoding: 'utf8',
      env: { PATH, BUSYBOX: '' },
    })
    expect(status).toBe(1)
    expect(stderr).toMatch(/^busybox\.sh: downloading .*\nbusybox\.sh: cannot download .*BUSYBOX=.*\n$/)
    expect(readdirSync(cwd)).toEqual(['only'])
  })
})
