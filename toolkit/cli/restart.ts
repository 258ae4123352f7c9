import { refuse } from '../engine/host.ts'
import { startContainer } from '../engine/life/detach.ts'
import { settled, stop } from '../engine/life/lifecycle.ts'
import { recordOf } from '../engine/state/events.ts'
import { findContainer } from '../engine/state/list.ts'
import { forEach, needContainers, starting } from './each.ts'
import { type Command, mainOf } from './options.ts'
import { stopFlags, stopWish } from './stop.ts'

export const command: Command = {
  usage: 'restart [OPTIONS] CONTAINER…',
  summary: 'Stop containers, and start them again.',
  flags: stopFlags,
  mixed: true,
}

export const main = mainOf(command, async ({ flags, rest }) => {
  const wish = stopWish('restart', flags)
  const words = needContainers('restart', rest)
  if (process.getuid!() !== 0) throw refuse('root', { asked: 'restart' })
  return forEach(words, async word => {
    const { id, state } = findContainer(word)
    await stop(word, wish)
    await settled(id)
    await starting(() => startContainer(id))
    if (state) recordOf(state, 'restart')
  })
})
