import { findContainer, listContainers } from '../engine/state/list.ts'
import { UsageError } from '../kernel/usage-error.ts'
import { differences } from '../observe/differences.ts'
import { readNamespaces } from '../observe/namespaces.ts'
import { readStat } from '../observe/process.ts'
import { type Xray, xray } from '../observe/xray.ts'
import { type Command, formatHelp, type Parsed, parse } from './options.ts'
import { formatDifferences } from './text/differences-text.ts'
import { print, printError } from './text/output.ts'
import { printable, printableJson } from './text/printable.ts'
import { formatXray } from './text/xray-text.ts'

export const command: Command = {
  usage: 'inspect-process [OPTIONS] PROCESS [PROCESS]',
  summary: `Show all that the kernel tells about a process: who it is, its namespaces, mounts, cgroups, rights and network.
With two processes, or --host: only what separates them, and what each difference means. Changes nothing.
PROCESS is a pid, or the id, its beginning, or the name of a running container. 'toolkit xray' is the same.`,
  flags: {
    host: { help: 'compare with process 1, or where that cannot be read, with toolkit itself' },
    json: { help: 'as JSON; the shapes are Xray and Difference in toolkit/observe' },
  },
}

const MAX_PID = 4_194_304 // PID_MAX_LIMIT on 64 bit, proc(5)

/** A process that is there no more, or never was: exit code 1. */
const gone = (word: string): UsageError => new UsageError(`no process ${word}; it has ended, or never was`, 1)

const isContainer = (word: string): boolean =>
  word !== '' && listContainers().some(({ id, state }) => state?.name === word || (state?.id ?? id).startsWith(word))

/** A word of the command line as a pid. A number that is a process is that one, and no container. */
function pidOf(word: string): number {
  const number = /^[1-9]\d*$/.test(word) && Number(word) <= MAX_PID ? Number(word) : undefined
  if (number !== undefined && readStat(number)) return number
  if (!isContainer(word)) {
    if (number !== undefined) throw gone(word)
    const what = `${printable(JSON.stringify(word))} is no process and no container`
    throw new UsageError(`inspect-process: ${what}; give a pid from 1 to ${MAX_PID}, or an id`)
  }
  const { state, running, id } = findContainer(word)
  if (!running || state?.pid === undefined)
    throw new UsageError(`container ${id} does not run, so it has no process`, 1)
  return state.pid
}

function look(word: string, pid: number): Xray {
  const found = xray(pid)
  if (!found) throw gone(word)
  return found
}

/** What `--host` compares with. */
function host(): number {
  if (readNamespaces(1)) return 1
  printError('toolkit: process 1 cannot be read here; this compares with toolkit itself')
  return process.pid
}

/** Flags may stand behind the processes, too: no program follows that they could be for. */
function parseAll(argv: readonly string[]): Parsed {
  const { flags, rest } = parse(command, argv)
  if (rest.length === 0) return { flags, rest }
  const more = parseAll(rest.slice(1))
  return { flags: { ...flags, ...more.flags }, rest: [rest[0]!, ...more.rest] }
}

export async function main(argv: string[]): Promise<number> {
  const { flags, rest } = parseAll(argv)
  if (flags.help) {
    print(formatHelp(command))
    return 0
  }
  const [first, second] = rest
  if (first === undefined) throw new UsageError('inspect-process: which process? Give a pid or a container')
  if (rest.length > 2)
    throw new UsageError(`inspect-process: two processes at most, not ${JSON.stringify(rest[2])}, too`)
  if (second !== undefined && flags.host) throw new UsageError('inspect-process: --host is the second process already')
  const one = look(first, pidOf(first))
  if (second === undefined && !flags.host) {
    print(flags.json ? printableJson({ version: 1, ...one }) : formatXray(one))
    return 0
  }
  const other = second === undefined ? look('1', host()) : look(second, pidOf(second))
  const found = differences(one, other)
  const pids = { first: one.identity.pid, second: other.identity.pid }
  print(
    flags.json
      ? printableJson({
          version: 1,
          ...pids,
          differences: found,
          unread: [...new Set([...one.unread, ...other.unread])],
        })
      : formatDifferences(found, one, other),
  )
  return 0
}
