import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { CLONE, SIG } from '../../toolkit/kernel/constants.ts'
import { ERRNO } from '../../toolkit/kernel/errno.ts'
import { listings, machineCode } from '../../toolkit/kernel/machine-code.ts'
import { elf } from '../../toolkit/kernel/runner.ts'
import { type SyscallName, syscalls } from '../../toolkit/kernel/syscalls.ts'
import { NOT_RUN } from '../../toolkit/kernel/table.ts'

const tools: Record<string, { prefix: string; debian: string; syntax: string }> = {
  x64: { prefix: 'x86_64-linux-gnu-', debian: 'binutils-x86-64-linux-gnu', syntax: '.intel_syntax noprefix\n' },
  arm64: { prefix: 'aarch64-linux-gnu-', debian: 'binutils-aarch64-linux-gnu', syntax: '' },
}

const has = (program: string): boolean => {
  try {
    execFileSync(program, ['--version'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

/** The right-hand side: instructions and labels, without bytes and comments. */
const sourceOf = (listing: string): string => listing.replace(/^ +(?:[0-9a-f]{2} )+/gm, '').replace(/#.*/g, '')

/** What GNU as makes of the right-hand side of a listing. */
function assemble(name: string): number[] {
  const { prefix, syntax } = tools[name]!
  const directory = mkdtempSync(join(tmpdir(), 'listing-'))
  const [source, object, binary] = ['a.s', 'a.o', 'a.bin'].map(file => join(directory, file)) as [
    string,
    string,
    string,
  ]
  try {
    writeFileSync(
      source,
      `${syntax}${sourceOf(listings[name]!)}
`,
    )
    execFileSync(`${prefix}as`, ['-o', object, source])
    execFileSync(`${prefix}objcopy`, ['-O', 'binary', '-j', '.text', object, binary])
    return [...readFileSync(binary)]
  } finally {
    rmSync(directory, { recursive: true })
  }
}

describe.each(Object.keys(listings))('the listing for %s', name => {
  const { prefix, debian } = tools[name]!
  const missing = has(`${prefix}as`) ? undefined : `needs Debian's ${debian}`

  test.skipIf(missing)(`is what the assembler makes of it${missing ? ` (skipped: ${missing})` : ''}`, () => {
    expect([...machineCode(name).bytes]).toEqual(assemble(name))
  })

  test('has bytes before every instruction', () => {
    const lines = listings[name]!.split('\n').filter(line => line.trim() && !line.endsWith(':'))
    for (const line of lines) expect(line).toMatch(/^ {2}(?=.{19} [a-z])(?:[0-9a-f]{2} )+ *[a-z]/)
  })
})

type Row = [call: SyscallName | 'jump', ...args: number[]]

/** The addresses of row `i` and of its result. */
const rowAt = (i: number) => TABLE + 64 * (i + 1)
const resultAt = (i: number) => rowAt(i) + 56
const JUMP = 4095

/** A table laid by hand, as table.ts does it: a header, the rows, and what they point to behind them. */
const TABLE = 0x10_0000_0000
const MEMORY = TABLE + 4096
function tableFor(arch: string, rows: readonly Row[], memory: Uint8Array): Buffer {
  const bytes = Buffer.alloc(0x10000) // a multiple of every page size
  for (const [i, value] of [TABLE, bytes.length, TABLE + 64].entries()) bytes.writeBigInt64LE(BigInt(value), 8 * i)
  for (const [i, [call, ...args]] of rows.entries()) {
    const at = 64 * (i + 1)
    bytes.writeInt32LE(call === 'jump' ? JUMP : syscalls[call][arch as 'x64' | 'arm64'], at)
    if (call === 'fchdir') bytes.writeUInt8(1, at + 2) // every error is as good
    if (call === 'mkdirat') bytes.writeUInt32LE((1 << (ERRNO.EEXIST - 16)) | (1 << (ERRNO.ENOTDIR - 16)), at + 4)
    if (call === 'clone') args[2] = TABLE + at + 56
    for (const [j, arg] of args.entries()) bytes.writeBigInt64LE(BigInt(arg), at + 8 + 8 * j)
    bytes.writeBigInt64LE(BigInt(NOT_RUN), at + 56)
  }
  bytes.set(memory, MEMORY - TABLE)
  return bytes
}

describe.each(Object.keys(listings))('the program for %s', arch => {
  const emulator = arch === process.arch ? [] : ['qemu-aarch64']
  const missing = emulator.every(has) ? undefined : 'needs that processor, or Debian’s qemu-user on x86-64'
  const skipped = missing ? ` (skipped: ${missing})` : ''
  let directory: string
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'program-'))
    writeFileSync(join(directory, 'runner'), elf(arch), { mode: 0o755 })
  })
  afterAll(() => rmSync(directory, { recursive: true }))

  function run(rows: readonly Row[], memory = '') {
    const table = join(directory, 'table')
    writeFileSync(table, tableFor(arch, rows, Buffer.from(memory, 'latin1')))
    const fd = openSync(table, 'r+')
    const [command = '', ...args] = [...emulator, join(directory, 'runner')]
    const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit', fd] })
    closeSync(fd)
    const stdout = child.stdout!
    const output = text(stdout)
    return {
      child,
      stdout,
      async end() {
        const [code] = (await once(child, 'exit')) as [number]
        const bytes = readFileSync(table)
        return {
          code,
          output: await output,
          results: rows.map((_, i) => Number(bytes.readBigInt64LE(64 * (i + 1) + 56))),
        }
      },
    }
  }

  test.skipIf(missing)(`goes on after success and an allowed error, and ends at another${skipped}`, async () => {
    const rows: Row[] = [
      ['write', 1, MEMORY, 3],
      ['mkdirat', -100, MEMORY + 4, 0],
      ['umask', 0o77],
      ['chdir', MEMORY],
      ['exit_group', 1],
    ]
    const { code, output, results } = await run(rows, 'hi\n\0/\0').end()
    expect(code).toBe(127)
    expect(output).toBe('hi\n')
    expect(results).toEqual([3, -ERRNO.EEXIST, expect.any(Number), -ERRNO.ENOENT, NOT_RUN])
  })

  const SETMASK = 2
  const masks = '\xff'.repeat(8) + '\0'.repeat(8)
  const forked: Row[] = [
    ['rt_sigprocmask', SETMASK, MEMORY, 0, 8],
    ['clone', CLONE.PARENT_SETTID + SIG.CHLD, 0, 0, 0, 0],
    ['rt_sigprocmask', SETMASK, MEMORY + 8, 0, 8],
  ]

  test.skipIf(missing)(`as an init ends with the child’s code${skipped}`, async () => {
    const { code, results } = await run([...forked, ['exit_group', 9]], masks).end()
    expect(code).toBe(9)
    expect(results[1]).toBeGreaterThan(0)
  })

  test.skipIf(missing)(`as an init passes signals on, and tells which ended the child${skipped}`, async () => {
    const rows: Row[] = [...forked, ['write', 1, MEMORY, 1], ['read', 0, MEMORY, 1], ['exit_group', 9]]
    const running = run(rows, masks)
    await once(running.stdout, 'data')
    running.child.kill('SIGUSR2')
    expect((await running.end()).code).toBe(128 + SIG.USR2)
  })

  test.skipIf(missing)(`goes on after every error where all are allowed${skipped}`, async () => {
    const rows: Row[] = [
      ['fchdir', 99],
      ['exit_group', 3],
    ]
    const { code, results } = await run(rows).end()
    expect(code).toBe(3)
    expect(results[0]).toBe(-ERRNO.EBADF)
  })

  test.skipIf(missing)(`jumps where a result is above a number, also backwards${skipped}`, async () => {
    const rows: Row[] = [
      ['read', 0, MEMORY, 1],
      ['jump', resultAt(0), 0, rowAt(3)], // there was something to read
      ['exit_group', 7],
      ['write', 1, MEMORY, 1],
      ['jump', resultAt(0), -4096, rowAt(0)],
    ]
    const running = run(rows)
    running.child.stdin!.end('echo')
    const { code, output } = await running.end()
    expect(output).toBe('echo')
    expect(code).toBe(7)
  })

  test.skipIf(missing)(`not where it is equal${skipped}`, async () => {
    const rows: Row[] = [
      ['write', 1, MEMORY, 2],
      ['jump', resultAt(0), 2, rowAt(3)],
      ['exit_group', 7],
      ['exit_group', 8],
    ]
    expect((await run(rows, 'hi').end()).code).toBe(7)
  })

  test.skipIf(missing)(`goes on elsewhere after a clone, where that is said${skipped}`, async () => {
    const rows: Row[] = [
      ['clone', CLONE.PARENT_SETTID + SIG.CHLD, 0, 0, 0, 0, rowAt(3)],
      ['write', 1, MEMORY, 5],
      ['exit_group', 5],
      ['wait4', -1, MEMORY + 8, 0, 0],
      ['write', 1, MEMORY + 5, 1],
      ['exit_group', 6],
    ]
    const { code, output, results } = await run(rows, 'child!\0\0\0\0\0\0').end()
    expect(code).toBe(6)
    expect(output).toBe('child!')
    expect(results[3]).toBe(results[0])
  })

  test.skipIf(missing)(`without its table ends at once${skipped}`, () => {
    const [command = '', ...args] = [...emulator, join(directory, 'runner')]
    expect(spawnSync(command, args, { stdio: 'ignore' }).status).toBe(127)
  })
})
