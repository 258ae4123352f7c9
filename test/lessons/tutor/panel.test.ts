import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { afterEach, describe, expect, test } from 'vitest'
import { type Panel, readPanel } from '../../../lessons/tutor/panels/panel.ts'
import { themeOfBackground, themeOfEnvironment, themes } from '../../../lessons/tutor/theme.ts'
import { onTerminal } from '../../cli/pty.ts'
import { FakePlayer } from './fake-player.ts'
import { openVirtual } from './virtual-terminal.ts'

const row = (name: string, value: string, shared: boolean | undefined) => ({ name, about: name, value, shared })
const panel = (uts: string): Panel => ({
  program: uts === '1' ? 'bash' : 'sh',
  atPrompt: uts === '1',
  namespaces: [row('mnt', '7', true), row('uts', uts, uts === '1')],
  places: [row('root', '/', true), row('process', '12', undefined)],
})

let close: (() => Promise<void>) | undefined
afterEach(async () => close?.())

async function open(columns: number, observe: () => Panel) {
  const player = new FakePlayer()
  player.start()
  const virtual = await openVirtual(player, { columns, rows: 30 }, { observe })
  close = async () => {
    virtual.press('\x1b[21~y')
    await virtual.left
  }
  return virtual
}

test.each([80, 120])('at %i columns: the program, what is shared and what is not', async columns => {
  let uts = '1'
  const virtual = await open(columns, () => panel(uts))
  await virtual.waitFor(columns < 100 ? /bash 12 .*mnt= uts=/ : /= mnt +mnt +7/)
  uts = '2'
  await virtual.waitFor(columns < 100 ? /sh 12 .*mnt= uts≠/ : /≠ uts +uts +2/)
  await virtual.waitFor(columns < 100 ? /sh/ : /Live: sh, running in the shell/)
})

test('a solution is not put into the program that runs in the shell', async () => {
  const virtual = await open(80, () => panel('2'))
  virtual.press('s')
  await virtual.waitFor(/begins at the lab's own prompt\. Leave 'sh' first \(exit\), then F6\./)
})

test('leaving while a program runs asks', async () => {
  const virtual = await open(80, () => panel('2'))
  virtual.press('\x1b[21~')
  await virtual.waitFor(/'sh' is still running in the shell/)
  virtual.press('n')
  await virtual.waitFor(() => !/still running/.test(virtual.screen()))
})

test('reads the kernel: our own process shares everything with itself', () => {
  const read = readPanel(process.pid, process.pid)
  expect(read?.namespaces.map(({ name }) => name)).toContain('uts')
  expect(read?.namespaces.every(({ shared }) => shared)).toBe(true)
})

test.skipIf(process.getuid?.() !== 0)('reads the kernel: a process with a name of its own [needs root]', async () => {
  const child = spawn('unshare', ['-u', 'sh', '-c', 'echo; exec sleep 60'], { stdio: ['ignore', 'pipe', 'inherit'] })
  await once(child.stdout, 'data')
  const read = readPanel(child.pid!, process.pid)
  child.kill()
  expect(read?.namespaces.filter(({ shared }) => !shared).map(({ name }) => name)).toEqual(['uts'])
})

describe.skipIf(process.getuid?.() !== 0)('the program in front [needs root]', () => {
  const env = { PATH: process.env.PATH, TERM: 'dumb', PS1: '', HISTFILE: '' }
  const own = (panel: Panel | undefined) => panel?.namespaces.filter(({ shared }) => !shared).map(({ name }) => name)
  const outside = (panel: Panel | undefined) => panel?.places.find(({ name }) => name === 'process')?.value

  test.each([
    ['unshare --uts --pid --fork sleep 60', 'sleep', ['pid', 'uts'], /^1 \(outside \d+\)$/],
    ['unshare --uts --pid --fork sh -c "sleep 60; :"', 'sleep', ['pid', 'uts'], /^2 \(outside \d+\)$/],
    ['unshare --uts sh -c "unshare --ipc sleep 60; :"', 'sleep', ['ipc', 'uts'], /^\d+$/],
    // with a terminal of its own: what is in front there, not the newest
    ['unshare --pid --fork script -qc "sleep 70 & exec sleep 60" /dev/null', 'sleep', ['pid'], /^2 \(/],
    ['sh -c "sleep 60; :"', 'sh', [], /^\d+$/], // nothing of its own in there
  ])('%s', async (command, name, namespaces, pid) => {
    const window = onTerminal(['bash', '--norc', '--noprofile', '-i'], env)
    try {
      window.type(`${command}\n`)
      const read = () => readPanel(window.pid, process.pid)
      await expect.poll(() => [read()?.program, own(read())?.toSorted()], { timeout: 5000 }).toEqual([name, namespaces])
      await expect.poll(() => outside(read()), { timeout: 5000 }).toMatch(pid)
      expect(read()?.atPrompt).toBe(false)
    } finally {
      window.hangUp()
    }
  })
})

test('nothing to show is no error', () => {
  expect(readPanel(2 ** 22, process.pid)).toBeUndefined()
})

test('the theme from the environment', () => {
  expect(themeOfEnvironment({ NO_COLOR: '1', TOOLKIT_THEME: 'dark' })).toBe('plain')
  expect(themeOfEnvironment({ TOOLKIT_THEME: 'light' })).toBe('light')
  expect(themeOfEnvironment({ COLORFGBG: '0;15' })).toBe('light')
  expect(themeOfEnvironment({ COLORFGBG: '15;0' })).toBe('dark')
  expect(themeOfEnvironment({})).toBeUndefined()
})

test('the theme from the background of the terminal', () => {
  expect(themeOfBackground('\x1b]11;rgb:1e1e/1e1e/1e1e\x07')).toBe('dark')
  expect(themeOfBackground('\x1b]11;rgb:fd/f6/e3\x1b\\')).toBe('light')
  expect(themeOfBackground('\x1b]11;?\x07')).toBeUndefined()
})

test('the theme without colours uses none', () => {
  const { name: _, ...styles } = themes.plain
  for (const style of Object.values(styles)) expect(style('x')).not.toMatch(/\x1b\[(3[0-8]|4[0-8])/)
})
