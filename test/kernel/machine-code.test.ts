import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { bytesOf, listings, machineCode } from '../../toolkit/kernel/machine-code.ts'

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
    expect([...bytesOf(listings[name]!)]).toEqual(assemble(name))
  })

  test('has bytes before every instruction', () => {
    const lines = listings[name]!.split('\n').filter(line => line.trim() && !line.endsWith(':'))
    for (const line of lines) expect(line).toMatch(/^ {2}(?:[0-9a-f]{2} )+ *[a-z]/)
  })
})

test('the code for this processor fits in a page', () => {
  expect(machineCode().bytes.length).toBeGreaterThan(40)
  expect(machineCode().bytes.length).toBeLessThan(4096)
})
