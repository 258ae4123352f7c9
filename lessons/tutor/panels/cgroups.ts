// Cgroups: what the groups of the lab use of what they may use, with the last minute of it as a line of blocks.
import { type CgroupFigures, readCgroup } from '../../../toolkit/observe/cgroup-figures.ts'
import { fit, width } from '../wrap.ts'
import { groupsBelow, tryTo } from './bounded.ts'
import { isThere, type Sample, Samples, spark } from './history.ts'
import { clean, count, type PanelScene, part, type Reading, type ReadPanel, type Row, type Space } from './panel.ts'

const SHOWN = 3
const MOST = 40 // groups of each hierarchy that are looked at

interface Figure {
  readonly name: string
  /** `12M of 64M`, `25% of 50%`. */
  readonly text: string
  /** There is a limit, and it is nearly reached. */
  readonly full: boolean
  /** From 0 to 1: the newest last. */
  readonly levels: readonly number[]
  /** What the limit has done: `3 killed`. */
  readonly hits: string
}

interface Group {
  readonly path: string
  readonly processes: number
  readonly frozen: boolean
  readonly figures: readonly Figure[]
}

interface Data {
  readonly groups: readonly Group[]
  /** How many there are besides. */
  readonly others: number
}

export function openCgroupsPanel(): ReadPanel {
  const history = new Map<string, Samples>()
  return ({ lab: { pid, cgroups }, now }: PanelScene): Reading | undefined => {
    if (!isThere(pid)) return undefined
    const paths = groupsOf(cgroups)
    const shown = paths.slice(0, SHOWN)
    for (const key of history.keys()) if (!shown.includes(key.split('\0')[0]!)) history.delete(key)
    const groups = shown.flatMap(path => {
      const figures = tryTo(() => readCgroup(cgroups.map(top => top + path)))
      return figures ? [groupOf(path, figures, history, now)] : []
    })
    const data = { groups, others: paths.length - shown.length }
    const facts = groups.flatMap(({ path, processes, frozen, figures }) => [
      [`${path} processes`, `${processes} ${frozen}`] as const,
      ...figures.map(({ name, hits, text }) => [`${path} ${name}`, `${hits} ${text.split(' of ')[1] ?? ''}`] as const),
    ])
    return {
      data,
      title: paths.length === 0 ? 'none' : `${count(paths.length)} ${paths.length === 1 ? 'group' : 'groups'}`,
      legend: 'now of limit, the last minute',
      facts: new Map(facts),
      draw: space => draw(data, space),
    }
  }
}

/** The paths of the groups: the learner's first, and of those the ones at the top; at last the lab's own. */
function groupsOf(tops: readonly string[]): string[] {
  const found = new Set(tops.flatMap(top => groupsBelow(top, MOST)))
  const own = (path: string) => Number(path === '/lab' || path.startsWith('/lab/'))
  return [...found].sort((a, b) => own(a) - own(b) || a.split('/').length - b.split('/').length || (a < b ? -1 : 1))
}

function groupOf(path: string, read: CgroupFigures, history: Map<string, Samples>, now: number): Group {
  const figures: Figure[] = []
  const samples = (name: string) => {
    const key = `${path}\0${name}`
    if (!history.has(key)) history.set(key, new Samples())
    return history.get(key)!
  }
  const add = (name: string, value: Sample, limit: number, text: (n: number) => string, hits: string) => {
    const levels = samples(name).add(value, now, limit)
    figures.push({
      name,
      text: `${text(value)}${limit === Infinity ? '' : ` of ${text(limit)}`}`,
      levels,
      hits,
      full: value > 0.9 * limit,
    })
  }
  const { memory, cpu, pids } = read
  const times = (n: number | undefined, what: string) => (n ? `${count(n)} ${what}` : '')
  if (memory) {
    const killed = times(memory.oomKills, 'killed')
    add('memory', memory.current, memory.limit, bytes, killed || times(memory.limitHits, 'times at the limit'))
  }
  if (cpu?.usage !== undefined) {
    const rate = samples('time').rate(cpu.usage, now * 1000)
    const limit = cpu.quota === undefined || cpu.quota < 0 || !cpu.period ? Infinity : cpu.quota / cpu.period
    add('cpu', rate, limit, percent, times(cpu.throttledPeriods, 'times throttled'))
  }
  if (pids) add('pids', pids.current, pids.limit, count, times(pids.refused, 'refused'))
  return { path: clean(path), processes: read.processes.length, frozen: read.frozen === true, figures }
}

const percent = (share: number) => `${Math.round(share * 100)}%`

/** 640, 12K, 1.5M */
function bytes(n: number): string {
  const units = ['', 'K', 'M', 'G', 'T']
  let unit = 0
  for (; n >= 1000 && unit < units.length - 1; unit++) n /= 1024
  return `${n < 10 && unit > 0 ? Math.round(n * 10) / 10 : Math.round(n)}${units[unit]}`
}

function draw({ groups, others }: Data, space: Space): readonly Row[] {
  const [first] = groups
  if (!first) return [[part('No cgroups: this machine has no controllers for the lab.', 'muted')]]
  if (space.rows === 1) return [oneRow(first, groups.length - 1 + others, space)]
  const rows: Row[] = []
  let shown = 0
  for (const group of groups) {
    if (shown > 0 && rows.length + group.figures.length + 1 > space.rows) break
    rows.push(...groupRows(group, space))
    shown++
  }
  const left = groups.length - shown + others
  if (left > 0 && rows.length < space.rows) rows.push([part(`… ${count(left)} more`, 'muted')])
  else if (left > 0) rows[0] = [...rows[0]!, part(`  (${count(left)} more: V)`, 'muted')]
  return rows
}

function groupRows({ path, processes, frozen, figures }: Group, { columns, ascii }: Space): Row[] {
  const text = Math.max(16, ...figures.map(figure => width(figure.text)))
  const hits = Math.max(0, ...figures.map(figure => width(figure.hits)))
  const cells = Math.max(8, Math.min(60, columns - 9 - text - 2 - hits - 3))
  const head: Row = [
    part(path, 'strong', `${path} processes`),
    part(`  ${count(processes)} ${processes === 1 ? 'process' : 'processes'}`, 'muted', `${path} processes`),
    part(frozen ? '  frozen' : '', 'bad', `${path} processes`),
  ]
  return [
    head,
    ...figures.map(({ name, text: value, levels, hits: what, full }): Row => {
      const key = `${path} ${name}`
      return [
        part(`  ${name.padEnd(7)}`, 'muted'),
        part(fit(value, text), undefined, key),
        part('  '),
        part(spark(levels, cells, ascii), full ? 'bad' : 'good'),
        part(what === '' ? '' : `  ${what}`, 'bad', key),
      ]
    }),
  ]
}

/** `/box  memory 12M of 64M ▁▂▃  cpu 0% ▁▁▁  pids 1 of 10 ▁▁▁  +1 group` */
function oneRow({ path, figures }: Group, others: number, { columns, ascii }: Space): Row {
  const more = others > 0 ? `  +${count(others)}` : ''
  const taken = width(path) + width(more) + figures.reduce((sum, { text }) => sum + width(text) + 8, 0)
  const cells = Math.max(0, Math.min(12, Math.floor((columns - taken) / Math.max(1, figures.length)) - 1))
  return [
    part(path, 'strong', `${path} processes`),
    ...figures.flatMap(({ name, text, levels, hits }) => [
      part(`  ${name === 'memory' ? 'mem' : name} `, 'muted'),
      part(text, hits === '' ? undefined : 'bad', `${path} ${name}`),
      part(cells > 2 ? ` ${spark(levels, cells, ascii)}` : '', 'good'),
    ]),
    part(more, 'muted'),
  ]
}
