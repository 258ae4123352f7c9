// A terminal window in which a shell has started the built `bin/toolkit learn`: a real terminal, a real lab.
import { Terminal } from '@xterm/headless'
import { descendants, isAlive, type Stat } from '../../../toolkit/observe/process.ts'
import { onTerminal } from '../../cli/pty.ts'
import { bin, eventually } from '../../cli/toolkit.ts'

/** The tutor in a window, started by a shell, which is there again when the tutor has been left. */
export async function openWindow(home: string, columns: number, rows: number, words = 'chroot') {
  const env = {
    PATH: process.env.PATH,
    HOME: home,
    TERM: 'xterm-256color',
    PS1: 'outside> ',
    HISTFILE: '',
    TOOLKIT_THEME: 'dark',
  }
  const window = onTerminal(['bash', '--norc', '--noprofile', '-i'], env, { columns, rows })
  const screen = new Terminal({ cols: columns, rows, allowProposedApi: true })
  let parsed = 0
  const text = () => {
    const sent = window.screen()
    if (sent.length > parsed) screen.write(sent.slice(parsed))
    parsed = sent.length
    const { active } = screen.buffer
    return Array.from({ length: screen.rows }, (_, y) => active.getLine(active.viewportY + y)?.translateToString(true))
  }
  const see = async (wanted: RegExp) => {
    const shown = () => text().join('\n')
    await eventually(() => wanted.test(shown()), `${wanted}`).catch((error: Error) => {
      throw new Error(`${error.message}\n${shown()}`)
    })
  }
  await see(/outside>/)
  const before = window.termios()
  window.type(`${bin} learn --yes ${words}\n`)
  return {
    ...window,
    see,
    text,
    before,
    resize(columns: number, rows: number) {
      screen.resize(columns, rows)
      window.resize(columns, rows)
    },
    below: (): Stat[] => descendants(window.pid),
  }
}

export const gone = (all: readonly Stat[]) =>
  eventually(() => !all.some(({ pid, startTime }) => isAlive(pid, startTime)), 'gone')
