// `toolkit lessons shell` in a terminal window.
import { afterAll, expect, test } from 'vitest'
import { onTerminal } from '../cli/pty.ts'
import { bin, skipped, World } from '../cli/toolkit.ts'

const world = new World()
afterAll(() => world.end())

test.skipIf(skipped)(`what is typed reaches the lab, after a prediction too${skipped}`, async () => {
  const window = onTerminal([bin, 'lessons', 'shell', '2', '1'], { ...world.env, XDG_STATE_HOME: world.state })
  await window.until('Enter for none: ')
  window.type('\r')
  await window.until(':~# ')
  window.type('echo $((6 * 7)); exit\r')
  await window.until('42\r')
  await window.until('not passed: ')
  expect(await window.exit).toBe(1)
})
