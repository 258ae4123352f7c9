// `toolkit system`: what concerns all of the engine's state.
import { runFamily } from './subcommands.ts'
import { boot } from './system-boot.ts'

export const main = (argv: string[]): Promise<number> =>
  runFamily({ name: 'system', summary: 'Look after the engine as a whole.', commands: { boot } }, argv)
