// Flags before the command: `toolkit -D ps`. docker's are for its client, which speaks to a daemon, and here is none: what
// makes no difference is taken, what asks for another daemon is refused.
import { UsageError } from '../kernel/usage-error.ts'
import { type Command, type Parsed, parse } from './options.ts'

const LEVELS = ['debug', 'info', 'warn', 'error', 'fatal']

export const command: Command = {
  name: '',
  usage: '[OPTIONS] COMMAND',
  summary: '',
  flags: {
    debug: { short: 'D', help: 'for docker’s sake: errors say all that is known' },
    'log-level': { short: 'l', value: LEVELS.join('|'), help: 'for docker’s sake: there is no log' },
    config: { value: 'DIR', help: 'for docker’s sake: there is no configuration' },
    context: { short: 'c', value: 'NAME', help: 'only default: there is no other daemon, nor this one' },
    host: {
      short: 'H',
      value: 'SOCKET',
      many: true,
      absent: true,
      help: 'is not there: there is no daemon to speak to',
    },
    version: { short: 'v', help: 'print the version' },
  },
}

/** docker's about the connection to its daemon. */
const tls = {
  tls: { help: '' },
  tlsverify: { help: '' },
  tlscacert: { value: 'FILE', help: '' },
  tlscert: { value: 'FILE', help: '' },
  tlskey: { value: 'FILE', help: '' },
}

function check(flags: Parsed['flags']): void {
  const level = flags['log-level'] as string | undefined
  if (level !== undefined && ![...LEVELS, 'warning', 'panic', 'trace'].includes(level))
    throw new UsageError(`--log-level ${JSON.stringify(level)}: there are ${LEVELS.join(', ')}`)
  const asks = ['host', ...Object.keys(tls)].find(flag => flags[flag])
  if (asks !== undefined)
    throw new UsageError(`--${asks}: there is no daemon to speak to, toolkit makes containers itself; leave it out`)
  if (flags.context !== undefined && flags.context !== 'default')
    throw new UsageError(
      `--context ${JSON.stringify(flags.context)}: there is no daemon, so only default; leave it out`,
    )
}

/** The command with its words. Throws a UsageError for flags that are none, and for those that ask for a daemon. */
export function withoutGlobal(argv: readonly string[]): string[] {
  const { flags, rest } = parse({ ...command, flags: { ...command.flags, ...tls } }, argv)
  if (flags.help) return ['--help']
  if (flags.version) return ['--version']
  check(flags)
  return [...rest]
}
