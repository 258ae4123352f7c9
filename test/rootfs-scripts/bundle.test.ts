// What bundle.sh refuses and what it leaves when it is ended; that its bundle is enough is in provision.test.ts.
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeEach, describe, expect, test } from 'vitest'

const scratch = mkdtempSync(join(tmpdir(), 'bundle-'))
afterAll(() => rmSync(scratch, { recursive: true, force: true }))
let cwd: string
beforeEach(() => {
  cwd = mkdtempSync(`${scratch}/cwd-`)
})

const script = resolve('rootfs-scripts/bundle.sh')
const bundle = (...args: string[]) => spawnSync(script, args, { cwd, encoding: 'utf8' })

const reason = spawnSync('sh', ['-c', 'command -v dpkg']).status === 0 ? '' : ' (skipped: needs Debian or Ubuntu)'

describe.skipIf(reason)(`bundle.sh${reason}`, () => {
  test.each([
    [['--wat'], 'no such option: --wat; see --help'],
    [['--arch'], '--arch needs a value; see --help'],
    [['--arch', 'riscv64'], 'toolkit runs on amd64 and arm64, not on riscv64'],
    [['one', 'two'], 'one file, not two: one, two'],
  ])('refuses %j with a line', (args, said) => {
    expect(bundle(...args)).toMatchObject({ status: 1, stdout: '', stderr: `bundle.sh: ${said}\n` })
    expect(readdirSync(cwd)).toEqual([])
  })

  test('refuses a place where nothing can be written', () => {
    const { status, stderr } = bundle('/proc/nowhere/x.bundle')
    expect(status).toBe(1)
    expect(stderr).toContain('bundle.sh: cannot write to /proc/nowhere\n')
  })

  const noNetwork =
    spawnSync('unshare', ['-n', 'true']).status === 0 ? '' : ' (skipped: cannot make a network namespace)'
  test.skipIf(noNetwork)(`says that it cannot get all, and leaves nothing${noNetwork}`, () => {
    const { status, stderr } = spawnSync('unshare', ['-n', script, 'x.bundle'], {
      cwd,
      encoding: 'utf8',
      env: { ...process.env, npm_config_cache: `${cwd}/empty` },
    })
    expect(status).toBe(1)
    expect(stderr).toMatch(/bundle\.sh: cannot download all that npm ci needs; run this again with a network\n$/)
    expect(readdirSync(cwd)).toEqual([])
  })

  test.each([20, 200, 600])('leaves nothing when it is ended after %i ms', async delay => {
    const child = spawn(script, ['--suites', '', 'x.bundle'], { cwd, stdio: 'ignore' })
    await sleep(delay)
    child.kill('SIGTERM')
    const [code] = await once(child, 'exit')
    expect(readdirSync(cwd)).toEqual(code === 0 ? ['x.bundle'] : [])
  })
})
