import { type Event, readEvents } from '../engine/state/event-log.ts'
import { steadyNow } from '../engine/state/events.ts'
import { hasLabel } from './flags/labels.ts'
import { type Command, mainOf, noMoreThan, type Parsed } from './options.ts'
import { type Filters, filterOf } from './subcommands.ts'
import { writeBytes } from './text/output.ts'
import { printable, printableJsonText } from './text/printable.ts'
import { template } from './text/template/template.ts'
import { formatTime, parseDuration, parseTime } from './text/times.ts'

export const command: Command = {
  usage: 'events [OPTIONS]',
  summary: 'Print what happens to containers, networks and volumes, as it happens, until ^C.',
  flags: {
    since: {
      value: 'TIME',
      help: 'first what has happened since: 2026-01-31T12:00:00Z, seconds since 1970, or how long ago: 10m',
    },
    until: { value: 'TIME', help: 'what happens until then, and no more' },
    filter: {
      short: 'f',
      value: 'KEY=VALUE',
      many: true,
      help: 'only those with: type=, event=, container=, image=, network=, volume=, label=, scope=',
    },
    format: {
      value: 'TEMPLATE',
      blank: true,
      help: "parts of each, as '{{.Type}} {{.Action}} {{.Actor.ID}}', or json",
    },
    json: { help: 'the same as --format json' },
  },
  mixed: true,
}

const isOf = (event: Event, type: Event['Type'], value: string): boolean => {
  const { ID, Attributes } = event.Actor
  const known = [...(event.Type === type ? [ID, Attributes.name] : []), Attributes[type]]
  return (
    known.some(text => text === value) || (/^[0-9a-f]{4,}$/.test(value) && known.some(text => text?.startsWith(value)))
  )
}

const filters: Filters<Event> = {
  type: ({ Type }, value) => Type === value,
  event: ({ Action }, value) => Action === value || Action.split(':')[0] === value,
  container: (event, value) => isOf(event, 'container', value),
  network: (event, value) => isOf(event, 'network', value),
  volume: (event, value) => isOf(event, 'volume', value),
  image: ({ Type, from }, value) => Type === 'container' && from === value,
  label: ({ Actor }, value) => hasLabel(Actor.Attributes, value),
  scope: ({ scope }, value) => scope === value,
}

/** Whether an event came after a time of the user's. How long ago counts by the clock that nobody sets. */
function after(flag: string, text: string): (event: Event) => boolean {
  const time = parseTime(flag, text)
  const ago = parseDuration(text)
  const { clock, boot } = steadyNow()
  return event => (ago !== undefined && event.boot === boot ? event.clock >= clock - 1000 * ago : event.nano >= time)
}

/** docker's line: time, type, action, id, and attributes in the order of their names. */
function line({ nano, Type, Action, Actor }: Event): string {
  const pairs = Object.entries(Actor.Attributes).toSorted(([a], [b]) => (a < b ? -1 : 1))
  const about = pairs.map(([key, value]) => `${key}=${value}`).join(', ')
  return `${formatTime(nano)} ${Type} ${Action} ${Actor.ID} (${about})`
}

function formatter(format: string | undefined): (event: Event) => string {
  if (format === undefined) return event => printable(line(event))
  if (format === 'json' || format === '{{json .}}') return ({ json }) => printableJsonText(json)
  const fill = template(format)
  return event => {
    const { status = '', id = '', from = '', nano, time, scope, Type, Action, Actor } = event
    const fields = { Status: status, ID: id, From: from, Type, Action, Actor, Scope: scope, Time: time, TimeNano: nano }
    return fill(fields).split('\n').map(printable).join('\n').replaceAll('\\t', '\t')
  }
}

/** `toolkit events`, and docker's `system events`. Resolves to the exit code. */
export async function events(flags: Parsed['flags']): Promise<number> {
  const { since, until, format } = flags as Record<string, string | undefined>
  const wanted = filterOf(flags.filter, filters)
  const show = formatter(flags.json ? 'json' : format)
  const isNew = since === undefined && until === undefined ? after('events: --since', '0s') : () => true
  const isLate = since === undefined ? isNew : after('events: --since', since)
  const isOver = until === undefined ? () => false : after('events: --until', until)
  const left = until === undefined ? undefined : Number(parseTime('events: --until', until) / 1_000_000n) - Date.now()
  let timer: NodeJS.Timeout | undefined
  const stop = new Promise<void>(resolve => {
    if (left !== undefined && left > 0) timer = setTimeout(resolve, Math.min(left, 2 ** 31 - 1))
  })
  for await (const event of readEvents({ follow: left === undefined || left > 0, stop })) {
    if (!isLate(event) || isOver(event) || !wanted(event)) continue
    if (!writeBytes(1, Buffer.from(`${show(event)}\n`))) break // nobody reads it any more
  }
  clearTimeout(timer)
  return 0
}

export const main = mainOf(command, ({ flags, rest }) => {
  noMoreThan(0, rest, 'events')
  return events(flags)
})
