import { arch as nodeArch, release } from 'node:os'
import { VERSION as STATE } from '../engine/state/store.ts'
import { type Command, mainOf, noMoreThan, type Parsed } from './options.ts'
import { print } from './text/output.ts'
import { printableJson, printableLines } from './text/printable.ts'
import { template } from './text/template/template.ts'

declare const VERSION: string

export const formatFlags = {
  format: { short: 'f', value: 'TEMPLATE', blank: true, help: 'parts of it, as docker’s templates have it, or json' },
  json: { help: 'as JSON' },
} as const

export const command: Command = {
  usage: 'version [OPTIONS]',
  summary: 'Print the version of toolkit, and of what it runs on.',
  flags: formatFlags,
}

/** As Go calls a processor. */
const goArch = (): string => ({ x64: 'amd64' })[nodeArch() as 'x64'] ?? nodeArch()

export const version = (): string => VERSION

function about() {
  const common = {
    Version: VERSION,
    Os: 'linux',
    Arch: goArch(),
    KernelVersion: release(),
    NodeVersion: process.version,
  }
  // There is no daemon: what answers a docker client's question about the server is the same program.
  return {
    Client: { Platform: { Name: 'toolkit' }, ...common, Context: 'default' },
    Server: {
      Platform: { Name: 'toolkit' },
      Components: [{ Name: 'Engine', Version: VERSION, Details: { ...common, StateVersion: String(STATE) } }],
      ...{ ...common, StateVersion: STATE },
    },
  }
}

/** JSON, a template, or `text`: what --json and --format have asked for. Returns the exit code. */
export function show(value: object, { format, json }: Parsed['flags'], text: () => string): number {
  if (json || format === 'json') print(printableJson(value, json ? 2 : 0))
  else if (format === undefined) print(text())
  else print(printableLines(template(format as string)(value)))
  return 0
}

const WIDTH = 17

export const main = mainOf(command, ({ flags, rest }) => {
  noMoreThan(0, rest, 'version')
  const found = about()
  const { Version, Os, Arch, KernelVersion, NodeVersion, StateVersion } = found.Server
  const line = (name: string, value: unknown) => ` ${`${name}:`.padEnd(WIDTH)} ${value}`
  return show(found, flags, () =>
    [
      'Client and engine: toolkit',
      line('Version', Version),
      line('OS/Arch', `${Os}/${Arch}`),
      line('Kernel version', KernelVersion),
      line('Node version', NodeVersion),
      line('State version', StateVersion),
    ].join('\n'),
  )
})
