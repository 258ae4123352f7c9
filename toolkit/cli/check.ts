// `toolkit system check`: the whole state, looked through.
import { check, type Outcome, repair } from '../engine/check/check.ts'
import { refuse } from '../engine/host.ts'
import type { Parsed } from './options.ts'
import type { Subcommand } from './subcommands.ts'
import { print } from './text/output.ts'
import { printable, printableJson } from './text/printable.ts'

export const command: Subcommand = {
  usage: 'system check [OPTIONS]',
  summary: `Look through all that the engine keeps: containers, names, volumes, networks, caches, and what is left of them on the
machine. A line for each thing that is not as it should be. The exit code is 0 where all is well (with --repair: by then),
else 1. Whatever cannot be read is set aside by --repair, as NAME.corrupt-TIME; nothing of it is lost.`,
  words: [0, 0],
  flags: { repair: { help: 'put it right' }, json: { help: 'as JSON' } },
  run,
}

/** What has come of it, at the end of its line. */
function outcomeText({ done, failed, repair }: Outcome, repaired: boolean): string {
  if (done !== undefined) return `; ${done}`
  if (failed !== undefined) return `; cannot be repaired now: ${failed}`
  if (!repair) return '; --repair cannot help'
  return repaired ? '; it has come back' : ''
}

async function run(_: readonly string[], flags: Parsed['flags']): Promise<number> {
  if (process.getuid!() !== 0) throw refuse('root', { asked: 'system check' })
  const repaired = flags.repair === true
  const found: Outcome[] = repaired ? await repair() : await check()
  const left = found.filter(({ done }) => done === undefined)
  if (flags.json) {
    const findings = found.map(({ kind, subject, meaning, repair, done, failed }) => ({
      ...{ kind, subject, meaning, repairable: repair !== undefined, done, failed },
    }))
    print(printableJson({ version: 1, ok: left.length === 0, findings }, 2))
  } else {
    for (const finding of found)
      print(printable(`${finding.kind} ${finding.subject}: ${finding.meaning}${outcomeText(finding, repaired)}`))
    if (found.length === 0) print('All is well.')
    else if (!repaired)
      print(
        `\n${found.length === 1 ? 'One finding' : `${found.length} findings`}; 'toolkit system check --repair' puts right what can be.`,
      )
  }
  return left.length === 0 ? 0 : 1
}
