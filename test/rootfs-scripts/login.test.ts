// Who logs in lands in the course: the file that provision.sh puts into /etc/profile.d, read by shells on a terminal.
// `sudo` is a program of ours, so what opens is not the course but says what would.
import { spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeEach, describe, expect, test } from 'vitest'
import { onTerminal } from '../cli/pty.ts'

const scratch = mkdtempSync(join(tmpdir(), 'login-'))
afterAll(() => rmSync(scratch, { recursive: true, force: true }))

const profile = `${scratch}/toolkit.sh`
writeFileSync(profile, readFileSync('rootfs-scripts/login.sh', 'utf8').replace('LEARNER', userInfo().username))
mkdirSync(`${scratch}/bin`)
writeFileSync(`${scratch}/bin/sudo`, '#!/bin/sh\necho "course: $*, $LANG"\nread -r line\necho left\n')
chmodSync(`${scratch}/bin/sudo`, 0o755)

let home: string
beforeEach(() => {
  home = mkdtempSync(`${scratch}/home-`)
})

const environment = (more: NodeJS.ProcessEnv = {}) => ({
  PATH: `${scratch}/bin:${process.env.PATH}`,
  HOME: home,
  TERM: 'xterm',
  PS1: 'prompt ',
  SHLVL: '0', // bash counts itself
  ...more,
})
const bash = ['/bin/bash', '--noprofile', '--norc', '-i']
const plain = ['/bin/sh', '-i']

describe.each([
  ['bash', bash],
  ['sh', plain],
])('%s at login', (_, shell) => {
  const env = () => environment(shell === plain ? { SHLVL: undefined } : {})
  const open = (more: NodeJS.ProcessEnv = {}) => {
    const defined = Object.entries({ ...env(), ...more }).filter(([, value]) => value !== undefined)
    return onTerminal(shell, Object.fromEntries(defined))
  }

  test('is in the course, then at a prompt, with a line that says how to return', async () => {
    const terminal = open()
    await terminal.until('prompt ')
    terminal.type(`. ${profile}\n`)
    await terminal.until('course: toolkit learn, C.UTF-8')
    terminal.type('\n')
    const said = await terminal.until('touch ~/.no-toolkit)')
    expect(said).toContain('left')
    expect(said).toContain('To go on with the course: sudo toolkit learn')
    await terminal.until('prompt ')
    terminal.type('exit 0\n')
    expect(await terminal.exit).toBe(0)
  })

  test('of a second terminal is a shell, as long as the course is open in the first', async () => {
    const [first, second] = [open(), open()]
    await Promise.all([first.until('prompt '), second.until('prompt ')])
    first.type(`. ${profile}\n`)
    await first.until('course:')
    second.type(`. ${profile}\n`)
    await second.until('The course is open in another terminal.')
    expect(second.screen()).not.toContain('course:')
    first.type('\n')
    await first.until('To go on')
    second.type(`. ${profile}\n`)
    await second.until('course:')
    second.type('\nexit 0\n')
    first.type('exit 0\n')
    expect(await Promise.all([first.exit, second.exit])).toEqual([0, 0])
  })

  test('keeps a locale that has all letters', async () => {
    const terminal = open({ LANG: 'de_DE.UTF-8' })
    await terminal.until('prompt ')
    terminal.type(`. ${profile}\n`)
    await terminal.until('course: toolkit learn, de_DE.UTF-8')
    terminal.type('\nexit 0\n')
    await terminal.exit
  })

  test('with ~/.no-toolkit is a shell', async () => {
    writeFileSync(`${home}/.no-toolkit`, '')
    const terminal = open()
    await terminal.until('prompt ')
    terminal.type(`. ${profile}; echo no''thing\n`)
    await terminal.until('nothing')
    expect(terminal.screen()).not.toMatch(/course:|To go on/)
    terminal.type('exit 0\n')
    await terminal.exit
  })
})

test('a shell within a shell (tmux, su) is left alone', async () => {
  const terminal = onTerminal(bash, environment({ SHLVL: '1' }))
  await terminal.until('prompt ')
  terminal.type(`. ${profile}; echo no''thing\n`)
  await terminal.until('nothing')
  expect(terminal.screen()).not.toContain('course:')
  terminal.type('exit 0\n')
  await terminal.exit
})

describe('is not for', () => {
  const nothing = { status: 0, stdout: 'only this\n', stderr: '' }

  test.each([
    ['a command given to ssh', ['-c']],
    ['one in a login shell, as vagrant has it', ['-lc']],
  ])('%s', async (_, flags) => {
    const terminal = onTerminal(['/bin/bash', ...flags, `. ${profile}; echo only this`], environment())
    expect(await terminal.exit).toBe(0)
    expect(terminal.screen()).toContain('only this')
    expect(terminal.screen()).not.toContain('course:')
  })

  test('a shell without a terminal', () => {
    const script = `. ${profile}; echo only this`
    const { status, stdout } = spawnSync(bash[0]!, [...bash.slice(1), '-c', script], {
      env: environment(),
      encoding: 'utf8',
    })
    expect({ status, stdout }).toEqual({ status: nothing.status, stdout: nothing.stdout })
  })

  test('another user', async () => {
    const other = `${scratch}/other.sh`
    writeFileSync(other, readFileSync('rootfs-scripts/login.sh', 'utf8').replace('LEARNER', 'somebody-else'))
    const terminal = onTerminal(bash, environment())
    await terminal.until('prompt ')
    terminal.type(`. ${other}; echo no''thing\n`)
    await terminal.until('nothing')
    expect(terminal.screen()).not.toContain('course:')
    terminal.type('exit 0\n')
    await terminal.exit
  })
})
