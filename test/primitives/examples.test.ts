// The examples of toolkit/primitives/README.md, each compiled and run as a stranger would run it, in namespaces of its own.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

const repo = `${import.meta.dirname}/../..`
const text = readFileSync(`${repo}/toolkit/primitives/README.md`, 'utf8')
const examples = [...text.matchAll(/^## (.+)$([\s\S]*?)(?=^## |(?![\s\S]))/gm)].map(([, name, body]) => ({
  name: name!,
  source: /^```ts\n([\s\S]*?)^```$/m.exec(body!)?.[1],
  output: /^```text\n([\s\S]*?)^```$/m.exec(body!)?.[1],
}))
const modules = readdirSync(`${repo}/toolkit/primitives`).flatMap(file =>
  file.endsWith('.ts') ? [file.slice(0, -3)] : [],
)
const skipped = process.getuid!() === 0 ? '' : ' (skipped: needs root)'
// In the package, so that it finds itself by name.
const folder = mkdtempSync(`${repo}/examples-`)
const fileOf = (name: string) => `${folder}/${name}.mts`
beforeAll(() => {
  for (const { name, source } of examples) writeFileSync(fileOf(name), source!)
})
afterAll(() => rmSync(folder, { recursive: true }))

test('every module has an example, and every example is of a module', () => {
  expect(examples.map(({ name }) => name).toSorted()).toEqual(modules.toSorted())
})

test('they are TypeScript, of the strict kind', () => {
  const how = [
    '--ignoreConfig',
    '--noEmit',
    '--strict',
    '--noUncheckedIndexedAccess',
    '--module',
    'nodenext',
    '--target',
    'es2024',
  ]
  const files = examples.map(({ name }) => fileOf(name))
  const tsc = [`${repo}/node_modules/typescript/bin/tsc`, ...how, '--types', 'node', ...files]
  const { status, stdout } = spawnSync(`${repo}/bin/node`, tsc, { cwd: folder, encoding: 'utf8' })
  expect({ status, stdout }).toEqual({ status: 0, stdout: '' })
})

describe.skipIf(skipped)(`examples${skipped}`, () => {
  test.each(examples)('$name', ({ name, source, output }) => {
    expect(source?.trimEnd().split('\n').length, 'lines').toBeLessThanOrEqual(12)
    expect(source).toContain(`'toolkit/primitives/${name}`)
    const { status, stdout, stderr } = spawnSync(
      'unshare',
      ['-mnuipf', '--mount-proc', `${repo}/bin/node`, fileOf(name)],
      {
        encoding: 'utf8',
        timeout: 20_000,
      },
    )
    expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: output, stderr: '' })
  })
})
