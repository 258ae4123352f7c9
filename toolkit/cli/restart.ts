import { refuse } from '../engine/host.ts'
import { startContainer } from '../engine/life/detach.ts'
import { settled, stop } from '../engine/life/lifecycle.ts'
import { recordOf } from '../engine/state/events.ts'
import { findContainer } from '../engine/state/list.ts'
import { forEach, needContainers } from './each.ts'
import { type Command, formatHelp, parse } from './options.ts'
import { stopFlags, stopWish } from './stop.ts'
import { print } from './text/output.ts'

export const command: Command = {
  usage: 'restart [OPTIONS] CONTAINER…',
  summary: 'Stop containers, and start them again.',
  flags: stopFlags,
  mixed: true,
}

export async function main(argv: string[]): Promise<number> {
  const { flags, rest } = parse(command, argv)
  if (flags.help) {
    print(formatHelp(command))
    return 0
  }
  const wish = stopWish('restart', flags)
  const words = needContainers('restart', rest)
  if (process.getuid!() !== 0) throw refuse('root', { asked: 'restart' })
  return forEach(words, async word => {
    const { id, state } = findContainer(word)
    await stop(word, wish)
    await settled(id)
    await startContainer(id)
    if (state) recordOf(state, 'restart')
  })
}
