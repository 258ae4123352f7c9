import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { printable, printableJson, printableWords } from '../../toolkit/cli/text/printable.ts'
import { readNamespaces } from '../../toolkit/observe/namespaces.ts'
import { children } from '../../toolkit/observe/process.ts'
import { ready, script, until } from '../observe/helpers.ts'
import { bin, skipped, World } from './toolkit.ts'

const root = process.getuid!() === 0
const directory = mkdtempSync(join(tmpdir(), 'xray-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))

const look = (args: readonly string[], before: readonly string[] = []) => {
  const [command, ...words] = [...before, bin, 'xray', ...args]
  return spawnSync(command!, words, {
    encoding: 'utf8',
    env: { PATH: process.env.PATH, TOOLKIT_STATE: directory },
  })
}
const run = 'echo ready; read x'

describe('the words', () => {
  test.each([
    ['nothing', []],
    ['three', ['1', '1', '1']],
    ['two and the host', ['1', '1', '--host']],
    ['junk', ['abc']],
    ['zero', ['0']],
    ['a negative number', ['--', '-1']],
    ['more than any pid', ['99999999999']],
    ['a path', ['../1']],
    ['nothing in quotes', ['']],
    ['escapes', ['\x1b[2J\x9b\u202e']],
    ['an unknown flag', ['--wat']],
  ])('%s is a line that says so', (_, args) => {
    const { status, stdout, stderr } = look(args)
    expect({ status, stdout }).toEqual({ status: args.includes('--wat') ? 125 : 1, stdout: '' })
    expect(stderr).toMatch(/^toolkit: inspect-process: [ -~]+\n$/)
  })

  test('a process that has ended is a line, and exit code 1', () => {
    const { pid } = spawnSync('true')
    for (const args of [[String(pid)], [String(process.pid), String(pid)], ['--json', String(pid)]])
      expect(look(args)).toMatchObject({
        status: 1,
        stdout: '',
        stderr: `toolkit: no process ${pid}; it has ended, or never was\n`,
      })
  })

  test('inspect-process is the same', () => {
    expect(spawnSync(bin, ['inspect-process', '--help'], { encoding: 'utf8' }).stdout).toBe(look(['--help']).stdout)
  })
})

describe('what steers a terminal', () => {
  test('is written as escapes', () => {
    expect(printable('a\x1b]52;c;x\x07\x9b2J\u202eb\r\n\tü☃')).toBe('a\\x1b]52;c;x\\x07\\x9b2J\\u202eb\\r\\n\\tü☃')
    expect(printableWords(['sh', '-c', 'a b', '', '\x1b[2J'])).toBe('sh -c "a b" "" "\\u001b[2J"')
    const json = printableJson({ text: '\x1b\x9b\u2028', none: undefined, most: Number.POSITIVE_INFINITY })
    expect(json).toMatch(/^[ -~]+$/)
    expect(JSON.parse(json)).toEqual({ text: '\x1b\x9b\u2028', none: null, most: 'unlimited' })
  })

  test('also in the name, the arguments and the directory of a process', async () => {
    const program = `${directory}/\x1b[31m\x9b`
    symlinkSync('/bin/sh', program)
    const pid = await ready([program, '-c', run, '\x1b]0;title\x07'], { cwd: directory })
    for (const args of [[String(pid)], [String(pid), String(process.pid)], ['--json', String(pid)]]) {
      const { status, stdout } = look(args)
      expect(status).toBe(0)
      expect(stdout).not.toMatch(/[\x00-\x09\x0b-\x1f\x7f-\x9f]/)
      expect(stdout).toContain('\\u001b]0;title\\u0007')
    }
  })
})

describe.skipIf(!root)(`one process${root ? '' : ' (skipped: needs root)'}`, () => {
  test('as text, no wider than 80 but for what cannot be broken', async () => {
    const pid = await script(`hostname elsewhere; ${run}`, 'unshare', '-u')
    const { status, stdout, stderr } = look([String(pid)])
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    for (const part of ['identity', 'namespaces', 'mounts', 'cgroups', 'rights', 'network', 'processes'])
      expect(stdout).toMatch(new RegExp(`^${part}$`, 'm'))
    const { uts, ipc } = readNamespaces(pid)!
    expect(stdout).toMatch(new RegExp(`^  uts +uts:\\[${uts.inode}\\] +(its own|not ours)$`, 'm'))
    expect(stdout).toMatch(new RegExp(`^  ipc +ipc:\\[${ipc.inode}\\] +(ours|the host’s, and ours)$`, 'm'))
    expect(stdout).toMatch(/^ {2}host name +elsewhere$/m)
    expect(stdout).not.toMatch(/environ.*PATH/)
    const wide = stdout.split('\n').filter(line => line.length > 80 && line.trim().includes(' '))
    for (const line of wide) expect(Math.max(...line.split(' ').map(word => word.length)), line).toBeGreaterThan(30)
  })

  test('as JSON: every key is there, and no value of the environment', async () => {
    const pid = await ready(['sh', '-c', run], { env: { PATH: process.env.PATH, SECRET: 'xyzzy' } })
    const { stdout } = look(['--json', String(pid)])
    expect(stdout).not.toContain('xyzzy')
    const found = JSON.parse(stdout)
    expect(Object.keys(found)).toEqual([
      'version',
      'identity',
      'hostname',
      'namespaces',
      'mounts',
      'cgroups',
      'rights',
      'network',
      'tree',
      'unread',
    ])
    expect(found).toMatchObject({
      version: 1,
      identity: { pid, terminal: null },
      rights: { limits: { CPU: { soft: 'unlimited' } } },
    })
  })

  test('a zombie', async () => {
    const parent = await script('sleep 0.2 & echo ready; exec sleep 1000')
    const zombie = await until(() => children(parent).find(({ state }) => state === 'Z'))
    expect(look([String(zombie.pid)])).toMatchObject({
      status: 0,
      stdout: expect.stringMatching(/^ {2}state +ended, and its parent has not asked how$/m),
    })
  })

  test('of somebody else, as a user: what can be read, and what not', async () => {
    const pid = await script(run)
    const { status, stdout, stderr } = look([String(pid)], ['setpriv', '--reuid', '65534', '--clear-groups'])
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    expect(stdout).toMatch(/^ {2}user +0$/m)
    expect(stdout.replaceAll('\n', ' ')).toMatch(/Not ours to look at: .*namespaces.*\. *$/)
  })
})

describe.skipIf(!root)(`two processes${root ? '' : ' (skipped: needs root)'}`, () => {
  test('only what separates them, with the lesson', async () => {
    const [a, b] = [await script(run), await script(run, 'unshare', '-u')]
    const { status, stdout } = look([String(a), String(b)])
    expect(status).toBe(0)
    const [{ uts: first }, { uts: second }] = [readNamespaces(a)!, readNamespaces(b)!]
    expect(stdout).toMatch(/^uts: its own host name: .*\(lesson 2\)$/m)
    expect(stdout).toMatch(new RegExp(`^  ${a} +uts:\\[${first.inode}\\]\n  ${b} +uts:\\[${second.inode}\\]$`, 'm'))
    expect(stdout).not.toMatch(/^ipc:/m)
    const found = JSON.parse(look(['--json', String(a), String(b)]).stdout)
    expect(found).toMatchObject({ version: 1, first: a, second: b, unread: [] })
    expect(found.differences.map(({ what }: { what: string }) => what)).toContain('uts')
  })

  test('nothing', () => {
    expect(look([String(process.pid), String(process.pid)]).stdout).toContain('\nNothing separates them.\n')
  })

  test('the host: process 1, or what stands for it', async () => {
    const pid = await script(run, 'unshare', '-n')
    const { status, stdout, stderr } = look([String(pid), '--host'])
    expect(status).toBe(0)
    expect(stdout).toMatch(/^net: /m)
    if (readNamespaces(1)) expect(stderr).toBe('')
    else expect(stderr).toMatch(/^toolkit: process 1 cannot be read/)
  })
})

describe.skipIf(skipped)(`a container${skipped}`, () => {
  const world = new World()
  afterAll(() => world.end())

  test('by its id, its beginning and its name; and no more when it has ended', async () => {
    const container = world.start(['run', 'busybox', 'sh', '-c', 'echo ready; sleep 1000'])
    await container.until('ready')
    const [{ pid, id }] = JSON.parse(world.toolkit(['ps', '--json']).stdout) as [{ pid: number; id: string }]
    for (const word of [id, id.slice(0, 12), String(pid)]) {
      const { identity } = JSON.parse(world.toolkit(['xray', '--json', word]).stdout)
      expect(identity).toMatchObject({ pid, nsPid: [pid, 1] })
    }
    const { stdout } = world.toolkit(['xray', id, String(process.pid)])
    for (const what of ['mnt', 'uts', 'ipc', 'pid', 'net', 'root file system'])
      expect(stdout).toMatch(new RegExp(`^${what}: `, 'm'))
    process.kill(pid, 'SIGKILL')
    await container.exit
    expect(world.toolkit(['xray', id])).toMatchObject({
      status: 1,
      stdout: '',
      stderr: expect.stringMatching(/does not run.*\n$/),
    })
  })
})
