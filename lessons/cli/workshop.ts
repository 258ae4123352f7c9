// `toolkit workshop`: the run-book, and the commands of the instructor and of a seat.
import { UsageError } from '../../toolkit/kernel/usage-error.ts'
import { readHost } from '../host.ts'
import { lessons } from '../index.ts'
import { parse, print } from './options.ts'

const HELP = `Usage: toolkit workshop [--hours N]
       toolkit workshop COMMAND

Without COMMAND: the run-book for a workshop, with a time table for N
hours a day (6). With one, many seats on one page; nothing leaves the
room's network. None of it needs root.

The instructor:
  serve [--listen ADDRESS:PORT] [--as ADDRESS:PORT] [--anywhere]
      opens the workshop, and prints the line with which seats join and
      the link to your page. Without --listen: on this machine's private
      address. --as: what seats are told instead, where another machine
      forwards a port to this one. --anywhere: --listen may name a public
      address, or 0.0.0.0
  progress [--json | --csv] [--stuck MINUTES]
      what each seat does
  goto LESSON | goto --cancel
      asks everybody to come to a lesson, or takes that back
  reset SEAT [--now]
      asks a seat to throw its lab away for a new one; --now does it
  forget SEAT
      takes a seat off the list
  All take --state DIR: where the workshop is kept.

A seat:
  join URL [--name NAME] [--later] [--anywhere]
      from now on the tutor reports: lesson, task, tasks done, hints,
      time since the last key, and NAME. --later: the server is not there
      yet. --anywhere: it may have an address that is not private
  status
      to whom this seat reports
  leave
      ends it`

type Command = (argv: readonly string[]) => Promise<number>

const commands: Record<string, () => Promise<Command>> = {
  serve: async () => (await import('./workshop-room.ts')).serve,
  progress: async () => (await import('./workshop-room.ts')).progress,
  goto: async () => (await import('./workshop-room.ts')).goto,
  reset: async () => (await import('./workshop-room.ts')).reset,
  forget: async () => (await import('./workshop-room.ts')).forget,
  join: async () => (await import('./workshop-seat.ts')).join,
  status: async () => (await import('./workshop-seat.ts')).status,
  leave: async () => (await import('./workshop-seat.ts')).leave,
}

export async function main(argv: readonly string[]): Promise<number> {
  const [name, ...rest] = argv
  if (name === 'help' || argv.some(word => word === '--help' || word === '-h')) {
    print(HELP)
    return 0
  }
  if (name === undefined || name.startsWith('-')) {
    const { flags } = parse('workshop', argv, { hours: { type: 'string' } }, 0)
    const { runBook } = await import('../workshop/run-book.ts')
    process.stdout.write(runBook(lessons, readHost(), number('--hours', flags.hours ?? '6', 24)))
    return 0
  }
  const load = Object.hasOwn(commands, name) ? commands[name] : undefined
  if (!load) throw new UsageError(`workshop: no command ${JSON.stringify(name)}; 'toolkit workshop --help' lists them`)
  return (await load())(rest)
}

/** A whole number from 1 to `most`. */
export function number(flag: string, text: string | boolean | undefined, most: number): number {
  const value = Number(text)
  if (!Number.isInteger(value) || value < 1 || value > most)
    throw new UsageError(`workshop: ${flag} ${JSON.stringify(text)}: give a number from 1 to ${most}`)
  return value
}
