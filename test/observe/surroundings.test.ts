// Made-up machines: a directory with the marks that docker, podman, LXC, systemd and WSL leave.
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { readSurroundings } from '../../toolkit/observe/surroundings.ts'

const scratch = mkdtempSync(join(tmpdir(), 'surroundings-'))
afterAll(() => rmSync(scratch, { recursive: true, force: true }))

const FIRST = { pid: 4026531836, uts: 4026531838, ipc: 4026531839 }
const DEBIAN = '6.12.43+deb13-amd64'

/** A root directory with these files; `pid` is the number of its pid namespace. */
function machine(files: Record<string, string>, pid = FIRST.pid): string {
  const root = mkdtempSync(join(scratch, 'root-'))
  mkdirSync(`${root}/proc/self/ns`, { recursive: true })
  for (const [type, inode] of Object.entries({ ...FIRST, pid }))
    symlinkSync(`${type}:[${inode}]`, `${root}/proc/self/ns/${type}`)
  for (const [path, text] of Object.entries({ 'proc/sys/kernel/osrelease': DEBIAN, ...files })) {
    mkdirSync(dirname(`${root}/${path}`), { recursive: true })
    writeFileSync(`${root}/${path}`, text)
  }
  return root
}
const OWN = 4026532261 // a pid namespace that somebody has made

describe('a container', () => {
  test.each([
    ['docker', { '.dockerenv': '' }],
    ['podman', { 'run/.containerenv': 'engine="podman-5.4.2"\n' }],
    ['lxc', { 'run/systemd/container': 'lxc\n' }],
    ['systemd-nspawn', { 'proc/1/environ': 'TERM=xterm\0container=systemd-nspawn\0' }],
    ['docker', { '.dockerenv': '', 'proc/sys/kernel/osrelease': '6.6.87.2-microsoft-standard-WSL2' }],
  ] as const)('%s by %o', (engine, marks) => {
    expect(readSurroundings(machine(marks, OWN))).toEqual({ kind: 'container', engine })
  })

  test('is none with the mark alone: an image that has become a machine', () => {
    expect(readSurroundings(machine({ '.dockerenv': '' }))).toEqual({ kind: 'machine' })
  })

  test('is none with a pid namespace alone: unshare', () => {
    expect(readSurroundings(machine({}, OWN))).toEqual({ kind: 'machine' })
  })
})

describe('WSL', () => {
  test.each([
    ['5.15.167.4-microsoft-standard-WSL2', 2],
    ['4.19.128-microsoft-standard', 2],
    ['4.4.0-19041-Microsoft', 1],
  ] as const)('%s', (release, version) => {
    expect(readSurroundings(machine({ 'proc/sys/kernel/osrelease': release }))).toEqual({ kind: 'wsl', version })
  })

  test('also where systemd calls it a container, in the namespaces that it makes for a distribution', () => {
    const marks = { 'proc/sys/kernel/osrelease': '6.6.87.2-microsoft-standard-WSL2', 'run/systemd/container': 'wsl\n' }
    expect(readSurroundings(machine(marks, OWN))).toEqual({ kind: 'wsl', version: 2 })
  })
})

test('a machine of its own, and one whose /proc tells nothing', () => {
  expect(readSurroundings(machine({}))).toEqual({ kind: 'machine' })
  expect(readSurroundings(`${scratch}/nowhere`)).toEqual({ kind: 'machine' })
})
