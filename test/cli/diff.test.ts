import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { afterAll, beforeAll, expect, test } from 'vitest'

const state = mkdtempSync(`${tmpdir()}/diff-`)
const id = '0123456789ab'
afterAll(() => rmSync(state, { recursive: true }))
beforeAll(() => {
  const rootfs = `${state}/image`
  const upper = `${state}/containers/ended/${id}/upper`
  mkdirSync(`${rootfs}/etc`, { recursive: true })
  mkdirSync(`${upper}/etc`, { recursive: true })
  writeFileSync(`${rootfs}/etc/hosts`, '')
  writeFileSync(`${upper}/etc/hosts`, '')
  writeFileSync(`${upper}/etc/\x1b[2J`, '')
  const described = {
    version: 2,
    id: id.padEnd(64, '0'),
    name: 'box',
    rootfs,
    args: [],
    autoRemove: false,
    created: '',
  }
  writeFileSync(`${upper}/../state.json`, JSON.stringify(described))
})

const diff = (...args: string[]) => {
  const script = `const { main } = await import('${import.meta.dirname}/../../toolkit/cli/diff.ts')
    await main(process.argv.slice(1)).catch(error => { console.error(error.message); process.exitCode = error.exitCode })`
  return spawnSync(process.execPath, ['--input-type=module', '-e', script, '--', ...args], {
    encoding: 'utf8',
    env: { ...process.env, TOOLKIT_STATE: state },
  })
}

test('a line a change, what would steer a terminal as escapes; by id or by name', () => {
  const lines = 'C /etc\nA /etc/\\x1b[2J\nC /etc/hosts\n'
  expect(diff(id.slice(0, 4))).toMatchObject({ status: 0, stdout: lines })
  expect(diff('box').stdout).toBe(lines)
})

test('one that has ended just now, and is not put away yet', () => {
  const live = `${state}/containers/live/fedcba987654`
  cpSync(`${state}/containers/ended/${id}`, live, { recursive: true })
  const described = { ...JSON.parse(readFileSync(`${live}/state.json`, 'utf8')), id: 'fedcba987654'.padEnd(64, '0') }
  writeFileSync(`${live}/state.json`, JSON.stringify({ ...described, name: 'other', finished: '2026-01-31T12:00:00Z' }))
  expect(diff('fedc')).toMatchObject({ status: 0, stderr: '', stdout: diff('box').stdout })
  rmSync(live, { recursive: true })
})

test('--json', () => {
  const changes = JSON.parse(diff('--json', 'box').stdout)
  expect(changes[1]).toEqual({ kind: 'A', path: '/etc/\x1b[2J' })
  expect(changes).toHaveLength(3)
})

test('no container, two containers, an unknown one', () => {
  expect(diff()).toMatchObject({ status: 1, stderr: "diff: give one container; 'toolkit ps -a' lists them\n" })
  expect(diff('a', 'b').status).toBe(1)
  expect(diff('nobody')).toMatchObject({ status: 1, stdout: '' })
})
