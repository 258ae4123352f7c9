import { type Family, runFamily } from './subcommands.ts'
export const family: Family = {
  name: 'completion',
  summary: 'Print what makes a shell complete commands, flags and names.',
  commands: {},
}
export const main = (argv: string[]): Promise<number> => runFamily(family, argv)
