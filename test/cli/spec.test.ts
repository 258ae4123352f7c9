import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import { nothing, skipped, World } from './toolkit.ts'

const world = new World()
afterAll(() => world.end())
afterEach(() => {
  expect(world.left()).toEqual(nothing)
})

describe.skipIf(skipped)(`spec${skipped}`, () => {
  test('a config.json on stdout, and what it does not say on stderr', () => {
    const { status, stdout, stderr } = world.toolkit(['spec', '--net', 'bridge', '-u', '5', 'busybox', 'ls', '-l', '/'])
    expect(status).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({
      process: { args: ['ls', '-l', '/'], user: { uid: 5, gid: 0 } },
      root: { path: world.rootfs },
    })
    for (const line of stderr.trimEnd().split('\n')) expect(line).toMatch(/^toolkit: not in the spec: \S/)
    expect(stderr).toContain('bridge')
  })

  test('makes nothing, and needs no root', () => {
    const before = fs.readdirSync(world.state)
    const asNobody = 'chmod 755 $TOOLKIT_STATE; setpriv --reuid 65534 --clear-groups $TOOLKIT spec -m 64m'
    const { status, stdout } = world.shell(`${asNobody} --read-only -v /etc/hosts:/etc/hosts:ro busybox true`)
    expect(status).toBe(0)
    expect(JSON.parse(stdout).linux.resources.memory.limit).toBe(64 << 20)
    expect(fs.readdirSync(world.state)).toEqual(before)
  })

  test.each([
    [[], /^toolkit: spec: which root file system\?/],
    [['busybox'], /^toolkit: spec: which command in busybox\?/],
    [['--dry-run', 'busybox', 'true'], /^toolkit: spec: unknown flag --dry-run/],
    [['/no/such', 'true'], /^toolkit: no such root file system: \/no\/such/],
    [['-m', 'much', 'busybox', 'true'], /--memory much/],
    [['--mount', 'type=bind,source=/no/such,target=/x', 'busybox', 'true'], /there is no \/no\/such on this machine/],
    [['--security-opt', 'seccomp=/no/such', 'busybox', 'true'], /seccomp=\/no\/such: cannot be read/],
  ])('%j: one line, its exit code, and no JSON', (words, line) => {
    const { status, stdout, stderr } = world.toolkit(['spec', ...words])
    expect([status, stdout]).toEqual([/--(dry-run|memory)\b/.test(stderr) ? 125 : 1, ''])
    expect(stderr).toMatch(line)
    expect(stderr.trimEnd()).not.toContain('\n')
  })
})

const runc = spawnSync('runc', ['--version']).status === 0
const why = skipped || (runc ? '' : ' (skipped: runc is not installed)')

test.skipIf(why)(`what is printed is a bundle that runc runs${why}`, () => {
  const { status, stdout, stderr } = world.shell(`
    mkdir $TOOLKIT_STATE/bundle && cd $TOOLKIT_STATE/bundle
    $TOOLKIT spec --read-only --hostname other busybox hostname >config.json 2>not-said
    runc --root $TOOLKIT_STATE/runc run toolkit-test-$$`)
  expect([status, stdout, stderr]).toEqual([0, 'other\n', ''])
})
