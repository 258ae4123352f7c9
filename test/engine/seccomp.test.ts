// Compiled filters are kept, and nothing but what we have written ourselves is taken for one.
import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { REVISION, seccompSteps } from '../../toolkit/engine/seccomp.ts'
import type { Struct } from '../../toolkit/kernel/step.ts'
import { UsageError } from '../../toolkit/kernel/usage-error.ts'
import { compile, defaultProfile, reduce } from '../../toolkit/primitives/seccomp.ts'

const capabilities = `CAP_CHOWN CAP_DAC_OVERRIDE CAP_FOWNER CAP_FSETID CAP_KILL CAP_SETGID CAP_SETUID CAP_SETPCAP
  CAP_NET_BIND_SERVICE CAP_NET_RAW CAP_SYS_CHROOT CAP_MKNOD CAP_AUDIT_WRITE CAP_SETFCAP`.split(/\s+/)

let state: string
let before: string | undefined
beforeEach(() => {
  before = process.env.TOOLKIT_STATE
  state = mkdtempSync(join(tmpdir(), 'seccomp-cache-'))
  process.env.TOOLKIT_STATE = state
})
afterEach(() => {
  if (before === undefined) delete process.env.TOOLKIT_STATE
  else process.env.TOOLKIT_STATE = before
  rmSync(state, { recursive: true, force: true })
})

const cache = () => join(state, 'cache/seccomp')
const files = () => readdirSync(cache()).map(name => join(cache(), name))

async function filter(profile = 'default', caps = capabilities): Promise<Uint8Array> {
  const [step] = await seccompSteps({ profile, capabilities: caps })
  return (step!.args[2] as Struct).pointers![0]!.to
}

const custom = (name: string, text: string): string => {
  const path = join(state, name)
  writeFileSync(path, text)
  return path
}
const ALLOW = '{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": []}'

test('the same program, from the compiler and from the cache; the file is ours alone', async () => {
  const fresh = await filter()
  const [file, ...more] = files()
  expect(more).toEqual([])
  expect(statSync(file!).mode & 0o777).toBe(0o600)
  utimesSync(file!, 1, 1)
  expect(Buffer.from(await filter())).toEqual(Buffer.from(fresh))
  expect(statSync(file!).mtimeMs).toBe(1000) // not written again
})

test('other capabilities, other programs; their order does not matter', async () => {
  await filter()
  await filter('default', [...capabilities].reverse())
  expect(files()).toHaveLength(1)
  const more = await filter('default', [...capabilities, 'CAP_SYS_ADMIN'])
  expect(files()).toHaveLength(2)
  expect(Buffer.from(more)).not.toEqual(Buffer.from(await filter()))
})

test('unconfined is no step at all', async () => {
  expect(await seccompSteps({ profile: 'unconfined', capabilities })).toEqual([])
})

describe('R7: what lies in the cache and is not ours is passed over and made anew', () => {
  test.each<[string, (file: string) => void]>([
    ['cut short', file => truncateSync(file, statSync(file).size - 1)],
    ['empty', file => truncateSync(file, 0)],
    ['a header only', file => truncateSync(file, 20)],
    ['zeros', file => writeFileSync(file, Buffer.alloc(statSync(file).size))],
    ['longer', file => writeFileSync(file, 'x', { flag: 'a' })],
    [
      'one bit of the program turned',
      file => {
        const bytes = readFileSync(file)
        bytes[20 + 8 * 100 + 4]! ^= 1
        writeFileSync(file, bytes)
      },
    ],
    [
      'another revision',
      file => {
        const bytes = readFileSync(file)
        bytes[bytes.indexOf(`\n${process.arch} `) - 1]! ^= 1
        writeFileSync(file, bytes)
      },
    ],
    ['writable by others', file => chmodSync(file, 0o666)],
    ['another user’s', file => chownSync(file, 65534, 65534)],
    [
      'row 68: a link to a file elsewhere',
      file => {
        renameSync(file, `${file}.real`)
        symlinkSync(`${file}.real`, file)
      },
    ],
    [
      'a fifo, which would never answer',
      file => {
        rmSync(file)
        spawnSync('mkfifo', [file])
      },
    ],
  ])('%s', async (_what, spoil) => {
    const fresh = Buffer.from(await filter())
    const [file] = files()
    spoil(file!)
    expect(Buffer.from(await filter())).toEqual(fresh)
    expect(statSync(file!)).toMatchObject({ uid: process.getuid!() })
    expect(statSync(file!).mode & 0o777).toBe(0o600)
    utimesSync(file!, 1, 1)
    await filter()
    expect(statSync(file!).mtimeMs).toBe(1000) // good again
  })

  test('a directory in the file’s place, or a file in the directory’s: it works without', async () => {
    const fresh = Buffer.from(await filter())
    rmSync(cache(), { recursive: true })
    writeFileSync(cache(), '')
    expect(Buffer.from(await filter())).toEqual(fresh)
  })

  test('it does not grow without end', async () => {
    await filter()
    for (let i = 0; i < 70; i++) writeFileSync(join(cache(), `${i}.bpf`), '')
    await filter('default', [])
    expect(files()).toHaveLength(1)
  })
})

describe('a profile in a file', () => {
  test('is compiled, with its flags, and again when it has changed', async () => {
    const path = custom('p.json', ALLOW)
    expect(await filter(path)).toHaveLength(8 * 7)
    writeFileSync(path, '{"defaultAction": "SCMP_ACT_LOG", "flags": ["SECCOMP_FILTER_FLAG_LOG"]}')
    for (const _ of ['compiled', 'cached']) {
      const [step] = await seccompSteps({ profile: path, capabilities })
      expect(step!.args[1]).toBe(2)
    }
  })

  test.each<[string, () => string, RegExp]>([
    ['is not there', () => join(state, 'nowhere'), /cannot be read \(ENOENT\)/],
    ['is a directory', () => state, /not a file/],
    ['is endless', () => '/dev/zero', /not a file/],
    ['is too large', () => custom('big', ' '.repeat(2 ** 20 + 1)), /more than 1 MiB/],
    ['is not JSON', () => custom('bad', '{"defaultAction": "SCMP_ACT_ALLOW",}'), /not JSON: .*line 1 column 36/],
    ['has a wrong word', () => custom('word', '{"defaultAction": "ALLOW"}'), /defaultAction is "ALLOW": allowed are /],
  ])('that %s is one line that says so', async (_what, path, message) => {
    const wrong = seccompSteps({ profile: path(), capabilities })
    await expect(wrong).rejects.toThrow(UsageError)
    await expect(wrong).rejects.toThrow(message)
    await expect(wrong).rejects.toThrow(/^[^\n]+$/)
  })
})

test('the default programs are those of this REVISION: where they change on purpose, raise it and mend the numbers', () => {
  const sum = (bytes: Uint8Array) => bytes.reduce((sum, byte) => Math.imul(sum ^ byte, 0x01000193) >>> 0, 0x811c9dc5)
  const sums = (['x64', 'arm64'] as const).map(arch =>
    [capabilities, [...capabilities, 'CAP_SYS_ADMIN', 'CAP_SYSLOG', 'CAP_DAC_READ_SEARCH']].map(capabilities =>
      sum(compile(reduce(defaultProfile, { arch, capabilities, kernel: '6.1' }), { arch })),
    ),
  )
  expect([REVISION, sums]).toEqual([
    2,
    [
      [4101658354, 1519822131],
      [637036755, 257520938],
    ],
  ])
})
