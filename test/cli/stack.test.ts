import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { build } from 'esbuild'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readableStack } from '../../toolkit/cli/stack.ts'

let root: string
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'stack (test) '))
})
afterAll(() => rmSync(root, { recursive: true, force: true }))

test('a stack from a bundle names the places in its sources', async () => {
  const source = `const beyond = (depth: number): number => {
  if (depth > 1) throw new Error('too deep')
  return beyond(depth + 1)
}
export const dive = () => beyond(0)
`
  writeFileSync(join(root, 'source.ts'), source)
  await build({
    entryPoints: { bundle: join(root, 'source.ts') },
    outdir: join(root, 'dist'),
    outExtension: { '.js': '.cjs' },
    format: 'cjs',
    bundle: true,
    minify: true,
    sourcemap: 'external',
    banner: { js: '// first line' },
  })
  const { dive } = createRequire(import.meta.url)(join(root, 'dist/bundle.cjs')) as { dive: () => void }
  let stack = ''
  try {
    dive()
  } catch (error) {
    stack = String((error as Error).stack)
  }
  expect(stack).not.toContain('source.ts')
  const lines = readableStack(stack).split('\n')
  expect(lines[0]).toBe('Error: too deep')
  expect(lines[1]).toMatch(/^ {4}at .*\bsource\.ts:2:24\)?$/)
  expect(lines[2]).toMatch(/^ {4}at .*\bsource\.ts:3:10\)?$/)
})

test('lines without a map stay as they are', () => {
  const stack =
    'TypeError: x\n    at y (/nowhere/z.cjs:1:2)\n    at node:internal/main:3:4\n    at async Promise.all (index 0)'
  expect(readableStack(stack)).toBe(stack)
})
