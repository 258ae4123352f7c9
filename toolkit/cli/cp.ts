// toolkit cp: between a container and the host. docker's words, rules and exit codes.
import { type CopyWish, copy, copyIn, copyOut, type Place } from '../engine/copy/copy.ts'
import { recordOf } from '../engine/state/events.ts'
import { findContainer } from '../engine/state/list.ts'
import { errnoMeaning } from '../kernel/errno.ts'
import { KernelError } from '../kernel/error.ts'
import { isTerminal } from '../kernel/tty.ts'
import { UsageError } from '../kernel/usage-error.ts'
import { type Command, mainOf } from './options.ts'
import { printError, writeBytes } from './text/output.ts'
import { humanSize } from './text/sizes.ts'

export const command: Command = {
  usage: 'cp [OPTIONS] CONTAINER:SOURCE DESTINATION|-\n       toolkit cp [OPTIONS] SOURCE|- CONTAINER:DESTINATION',
  summary: `Copy files between a container and the host.
With - a tar archive goes to stdout, or comes from stdin. A path in a container begins at its root; the container need not
run. What is copied belongs to the container’s root, or on the host to you, without set-user-ID
and without devices.`,
  flags: {
    archive: { short: 'a', help: 'keep owners; on the host set-user-ID, attributes and devices, too' },
    'follow-link': { short: 'L', help: 'where the source is a symlink, copy what it leads to' },
    quiet: { short: 'q', help: 'do not say how much was copied (default: say it to a terminal)' },
  },
  mixed: true,
}

/** CONTAINER:PATH, or a path of the host: what begins with / or . is one, whatever colons it has. */
function readPlace(word: string): Place {
  const at = word.indexOf(':')
  if (at < 0 || /^[/.]/.test(word)) return { container: undefined, path: word }
  if (at === 0) throw new UsageError(`cp: ${JSON.stringify(word)}: before the colon stands a container`, 1)
  return { container: word.slice(0, at), path: word.slice(at + 1) || '/' }
}

/** Writes all of it to stdout. Returns how much that was. */
async function send(pieces: AsyncIterable<Buffer>): Promise<number> {
  let sent = 0
  for await (const piece of pieces) {
    if (!writeBytes(1, piece)) break // nobody reads it any more
    sent += piece.length
  }
  return sent
}

async function carry(from: string, to: string, wish: CopyWish): Promise<number> {
  const [source, destination] = [readPlace(from), readPlace(to)]
  if (source.container !== undefined && destination.container !== undefined)
    throw new UsageError('cp: copying between containers is not supported; go by - or by a directory of the host', 1)
  if (source.container === undefined && destination.container === undefined)
    throw new UsageError('cp: one of the two is in a container: write CONTAINER:PATH', 1)
  if (to === '-' && isTerminal(1))
    throw new UsageError('cp: an archive is nothing for a terminal; send it to a file or a pipe', 1)
  const { state } = findContainer((source.container ?? destination.container)!)
  if (state) recordOf(state, source.container === undefined ? 'extract-to-dir' : 'archive-path')
  if (from === '-') return copyIn(process.stdin, destination)
  if (to !== '-') return copy(source, destination, wish)
  return send(copyOut(source, wish))
}

/** What the kernel has refused, with exit code 1 as docker's. */
function refusal(error: unknown): unknown {
  if (error instanceof KernelError) return new UsageError(`cp: ${error.message}`, 1)
  const { errno, path: at, dest } = error as NodeJS.ErrnoException & { dest?: string }
  if (errno === undefined || error instanceof UsageError) return error
  const path = dest ?? at // of a link the name, not what it says
  const place = path === undefined ? '' : `${String(path).replace(/^\/proc\/self\/fd\/\d+\//, '')}: `
  return new UsageError(`cp: ${place}${errnoMeaning(Math.abs(errno))}`, 1)
}

export const main = mainOf(command, async ({ flags, rest }) => {
  const [from, to] = rest
  if (from === undefined || to === undefined || rest.length > 2)
    throw new UsageError("cp: give a source and a destination; see 'toolkit cp --help'")
  try {
    const leftOut = (path: string) => printError(`toolkit: cp: ${path} is a device, and was left out; -a copies it`)
    const wish = { archive: flags.archive === true, followLink: flags['follow-link'] === true, leftOut }
    const size = await carry(from, to, wish)
    if (!flags.quiet && to !== '-' && isTerminal(2)) printError(`Successfully copied ${humanSize(size)} to ${to}`)
    return 0
  } catch (error) {
    throw refusal(error)
  }
})
