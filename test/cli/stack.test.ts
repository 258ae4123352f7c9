import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
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

test('a bundle in a few files imports at once and later, and its places are known too', async () => {
  const dist = join(root, 'parts')
  mkdirSync(dist)
  const sources = {
    main: `import { join, sep } from 'node:path'
import tty from 'node:tty'
import { deep } from './deep.ts'
export const start = () => import('./later.ts')
  .then(async ({ dive, machine }) => dive(join((await machine()).EOL, 'b'), tty.isatty(99)))
  .catch(async error => console.log(error.stack + '\\n' + (await import('./engine/network/cable.ts')).cable))
export const own = () => deep(sep)`,
    later: `import { basename } from 'node:path'
import { plug } from './plug.ts'
import { deep } from './deep.ts'
export const machine = () => import('node:os')
export const dive = (path: string, more: boolean) => {
  if (more) import('./never.ts')
  return deep(basename(path) + plug)
}`,
    deep: `export const deep = (name: string): never => { throw new Error('too deep: ' + name) }`,
    plug: `export const plug = 'plug'`, // needed in two files: it lies in the first
    'engine/network/cable': `import { plug } from '../../plug.ts'; export const cable = plug + plug`,
    never: `throw new Error('nobody has called for this')`,
  }
  mkdirSync(join(root, 'engine/network'), { recursive: true })
  for (const [name, text] of Object.entries(sources)) writeFileSync(join(root, `${name}.ts`), `${text}\n`)
  const chunks = join(import.meta.dirname, '../../chunks.mjs')
  const { buildInParts } = await import(chunks)
  await buildInParts({ bundle: true, minify: true, platform: 'node', sourcemap: 'external' }, dist, 'run', {
    main: join(root, 'main.ts'),
  })
  await build({
    entryPoints: { toolkit: join(import.meta.dirname, '../../toolkit/cli/entry.cjs') },
    outdir: dist,
    outExtension: { '.js': '.cjs' },
    define: { QUICK: '["run"]' },
  })
  const { stdout } = spawnSync(process.execPath, [join(dist, 'toolkit.cjs'), 'run'], { encoding: 'utf8' })
  const lines = readableStack(stdout).split('\n')
  expect(readdirSync(dist).filter(name => name.endsWith('.cjs'))).toEqual([
    'run-later.cjs',
    'run-network.cjs',
    'run.cjs',
    'toolkit.cjs',
  ])
  expect(lines[0]).toBe('Error: too deep: bplug')
  expect(lines[1]).toMatch(/\bdeep\.ts:1:54\)?$/)
  expect(lines[2]).toMatch(/\blater\.ts:7:10\)?$/)
  expect(lines[3]).toMatch(/\bmain\.ts:5:38\)?$/)
  expect(lines[4]).toBe('plugplug')
})

test('lines without a map stay as they are', () => {
  const stack =
    'TypeError: x\n    at y (/nowhere/z.cjs:1:2)\n    at node:internal/main:3:4\n    at async Promise.all (index 0)'
  expect(readableStack(stack)).toBe(stack)
})
