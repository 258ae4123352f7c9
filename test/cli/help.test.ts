// What toolkit says about itself: help, man page, long forms, and what was probably meant.
import { spawnSync } from 'node:child_process'
import { afterAll, describe, expect, test } from 'vitest'
import { groups, isFamily, nameOf } from '../../toolkit/cli/help/catalogue.ts'
import { manPage } from '../../toolkit/cli/help/man-page.ts'
import { commands } from '../../toolkit/cli/main.ts'
import { skipped, World } from './toolkit.ts'

const HIDDEN = ['settle', 'health', 'oom', 'dns-server', 'xray'] // for our own processes; and a second name
const entries = groups.flatMap(({ entries }) => entries)

test('every command is in the catalogue, and all that is there is a command', () => {
  const here = [
    ...Object.keys(commands).filter(name => !HIDDEN.includes(name)),
    'learn',
    'lessons',
    'workshop',
    'container',
  ]
  expect(entries.map(nameOf).sort()).toEqual(here.sort())
})

const groff = spawnSync('groff', ['--version']).status === 0
test.skipIf(!groff)(
  `the man page renders without a warning${groff ? '' : ' (skipped: groff is not installed)'}`,
  () => {
    const page = spawnSync('groff', ['-man', '-Tutf8', '-ww', '-t'], { input: manPage('0.0.0', '2026-01-31') })
    expect(page.stderr.toString()).toBe('')
    expect(page.status).toBe(0)
    const text = page.stdout
      .toString()
      .replace(/.\x08|\x1b\[[\d;]*m/g, '')
      .replace(/\s+/g, ' ')
    for (const entry of entries) {
      const usages = isFamily(entry) ? Object.values(entry.commands).map(({ usage }) => usage) : [entry.usage]
      for (const usage of usages)
        expect(text).toContain(
          `toolkit ${usage.split('\n')[0]!.split(' [')[0]!.split(' ').slice(0, 2).join(' ').replace('…', '...')}`,
        )
      if (!isFamily(entry)) for (const flag of Object.keys(entry.flags)) expect(text).toContain(`--${flag}`)
    }
  },
)

describe.skipIf(skipped)(`on the command line${skipped}`, () => {
  const world = new World()
  afterAll(() => world.end())
  const toolkit = (...args: string[]) => world.toolkit(args)

  test('help: groups that fit a narrow terminal; help WORD is WORD --help', () => {
    const { stdout, status } = toolkit('--help')
    expect(status).toBe(0)
    for (const line of stdout.split('\n').slice(4)) expect(line.length).toBeLessThanOrEqual(84)
    for (const { title, entries } of groups) {
      expect(stdout).toContain(`${title}:\n`)
      for (const entry of entries) expect(stdout).toMatch(new RegExp(`^  ${nameOf(entry)} +\\S`, 'm'))
    }
    expect(toolkit('help').stdout).toBe(stdout)
    expect(toolkit('help', 'volume', 'rm').stdout).toBe(toolkit('volume', 'rm', '--help').stdout)
    expect(toolkit('help', 'stop').stdout).toContain('--signal')
  })

  test.each([
    [['pss'], 'toolkit: no command "pss"; did you mean ps? \'toolkit --help\' lists them\n'],
    [['inspct', 'x'], 'toolkit: no command "inspct"; did you mean inspect? \'toolkit --help\' lists them\n'],
    [['qqqq'], 'toolkit: no command "qqqq"; \'toolkit --help\' lists them\n'],
    [['rm', '--volume', 'x'], "toolkit: rm: unknown flag --volume; did you mean --volumes?; see 'toolkit rm --help'\n"],
    [
      ['network', 'crate'],
      'toolkit: network: no command "crate"; did you mean create? there are create, connect, disconnect, ls, inspect, rm, prune\n',
    ],
    [['container', 'stpo'], expect.stringContaining('did you mean stop?')],
  ])('%j: one line that helps', (args, stderr) => {
    expect(toolkit(...args)).toMatchObject({ status: args[0] === 'rm' ? 125 : 1, stdout: '', stderr })
  })

  test.each([
    [['-D', 'ps', '-aq']],
    [['--debug=false', 'ps', '-aq']],
    [['-l', 'error', '--config', '/nonexistent', 'ps', '-aq']],
    [['--log-level=warn', '--context', 'default', '--tls=false', 'container', 'ls', '-aq']],
  ])('docker’s flags before the command make no difference: %j', args => {
    toolkit('create', '--name', 'box', 'busybox', 'true')
    const plain = toolkit('ps', '-aq')
    expect(plain.stdout).toMatch(/^[0-9a-f]{12}\n$/)
    expect(toolkit(...args)).toEqual(plain)
    toolkit('rm', 'box')
  })

  test('the command behind them has its own exit codes', () => {
    expect(toolkit('-D', 'run', '--rm', 'busybox', 'sh', '-c', 'exit 7').status).toBe(7)
    expect(toolkit('-D', 'run', '--rm', '-m', '1', 'busybox', 'true').status).toBe(125)
    expect(toolkit('-D', 'stop', 'nosuch').status).toBe(1)
    expect(toolkit('-D').stdout).toBe(toolkit('--help').stdout)
    for (const flag of ['-v', '--version']) expect(toolkit('-D', flag).stdout).toMatch(/^toolkit \d/)
    expect(toolkit('-D', '-h').stdout).toBe(toolkit('--help').stdout)
  })

  test.each([
    [['-H', 'unix:///run/docker.sock', 'ps'], 1, /^toolkit: --host: there is no daemon .*\n$/],
    [['--host=tcp://127.0.0.1:1', 'ps'], 1, /^toolkit: --host: there is no daemon .*\n$/],
    [['--tlsverify', 'ps'], 1, /^toolkit: --tlsverify: there is no daemon .*\n$/],
    [['--tlscacert', '/x', 'ps'], 1, /^toolkit: --tlscacert: there is no daemon .*\n$/],
    [['-c', 'other', 'ps'], 1, /^toolkit: --context "other": .*only default.*\n$/],
    [['--log-level', 'loud', 'ps'], 1, /^toolkit: --log-level "loud": there are debug, .*\n$/],
    [['--hots', 'x', 'ps'], 125, /^toolkit: unknown flag --hots; did you mean --host\?; see 'toolkit --help'\n$/],
    [['-l'], 125, /^toolkit: -l needs a value: .*; see 'toolkit --help'\n$/],
  ])('flags before the command that ask for what is not there: %j, %i', (args, status, stderr) => {
    expect(toolkit(...args)).toMatchObject({ status, stdout: '', stderr: expect.stringMatching(stderr) })
  })

  test('container X is X', () => {
    toolkit('container', 'create', '--name', 'box', 'busybox', 'true')
    for (const word of ['ls', 'ps', 'list']) expect(toolkit('container', word, '-aq')).toEqual(toolkit('ps', '-aq'))
    expect(toolkit('container', 'inspect', 'box')).toEqual(toolkit('inspect', 'box'))
    expect(toolkit('container', 'rm', 'box')).toMatchObject({ status: 0, stdout: 'box\n' })
    expect(toolkit('container', '--help').stdout).toContain('prune')
    expect(toolkit('container', 'volume').status).toBe(1)
  })
})
