// `toolkit top` with the columns of ps(1).
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { skipped, World } from './toolkit.ts'

const world = new World()
afterAll(() => world.end())

const toolkit = (...args: string[]) => world.toolkit(args)

describe.skipIf(skipped)(`top${skipped}`, () => {
  beforeAll(() => void toolkit('run', '-d', '--name', 'box', 'busybox', 'sleep', '1000'))
  afterAll(() => world.removeAll())
  const pid = (): string => toolkit('inspect', '-f', '{{.State.Pid}}', 'box').stdout.trim()

  const cases: readonly [words: readonly string[], table: () => string][] = [
    [['box', '-o', 'pid,comm'], () => `PID +COMMAND\n${pid()} +sleep`],
    [['-o', 'comm', 'box'], () => 'COMMAND\nsleep'],
    [['box', '-o', 'ppid,uid', '-o', 'args'], () => 'PPID +UID +COMMAND\n\\d+ +0 +sleep 1000'],
    [['box', '-opid,s'], () => `PID +S\n${pid()} +S`],
    [['box', '-o', 'pid rss vsz nlwp'], () => `PID +RSS +VSZ +NLWP\n${pid()} +\\d+ +\\d+ +1`],
    [['box', '-eo', 'pid,user,command'], () => `PID +USER +COMMAND\n${pid()} +root +sleep 1000`],
    [['box', 'axo', 'stat,ni', '-o', 'tty'], () => 'STAT +NI +TTY\nSs +0 +\\?'],
    [
      ['box', '-ef'],
      () =>
        `UID +PID +PPID +C +STIME +TTY +TIME +CMD\nroot +${pid()} +\\d+ +\\d+ +\\d\\d:\\d\\d +\\? +00:00:0\\d +sleep 1000`,
    ],
    [
      ['box', 'aux'],
      () =>
        `USER +PID +%CPU +%MEM +VSZ +RSS +TTY +STAT +START +TIME +COMMAND\nroot +${pid()} +\\d+\\.\\d +\\d+\\.\\d +\\d+ +\\d+ +\\? +Ss +\\S+ +\\S+ +sleep 1000`,
    ],
    [['box', '-e'], () => `PID +TTY +TIME +CMD\n${pid()} +\\? +00:00:0\\d +sleep`],
    [['box', 'ax'], () => `PID +TTY +STAT +TIME +COMMAND\n${pid()} +\\? +Ss +00:00:0\\d +sleep 1000`],
  ]
  test.each(cases)('%j', (words, table) => {
    const { status, stdout, stderr } = toolkit('top', ...words)
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    expect(stdout).toMatch(new RegExp(`^${table()}\\n$`))
  })

  test('as JSON', () => {
    expect(JSON.parse(toolkit('top', 'box', '-o', 'pid,comm', '--json').stdout)).toEqual([
      { pid: Number(pid()), comm: 'sleep' },
    ])
    expect(JSON.parse(toolkit('top', 'box', '--json').stdout)).toEqual([
      { uid: 0, pid: Number(pid()), ppid: expect.any(Number), command: 'sleep 1000' },
    ])
  })

  test('a container may be called as options of ps are', () => {
    toolkit('run', '-d', '--name', 'aux', 'busybox', 'sleep', '1000')
    expect(toolkit('top', 'aux', '-o', 'comm')).toMatchObject({ status: 0, stdout: 'COMMAND\nsleep\n' })
    expect(toolkit('top', '-o', 'comm', 'aux', '--json')).toMatchObject({
      status: 0,
      stdout: expect.stringMatching(/^\[/),
    })
    expect(toolkit('top', 'box', '-w').stderr).toBe("toolkit: top: unknown flag -w; see 'toolkit top --help'\n")
  })

  test('a column that we do not know', () => {
    expect(toolkit('top', 'box', '-o', 'pid,colour')).toMatchObject({
      status: 1,
      stdout: '',
      stderr: expect.stringMatching(/^toolkit: top: -o "colour": there are pid, .*\n$/),
    })
  })
})

describe.skipIf(skipped)(`logs --details${skipped}`, () => {
  test('is taken, and adds nothing: a log has no attributes', () => {
    toolkit('run', '-d', '--name', 'log', 'busybox', 'echo', 'hello')
    toolkit('wait', 'log')
    expect(toolkit('logs', '--details', 'log')).toMatchObject({ status: 0, stdout: 'hello\n', stderr: '' })
    toolkit('rm', 'log')
  })
})
