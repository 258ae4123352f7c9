// `toolkit --help`, and what is said where a command is none.
import { UsageError } from '../kernel/usage-error.ts'
import { suggest } from './flags/suggest.ts'
import { command } from './global-flags.ts'
import { ALIASES, type Entry, groups, nameOf } from './help/catalogue.ts'
import { colour, row } from './text/layout.ts'
import { print } from './text/output.ts'

/** Where the beginning of a command's own summary says too little. */
const BRIEF: Readonly<Record<string, string>> = {
  lessons: 'the course without a screen',
  ps: 'list containers',
  spec: 'print what run would make as an OCI config.json',
  pause: 'stop all processes of containers where they are',
  unpause: 'let them go on',
  rm: 'remove containers',
  volume: 'keep files apart from containers',
  network: 'part containers from each other',
  system: 'the engine as a whole: check, df, info, prune',
  container: 'the same in docker’s long form; and container prune',
  completion: 'make a shell complete commands, flags and names',
  doctor: 'look whether this machine has all that is needed',
  'inspect-process': 'show all about a process, or what separates two (short: xray)',
}

/** The beginning of what it says about itself, as it stands in a list. */
function brief(entry: Entry): string {
  const [clause] = /^[^.;:,\n]*/.exec(entry.summary)!
  return BRIEF[nameOf(entry)] ?? `${clause[0]!.toLowerCase()}${clause.slice(1)}`
}

export function printHelp(): void {
  const names = groups.flatMap(({ entries }) => entries.map(nameOf))
  const titles = Math.max(...names.map(name => name.length)) + 1
  const parts = groups.map(({ title, entries }) =>
    [colour(1, `${title}:`), ...entries.map(entry => row(nameOf(entry), brief(entry), { titles }))].join('\n'),
  )
  const flags = Object.entries(command.flags).map(([name, { short, help }]) =>
    row(`${short ? `-${short}, ` : '    '}--${name}`, help, { titles }),
  )
  print(`Usage: toolkit [OPTIONS] COMMAND

Build a Linux container by hand, one kernel primitive at a time; then run the engine you understood.

${parts.join('\n\n')}

${colour(1, 'Options:')}
${flags.join('\n')}

'toolkit COMMAND --help' tells more. For scripts: whatever lists or shows something
takes --json, which is one JSON document, and docker's templates with --format.`)
}

/** What to say of a word that is no command. */
export function noCommand(name: string): UsageError {
  const close = suggest(name, [
    ...groups.flatMap(({ entries }) => entries.map(nameOf)),
    ...Object.keys(ALIASES),
    'help',
  ])
  return new UsageError(
    `no command ${JSON.stringify(name)}; ${close ? `did you mean ${close}? ` : ''}'toolkit --help' lists them`,
  )
}
