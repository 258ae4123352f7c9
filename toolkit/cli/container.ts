// `toolkit container X`: docker's long form of X, where X is about containers.
import { UsageError } from '../kernel/usage-error.ts'
import { suggest } from './flags/suggest.ts'
import { container } from './help/catalogue.ts'
import { runFamily } from './subcommands.ts'

type Run = (argv: string[]) => Promise<number>

const LIST = ['ls', 'list', 'ps']
const OTHERS = new Set(['volume', 'network', 'system', 'container', 'info', 'version', 'completion', 'doctor', 'spec'])
const HIDDEN = new Set(['settle', 'dns-server', 'xray', 'inspect-process'])

/** `commands`: those of the short form. */
export async function main(argv: string[], commands: Readonly<Record<string, Run>>): Promise<number> {
  const [word, ...rest] = argv
  if (word !== undefined && LIST.includes(word)) return commands.ps!(rest)
  const known = Object.keys(commands).filter(name => !OTHERS.has(name) && !HIDDEN.has(name))
  if (word !== undefined && known.includes(word)) return commands[word]!(rest)
  if (word === undefined || word === 'prune' || word.startsWith('-') || word === 'help')
    return runFamily(container, argv)
  const close = suggest(word, ['ls', 'prune', ...known])
  throw new UsageError(
    `container: no command ${JSON.stringify(word)}; ${close ? `did you mean ${close}? ` : ''}there are ${[...known, 'ls', 'prune'].toSorted().join(', ')}`,
  )
}
