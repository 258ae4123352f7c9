import { checkHost, type Result, type State } from '../engine/host/checks.ts'
import { isUtf8 } from '../engine/host/course.ts'
import { complain, GROUPS, HostRefusal, sentence } from '../engine/host.ts'
import { type Command, mainOf, noMoreThan } from './options.ts'
import { colour, row } from './text/layout.ts'
import { print } from './text/output.ts'
import { printable, printableJson } from './text/printable.ts'

export const command: Command = {
  usage: 'doctor [OPTIONS]',
  summary: `Look at this machine: is there all that containers and the course need? Says what is missing, what does not
work without it, and what to type. Changes nothing. The exit code is 0 where containers can be made, else 1.`,
  flags: {
    verbose: { short: 'v', help: 'also what was found, and what each is good for' },
    json: { help: 'as JSON' },
  },
}

const SIGNS: Record<State, readonly [sign: string, plain: string, colour: 2 | 31 | 32 | 33]> = {
  ok: ['✓', 'ok', 32],
  warning: ['!', 'warning', 33],
  missing: ['✗', 'missing', 31],
  unchecked: ['?', 'unchecked', 2],
}

const PLAIN = 'unchecked'.length
const TITLES = 20 // characters

function sign(state: State): string {
  const [beautiful, plain, shade] = SIGNS[state]
  return colour(shade, isUtf8() ? beautiful : plain.padEnd(PLAIN))
}

/** For a terminal that knows only ASCII. */
const spell = (text: string): string =>
  isUtf8() ? text : text.replaceAll('…', '...').replaceAll('’', "'").replaceAll('×', 'x')

const HANG = { indent: 8, titles: 10 }

function describe({ title, state, detail, missing, cost, remedy }: Result, verbose: boolean): string {
  const isAmiss = state === 'missing' || state === 'warning'
  const said = {
    ok: verbose ? (detail ?? '') : '',
    unchecked: `unknown: ${detail}`,
    warning: sentence(missing, detail),
    missing: sentence(missing, detail),
  }[state]
  const indent = isUtf8() ? 4 : 3 + PLAIN
  return [
    `  ${sign(state)} ${row(title, printable(said), { indent, titles: TITLES }).slice(indent)}`,
    ...(isAmiss || verbose ? [row('without it', cost, HANG)] : []),
    ...(isAmiss ? [`        type       ${printable(remedy)}`] : []), // never broken: it is to be copied
  ].join('\n')
}

function conclude(results: readonly Result[]): string {
  const count = (wanted: State) => results.filter(({ state }) => state === wanted).length
  const first = results.find(({ state }) => state === 'missing')
  // where this is a container that lacks something, all that is missing is missing for that
  const surroundings = results.find(({ id, state }) => id === 'surroundings' && state === 'warning')
  const why = surroundings ? printable(sentence(surroundings.missing, surroundings.detail)) : first?.missing
  const verdict = () => {
    if (!first) return 'Containers can be made here.'
    if (first.id === 'root' && count('missing') === 1)
      return 'You cannot make containers here: that needs root. To see what root finds: sudo toolkit doctor.'
    return `Containers cannot be made here: ${why}.`
  }
  return [
    verdict(),
    count('warning') > 0 && `Warnings: ${count('warning')}.`,
    count('unchecked') > 0 && `Not checked: ${count('unchecked')}.`,
  ]
    .filter(Boolean)
    .join(' ')
}

const asJson = ({ id, group, title, needed, state, detail, missing, cost, remedy }: Result) => ({
  id,
  group,
  title,
  needed: needed === true,
  state,
  detail,
  ...(state === 'ok' || state === 'unchecked'
    ? { missing: null, cost: null, remedy: null, message: null }
    : { missing, cost, remedy, message: complain(id, { detail, remedy }) }),
})

export const main = mainOf(command, async ({ flags, rest }, argv) => {
  noMoreThan(0, rest, 'doctor', 125)
  if (process.getuid!() !== 0) {
    const { asRoot } = await import('../engine/rootless.ts')
    try {
      return await asRoot(['doctor', ...argv], 'doctor') // what can be done without root
    } catch (error) {
      if (!(error instanceof HostRefusal)) throw error // it cannot; then that is the first thing to say
    }
  }
  const verbose = flags.verbose === true
  const results = checkHost()
  const well = results.every(({ state }) => state !== 'missing')
  if (flags.json) print(printableJson({ version: 1, ok: well, checks: results.map(asJson) }))
  else {
    const groups = GROUPS.map(group => {
      const lines = results.filter(result => result.group === group).map(result => describe(result, verbose))
      return [colour(1, group), ...lines].join('\n')
    })
    print(spell([...groups, conclude(results)].join('\n\n')))
  }
  return well ? 0 : 1
})
