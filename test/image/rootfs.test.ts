import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { packageDir } from '../../toolkit/image/paths.ts'
import { ensureBusybox, findRootfs } from '../../toolkit/image/rootfs.ts'
import { UsageError } from '../../toolkit/kernel/usage-error.ts'
import { staticBusybox } from '../rootfs-scripts/static-busybox.ts'

const { busybox, missing } = staticBusybox()
const because = (reason: string | undefined): string => (reason ? ` (skipped: ${reason})` : '')

let state: string
let said: string
beforeEach(() => {
  state = mkdtempSync(join(tmpdir(), 'state-'))
  vi.stubEnv('TOOLKIT_STATE', state)
  vi.stubEnv('BUSYBOX', busybox)
  said = ''
  vi.spyOn(process.stderr, 'write').mockImplementation(text => {
    said += text
    return true
  })
})
afterEach(() => {
  vi.restoreAllMocks()
  vi.unstubAllEnvs()
  rmSync(state, { recursive: true, force: true })
})

/** A BUSYBOX='' world in which nothing can be found or downloaded. */
function onAnEmptyMachine(): void {
  vi.stubEnv('BUSYBOX', '')
  const bin = join(state, 'bin')
  mkdirSync(bin)
  for (const program of ['readlink', 'od', 'tr', 'ls', 'mkdir', 'rm']) {
    const real = spawnSync('sh', ['-c', 'command -v "$0"', program], { encoding: 'utf8' }).stdout.trim()
    writeFileSync(join(bin, program), `#!/bin/sh\nexec ${real} "$@"\n`)
    chmodSync(join(bin, program), 0o755)
  }
  vi.stubEnv('PATH', bin)
}

describe('findRootfs', () => {
  test('a directory, as an absolute path', () => {
    expect(findRootfs('.')).toBe(process.cwd())
    expect(findRootfs(state)).toBe(state)
  })

  test('the name busybox is the one that we made', () => {
    mkdirSync(`${state}/rootfs/busybox/bin`, { recursive: true })
    writeFileSync(`${state}/rootfs/busybox/bin/busybox`, '')
    expect(findRootfs('busybox')).toBe(`${state}/rootfs/busybox`)
  })

  test.each([
    ['/no/where', 'no such root file system: /no/where'],
    ['package.json', 'not a directory: package.json'],
    ['busybox', 'there is no busybox root file system yet'],
    ['', 'no such root file system'],
  ])('%j is refused in one line', (name, message) => {
    const error = catchError(() => findRootfs(name))
    expect(error).toBeInstanceOf(UsageError)
    expect(error.exitCode).toBe(undefined)
    expect(error.message).toContain(message)
    expect(error.message).not.toContain('\n')
  })
})

describe('ensureBusybox', () => {
  test.skipIf(missing)(`makes it, and says so in one line${because(missing)}`, async () => {
    await ensureBusybox({ yes: false, interactive: true }) // nothing is downloaded, so there is nothing to ask
    expect(said).toMatch(/^made [^\n]*\n$/)
    expect(existsSync(`${findRootfs('busybox')}/bin/sh`)).toBe(true)
  })

  test('does nothing where it is there', async () => {
    mkdirSync(`${state}/rootfs/busybox/bin`, { recursive: true })
    writeFileSync(`${state}/rootfs/busybox/bin/busybox`, '')
    await ensureBusybox({ yes: false, interactive: true })
    expect(said).toBe('')
  })

  test('says what it will do, and in one line why it cannot', async () => {
    onAnEmptyMachine()
    const error = await ensureBusybox({ yes: true, interactive: true }).catch(error => error)
    expect(said).toMatch(/busybox-static \(about 1 MB\)/)
    expect(error).toBeInstanceOf(UsageError)
    expect(error.message).toMatch(/^this machine has no static busybox[^\n]*BUSYBOX=[^\n]*$/)
    expect(existsSync(`${state}/rootfs`)).toBe(false)
  })

  test('a BUSYBOX that will not do is refused, not replaced', async () => {
    vi.stubEnv('BUSYBOX', '/bin/sh')
    const error = await ensureBusybox({ yes: true }).catch(error => error)
    expect(error.message).toBe('BUSYBOX=/bin/sh is not a static 64 bit program')
    expect(said).toBe('')
  })

  const pty = spawnSync('script', ['--version']).status === 0 ? undefined : 'needs script(1)'
  test.skipIf(pty)(`a person at a terminal is asked, and no is no${because(pty)}`, () => {
    onAnEmptyMachine()
    const source = `import { ensureBusybox } from ${JSON.stringify(`${packageDir()}/toolkit/image/rootfs.ts`)}
      await ensureBusybox({ yes: false }).catch(error => { console.error(error.message) })`
    writeFileSync(`${state}/ask.mts`, source)
    const env = { TOOLKIT_STATE: state, PATH: process.env.PATH, SHELL: '/bin/sh' }
    const { stdout } = spawnSync('/usr/bin/script', ['-qec', `${process.execPath} ${state}/ask.mts`, '/dev/null'], {
      env,
      input: 'n\n',
      encoding: 'utf8',
    })
    expect(stdout).toContain('Go on? [y/N]')
    expect(stdout).toContain('nothing downloaded')
    expect(existsSync(`${state}/rootfs`)).toBe(false)
  })
})

function catchError(act: () => unknown): UsageError {
  try {
    act()
  } catch (error) {
    return error as UsageError
  }
  throw new Error('it did not throw')
}
