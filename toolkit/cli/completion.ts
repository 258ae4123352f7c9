// toolkit completion: what makes a shell complete our words. The shell's part is made of the tables of all commands.
import { statusOf } from '../engine/life/lifecycle.ts'
import { listNetworks } from '../engine/network/networks.ts'
import { listContainers } from '../engine/state/list.ts'
import { listVolumes } from '../engine/volume/store.ts'
import { UsageError } from '../kernel/usage-error.ts'
import { type Family, runFamily } from './subcommands.ts'
import { print, printLines } from './text/output.ts'

const WANTED: Readonly<Record<string, readonly string[]>> = {
  running: ['running', 'paused', 'restarting'],
  paused: ['paused'],
  stopped: ['created', 'exited'],
}

/** Names that there are now. */
function names(kind: string): readonly string[] {
  const [what, state] = kind.split(':')
  if (what === 'volumes') return listVolumes().map(({ name }) => name)
  if (what === 'networks') return listNetworks().map(({ name }) => name)
  if (what !== 'containers')
    throw new UsageError(`completion names: ${JSON.stringify(kind)}: there are containers, volumes, networks`)
  const wanted = WANTED[state ?? '']
  return listContainers()
    .filter(row => row.state && (!wanted || wanted.includes(statusOf(row))))
    .map(({ state }) => state!.name)
}

export const family: Family = {
  name: 'completion',
  summary: 'Print what makes a shell complete commands, flags and names.',
  commands: {
    bash: {
      usage: 'completion bash',
      summary: 'For bash: source <(toolkit completion bash), perhaps in ~/.bashrc.',
      words: [0, 0],
      flags: {},
      run: async () => {
        print((await import('./help/completion-bash.ts')).bashCompletion())
        return 0
      },
    },
    zsh: {
      usage: 'completion zsh',
      summary: 'For zsh: source <(toolkit completion zsh), after compinit in ~/.zshrc.',
      words: [0, 0],
      flags: {},
      run: async () => {
        print((await import('./help/completion-zsh.ts')).zshCompletion())
        return 0
      },
    },
    names: {
      usage: 'completion names KIND',
      summary: 'Print names, a line each: containers, containers:running, :paused or :stopped, volumes, networks.',
      words: [1, 1],
      flags: {},
      run: ([kind]) => {
        printLines(names(kind!))
        return 0
      },
    },
  },
}

export const main = (argv: string[]): Promise<number> => runFamily(family, argv)
