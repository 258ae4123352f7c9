// A program on a pseudo-terminal, as in a terminal window: keys in, screen out, resize, hang up.

import { closeSync } from 'node:fs'
import { openStream } from '../../toolkit/engine/terminal/stream.ts'
import { takeTerminal } from '../../toolkit/engine/terminal/terminal.ts'
import { attempt } from '../../toolkit/kernel/call.ts'
import { F, IOCTL } from '../../toolkit/kernel/constants.ts'
import { start } from '../../toolkit/kernel/start.ts'
import { setSize } from '../../toolkit/kernel/tty.ts'
import { exitStatus, wait } from '../../toolkit/kernel/wait.ts'
import * as programs from '../../toolkit/primitives/process.ts'
import { openTerminal } from '../../toolkit/primitives/terminal.ts'
import { eventually } from './toolkit.ts'

export function onTerminal(args: readonly string[], env: NodeJS.ProcessEnv, { columns = 80, rows = 24 } = {}) {
  const lines = Object.entries(env).map(([name, value]) => `${name}=${value}`)
  const program = { args, env: lines, cwd: '/', user: { umask: 0o022 }, rlimits: [] }
  const process = start({ namespaces: [], steps: [...openTerminal(), ...programs.plan({ process: program })] })
  process.next() // stands at the terminal's gate
  const fd = takeTerminal(process.pidfd)
  setSize(fd, { columns, rows })
  process.open()
  process.next()
  const look = attempt('fcntl', [fd, F.DUPFD, 0]) // the stream closes its own when the last program has gone
  const stream = openStream(fd, () => {})
  let screen = ''
  stream.on('data', data => {
    screen += data
  })
  let seen = 0
  return {
    pid: process.pid,
    exit: wait(process.pid, process.pidfd).then(exit => {
      process.close()
      return exitStatus(exit)
    }),
    screen: () => screen,
    type: (keys: string) => void stream.write(keys),
    /** Waits for a text after the last one that was waited for; returns what came since. */
    async until(text: string) {
      await eventually(() => screen.indexOf(text, seen) >= 0, `${JSON.stringify(text)} in ${JSON.stringify(screen)}`)
      const from = seen
      seen = screen.indexOf(text, seen) + text.length
      return screen.slice(from, seen)
    },
    resize: (columns: number, rows: number) => setSize(fd, { columns, rows }),
    /** struct termios of the terminal. */
    termios() {
      const bytes = Buffer.alloc(64)
      attempt('ioctl', [look, IOCTL.TCGETS, bytes])
      return bytes.toString('hex')
    },
    /** Closes the window. */
    hangUp() {
      closeSync(look)
      stream.destroy()
    },
  }
}
