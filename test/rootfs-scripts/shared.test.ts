// package-lock.json as shell and awk read it, held against JSON.parse.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'

const scratch = mkdtempSync(join(tmpdir(), 'shared-'))
afterAll(() => rmSync(scratch, { recursive: true, force: true }))

const shared = resolve('rootfs-scripts/shared.sh')
const sh = (script: string, ...args: string[]) =>
  spawnSync('sh', ['-euc', `. "${shared}"; ${script}`, 'sh', ...args], { encoding: 'utf8' })

interface Entry {
  version: string
  integrity?: string
  resolved?: string
  cpu?: string | string[]
  os?: string | string[]
  libc?: string | string[]
}
const entries = (text: string) =>
  Object.entries((JSON.parse(text) as { packages: Record<string, Entry> }).packages).filter(([path]) => path !== '')
const lock = readFileSync('package-lock.json', 'utf8')

const fits = (list: string | string[] | undefined, wanted: string) =>
  list === undefined || [list].flat().includes(wanted)

describe.each(['x64', 'arm64'])('npm_packages for %s', cpu => {
  const { stdout } = sh('npm_packages package-lock.json "$1"', cpu)
  const lines = stdout.trim().split('\n')

  test('are those that npm ci would install', () => {
    const expected = entries(lock)
      .filter(([, { cpu: cpus, os, libc }]) => fits(cpus, cpu) && fits(os, 'linux') && fits(libc, 'glibc'))
      .map(([path, { version, integrity }]) => {
        const name = path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length)
        const sum = Buffer.from(integrity!.replace('sha512-', ''), 'base64').toString('hex')
        const address = `https://registry.npmjs.org/${name}/-/${name.split('/').at(-1)}-${version}.tgz`
        return `content-v2/sha512/${sum.slice(0, 2)}/${sum.slice(2, 4)}/${sum.slice(4)} ${sum} ${address}`
      })
    const ours = lines.filter(line => !line.includes('/npm/-/npm-'))
    expect(ours.toSorted()).toEqual([...new Set(expected)].toSorted())
    expect(ours.length).toBeGreaterThan(100)
  })

  test('and npm itself', () => {
    expect(
      lines.filter(line => /^content-v2\S+ [0-9a-f]{128} \S+\/npm\/-\/npm-11\.[0-9.]+\.tgz$/.test(line)),
    ).toHaveLength(1)
  })
})

test('npm_addresses adds the address of each package, and nothing else', () => {
  const { stdout } = sh('npm_addresses package-lock.json')
  for (const [path, { resolved, version }] of entries(stdout))
    expect([path, resolved]).toEqual([path, expect.stringMatching(`^https://registry.npmjs.org/.*-${version}.tgz$`)])
  expect(stdout.replace(/^ {6}"resolved": .*\n/gm, '')).toBe(lock)
})

describe('npm_fetch', () => {
  const text = 'a package'
  const sum = createHash('sha512').update(text).digest('hex')
  writeFileSync(`${scratch}/a-1.tgz`, text)
  const fetch = (wanted: string, address: string, cache: string) =>
    spawnSync('sh', ['-euc', `. "${shared}"; npm_fetch "$1"`, 'sh', cache], {
      encoding: 'utf8',
      input: `content-v2/x ${wanted} ${address}\n`,
    })
  const curl = spawnSync('sh', ['-c', 'command -v curl']).status === 0 ? '' : ' (skipped: needs curl)'

  test.skipIf(curl)(`puts a package where npm looks for it${curl}`, () => {
    expect(fetch(sum, `file://${scratch}/a-1.tgz`, `${scratch}/cache`)).toMatchObject({ status: 0, stderr: '' })
    expect(readFileSync(`${scratch}/cache/content-v2/x`, 'utf8')).toBe(text)
    // what is there is not fetched again
    expect(fetch(sum, 'file:///nowhere', `${scratch}/cache`).status).toBe(0)
  })

  test.skipIf(curl)(`keeps nothing that is not what the lock says${curl}`, () => {
    const { status, stderr } = fetch(sum.replace(/^./, '!'), `file://${scratch}/a-1.tgz`, `${scratch}/other`)
    expect(status).not.toBe(0)
    expect(stderr).toContain(`file://${scratch}/a-1.tgz is not what package-lock.json says`)
    expect(spawnSync('find', [`${scratch}/other`, '-type', 'f'], { encoding: 'utf8' }).stdout).toBe('')
  })
})

describe('sources', () => {
  const top = join(scratch, 'checkout')
  const put = (path: string, text = path) => {
    mkdirSync(dirname(`${top}/${path}`), { recursive: true })
    writeFileSync(`${top}/${path}`, text)
  }
  for (const path of ['a file', 'lessons/01/lesson.md', 'lessons/dist/x']) put(path)
  for (const path of [
    'node_modules/x/y',
    '.git/HEAD',
    '.vagrant/toolkit.tar',
    'dist/a',
    'dist.12/a',
    'x.log',
    'y.bundle',
    'z.box',
  ])
    put(path)

  test('are all but what is made from them', () => {
    expect(sh('sources "$1"', top).stdout).toBe('./a file\n./lessons/01/lesson.md\n./lessons/dist/x\n')
  })

  test('have one digest, which tells a changed file, a new one and a renamed one', () => {
    const digest = () => sh('digest "$1"', top).stdout.trim()
    const seen = [digest()]
    put('dist/a', 'built anew')
    expect(digest()).toBe(seen[0])
    put('a file', 'changed')
    seen.push(digest())
    put('b')
    seen.push(digest())
    rmSync(`${top}/b`)
    put('c', 'b')
    seen.push(digest())
    expect(new Set(seen).size).toBe(4)
    expect(seen.every(one => /^[0-9a-f]{64}$/.test(one))).toBe(true)
  })
})
