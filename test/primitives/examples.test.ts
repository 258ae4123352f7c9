// The examples of toolkit/primitives/README.md, each run as a stranger would run it, in namespaces of its own.
import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { afterAll, describe, expect, test } from 'vitest'

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
const files: string[] = []
afterAll(() => {
  for (const file of files) rmSync(file)
})

test('every module has an example, and every example is of a module', () => {
  expect(examples.map(({ name }) => name).toSorted()).toEqual(modules.toSorted())
})

describe.skipIf(skipped)(`examples${skipped}`, () => {
  test.each(examples)('$name', ({ name, source, output }) => {
    expect(source?.trimEnd().split('\n').length, 'lines').toBeLessThanOrEqual(12)
    expect(source).toContain(`'toolkit/primitives/${name}`)
    const file = `${repo}/example-${process.pid}-${name}.mjs` // in the package, so that it finds itself by name
    files.push(file)
    writeFileSync(file, source!)
    const { status, stdout, stderr } = spawnSync('unshare', ['-mnuipf', '--mount-proc', `${repo}/bin/node`, file], {
      encoding: 'utf8',
      timeout: 20_000,
    })
    expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: output, stderr: '' })
  })
})
