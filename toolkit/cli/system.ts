// toolkit system: the engine as a whole.
import { command as check } from './check.ts'
import { command as df } from './df.ts'
import { events, command as eventsCommand } from './events.ts'
import { info, command as infoCommand } from './info.ts'
import { type Family, runFamily } from './subcommands.ts'
import { boot } from './system-boot.ts'
import { command as prune } from './system-prune.ts'

export const family: Family = {
  name: 'system',
  summary: 'The engine as a whole: what it has, whether all of it is well, and what can go.',
  commands: {
    boot,
    check,
    df,
    events: { ...eventsCommand, usage: 'system events [OPTIONS]', words: [0, 0], run: (_, flags) => events(flags) },
    info: { ...infoCommand, usage: 'system info [OPTIONS]', words: [0, 0], run: (_, flags) => info(flags) },
    prune,
  },
}

export const main = (argv: string[]): Promise<number> => runFamily(family, argv)
