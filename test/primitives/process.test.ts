import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync } from 'node:fs'
import { afterAll, describe, expect, test } from 'vitest'
import { AT, F, O } from '../../toolkit/kernel/constants.ts'
import * as capabilities from '../../toolkit/primitives/capabilities.ts'
import { become } from '../../toolkit/primitives/credentials.ts'
import * as programs from '../../toolkit/primitives/process.ts'
import { call, plan, shell } from '../kernel/plans.ts'
import { carryOut, failure } from './carry-out.ts'

describe('checkDirectory', () => {
  test.each(['/', '/a', '/a/../b'])('%j is fine', cwd => expect(() => programs.checkDirectory(cwd)).not.toThrow())
  test.each(['', 'a', './a', '../a', '~'])('%j is not', cwd => {
    expect(() => programs.checkDirectory(cwd)).toThrow(`run: --workdir ${cwd || '""'}: allowed: an absolute path`)
  })
})

describe('the OOM score', () => {
  const read = async (oomScoreAdj: number | undefined) => {
    const steps = [...programs.oomScore({ process: { ...(oomScoreAdj !== undefined && { oomScoreAdj }) } })]
    return (await carryOut(plan(...steps, shell('cat /proc/self/oom_score_adj')))).output.trim()
  }

  test('is set, and left alone where nothing is said', async () => {
    expect(await read(789)).toBe('789')
    expect(await read(undefined)).toBe(readFileSync('/proc/self/oom_score_adj', 'utf8').trim())
  })

  const mayLower = capabilities.available().held.includes('CAP_SYS_RESOURCE')
  test.skipIf(mayLower)('lowering it without SYS_RESOURCE names the flag (a root without it needed)', async () => {
    const error = await failure(read(-999) as never)
    expect(error).toMatchObject({ call: 'write', code: 'EACCES', remedy: expect.stringContaining('--oom-score-adj') })
  })
})

describe.skipIf(process.getuid!() !== 0)('the working directory (needs root)', () => {
  const root = mkdtempSync('/tmp/cwd-')
  mkdirSync(`${root}/tmp`)
  afterAll(() => rmSync(root, { recursive: true }))
  const chosen = capabilities.choose({ add: [], drop: ['ALL'], privileged: false }, capabilities.available())

  const go = (cwd: string, uid = 0, ...before: ReturnType<typeof call>[]) =>
    carryOut(
      plan(
        ...before,
        ...programs.makeDirectory({ process: { cwd } }),
        ...become({ user: { uid, gid: uid, additionalGids: [] } }),
        ...capabilities.keep(chosen),
        ...programs.enterDirectory({ process: { cwd } }),
        ...capabilities.final(chosen),
        ...programs.closeOnExec(),
        shell('readlink /proc/self/cwd; ls /proc/self/fd | wc -l'),
      ),
    )

  test('is made, with all above it, and left as it is where it is there', async () => {
    const cwd = `${root}/new/a/b`
    expect((await go(`${root}/new/./a/../a/b/`)).output).toBe(`${cwd}\n4\n`) // 0, 1, 2 and that of ls
    expect(statSync(cwd).mode & 0o7777).toBe(0o755)
    mkdirSync(`${root}/kept`, 0o700)
    expect((await go(`${root}/kept`)).output).toContain(`${root}/kept\n`)
    expect(statSync(`${root}/kept`).mode & 0o7777).toBe(0o700)
    expect((await go('/')).output).toContain('/\n')
  })

  test('may be one that only root, or only the user, may enter', async () => {
    mkdirSync(`${root}/roots`, 0o700)
    expect((await go(`${root}/roots`, 1000)).output).toContain(`${root}/roots\n`)
  })

  test('a link in the image is followed, one that leads out through an open descriptor is not', async () => {
    const secret = mkdtempSync('/tmp/secret-')
    const inherited = [
      call('close_range', 3, 3, 0),
      call('openat', AT.FDCWD, secret, O.RDONLY | O.DIRECTORY, 0),
      call('fcntl', 3, F.DUPFD, 40),
    ]
    try {
      symlinkSync('tmp', `${root}/link`)
      expect((await go(`${root}/link`)).output).toContain(`${root}/tmp\n`)
      symlinkSync('/proc/self/fd/40', `${root}/escape`)
      for (const cwd of ['/proc/self/fd/40', '/proc/self/fd/40/x', `${root}/escape`, `${root}/escape/x/y`])
        expect(await failure(go(cwd, 0, ...inherited))).toMatchObject({ call: 'openat2', code: 'ELOOP' })
      for (const cwd of ['/proc/self/cwd', '/proc/self/root'])
        expect(await failure(go(cwd))).toMatchObject({ call: 'openat2', code: 'ELOOP' })
      expect(statSync(secret).nlink).toBe(2) // nothing was made in it
    } finally {
      rmSync(secret, { recursive: true })
    }
  })

  test('cannot be a file', async () => {
    expect(await failure(go('/etc/passwd'))).toMatchObject({ call: 'openat2', code: 'ENOTDIR' })
  })
})
