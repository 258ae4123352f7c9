// The package as npm would publish it: what is in it, and that it works from an empty folder, without a network.
import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { skipped, World } from '../cli/toolkit.ts'

const directory = fs.mkdtempSync(path.join(tmpdir(), 'toolkit package '))
afterAll(() => fs.rmSync(directory, { recursive: true, force: true }))

// Whatever the npm that runs the tests was told: what goes wrong is to be read here.
const env = { ...process.env, npm_config_update_notifier: 'false', npm_config_loglevel: 'error' }
const npm = (args: readonly string[], cwd: string) => spawnSync('npm', args, { cwd, encoding: 'utf8', env })

interface Packed {
  readonly filename: string
  readonly size: number
  readonly files: readonly { readonly path: string }[]
}
const pack = npm(['pack', '--json', '--ignore-scripts', '--pack-destination', directory], process.cwd())
const [packed] = JSON.parse(pack.stdout) as [Packed]

test('has what is needed, and nothing else', () => {
  const top = new Set(packed.files.map(({ path }) => path.split('/')[0]))
  top.delete('CHANGELOG.md') // whether npm takes that along depends on its version
  expect([...top].sort()).toEqual(['LICENSE', 'README.md', 'bin', 'dist', 'package.json', 'rootfs-scripts', 'toolkit'])
  const paths = packed.files.map(({ path }) => path)
  expect(paths).toEqual(expect.arrayContaining(['bin/toolkit', 'dist/run.cjs', 'dist/course.js', 'dist/toolkit.1']))
  expect(paths.filter(path => /test|\.new$|dist\.\d/.test(path))).toEqual([])
  expect(packed.size).toBeLessThan(12e6) // bytes; Node comes as a package of its own
})

test('its rooms have types for everybody, however strict', () => {
  const folder = `${directory}/typed`
  fs.mkdirSync(`${folder}/node_modules`, { recursive: true })
  fs.symlinkSync(process.cwd(), `${folder}/node_modules/toolkit`)
  fs.writeFileSync(`${folder}/package.json`, '{ "type": "module" }')
  const rooms = packed.files.flatMap(({ path }) => /^dist\/modules\/(.*)\.js$/.exec(path)?.[1] ?? [])
  const named = rooms.filter(room => fs.existsSync(`toolkit/${room}.ts`)) // esbuild's own chunks have no source
  expect(named.length).toBeGreaterThan(80)
  const lines = named.map((room, i) => `import * as m${i} from 'toolkit/${room}'\nexport { m${i} }`)
  fs.writeFileSync(`${folder}/all.ts`, `${lines.join('\n')}\nconst sum: string = m0\n`)
  const types = ['--types', 'node', '--typeRoots', path.resolve('node_modules/@types')]
  const how = ['--noEmit', '--strict', '--module', 'nodenext', '--target', 'es2024', ...types]
  const tsc = [path.resolve('node_modules/typescript/bin/tsc'), ...how, 'all.ts']
  const { stdout } = spawnSync(path.resolve('bin/node'), tsc, { cwd: folder, encoding: 'utf8' })
  expect(stdout).toMatch(/^all\.ts\(\d+,7\): error TS2322: .*\n$/) // the one that we have made
})

describe('in an empty folder', () => {
  const folder = `${directory}/empty`
  fs.mkdirSync(folder)
  const install = npm(['install', '--offline', '--no-audit', '--no-fund', `../${packed.filename}`], folder)
  const cold = /ENOTCACHED/.test(install.stderr) ? ' (skipped: npm has not kept what it depends on)' : ''

  test.skipIf(cold)(`it is installed without a network${cold}`, () => {
    expect(install.status, install.stderr).toBe(0)
  })

  test.skipIf(cold || skipped)(`it runs a container, and has the course${cold || skipped}`, () => {
    const world = new World()
    try {
      const run = (...args: string[]) =>
        spawnSync(`${folder}/node_modules/.bin/toolkit`, args, { cwd: folder, env: world.env, encoding: 'utf8' })
      expect(run('run', '--rm', 'busybox', 'echo', 'here')).toMatchObject({ status: 0, stdout: 'here\n', stderr: '' })
      expect(run('lessons', 'show', '1').stdout).toMatch(/^The root directory\n/)
      expect(run('lessons', 'module', '2').stdout).toContain('uts')
    } finally {
      world.end()
    }
  })
})
