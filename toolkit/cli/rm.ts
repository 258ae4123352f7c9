import { remove } from '../engine/life/removal.ts'
import { findContainer, NoContainer } from '../engine/state/list.ts'
import { sweep } from '../engine/state/orphans.ts'
import { UsageError } from '../kernel/usage-error.ts'
import { forEach, needContainers } from './each.ts'
import { type Absent, absentFlags, refuseAbsent } from './flags/absent.ts'
import { type Command, mainOf } from './options.ts'

const absent: Absent = { link: { short: 'l', why: 'a link goes with the container that has it' } }

export const command: Command = {
  usage: 'rm [OPTIONS] CONTAINER…',
  summary: 'Remove containers that have ended, by name, id or the beginning of one.',
  flags: {
    force: { short: 'f', help: 'also those that run: they are killed' },
    volumes: { short: 'v', help: 'its volumes without a name, too' },
    ...absentFlags(absent),
  },
  mixed: true,
}

export const main = mainOf(command, async ({ flags, rest }) => {
  refuseAbsent('rm', flags, absent)
  const force = flags.force === true
  const volumes = flags.volumes === true
  const words = needContainers('rm', rest)
  const stuck = await sweep()
  const taken = new Set<string>()
  const removeOnce = (word: string) => {
    if (words.length > 1) {
      const { id } = findContainer(word)
      if (taken.has(id)) throw new UsageError(`removal of container ${word} is already in progress`, 1) // as docker's
      taken.add(id)
    }
    return remove(word, { force, volumes, stuck })
  }
  return forEach(words, removeOnce, {
    together: true,
    forgive: error => force && error instanceof NoContainer, // it is not there, as was wanted
  })
})
