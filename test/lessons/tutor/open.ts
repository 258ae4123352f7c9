// A tutor on a virtual terminal for one test, left after it.
import { afterEach } from 'vitest'
import type { PlayerState } from '../../../lessons/player.ts'
import type { TutorOptions } from '../../../lessons/tutor/index.tsx'
import { FakePlayer, type FakeShell } from './fake-player.ts'
import { openVirtual } from './virtual-terminal.ts'

export let player: FakePlayer
export let virtual: Awaited<ReturnType<typeof openVirtual>>
export const shell = () => player.shell as FakeShell

export async function open(
  state: Partial<PlayerState> = {},
  options: Partial<TutorOptions> = {},
  [columns, rows]: readonly [number, number] = [80, 24],
  hasLab = true,
) {
  player = new FakePlayer(state)
  if (hasLab) player.start()
  virtual = await openVirtual(player, { columns, rows }, options)
  await virtual.waitFor(/Lesson/)
  if (!hasLab) return
  shell().print('lab# ')
  await virtual.waitFor(/lab#/)
}

/** Escape by itself; what comes at once belongs to it. */
export async function pressEscape() {
  virtual.press('\x1b')
  await new Promise(resolve => setTimeout(resolve, 40))
}

export const leaveAfterEach = () =>
  afterEach(async () => {
    await pressEscape()
    await pressEscape()
    await virtual.leave()
  })
