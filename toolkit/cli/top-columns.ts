// The columns of ps(1) that one look at /proc tells, and the formats that it makes of them. Sizes are in KiB.
import { totalmem } from 'node:os'
import { runningFor, TICKS } from '../engine/life/restart-policy.ts'
import { deviceNumber } from '../kernel/device-number.ts'
import { UsageError } from '../kernel/usage-error.ts'
import type { Process } from '../observe/process.ts'
import { readText } from '../observe/read.ts'
import { numbers, statusFields } from '../observe/status.ts'

/** What ps has above a column, and what is in it. */
export type Column = readonly [head: string, cell: (process: Process) => number | string]
/** By the names that `-o` and JSON have for them, in their order. */
export type Columns = Readonly<Record<string, Column>>

const words = ({ argv, comm }: Process): string => (argv.length > 0 ? argv.join(' ') : `[${comm}]`)
/** A number of /proc/PID/status; none for a thread of the kernel, which has no memory of its own. */
const status =
  (key: string) =>
  ({ pid }: Process) =>
    numbers(statusFields(pid)?.get(key) ?? '0')[0]!
const threads = status('Threads')
const rss = status('VmRSS')

const two = (n: number): string => String(n).padStart(2, '0')
/** Seconds that it has run. */
const elapsed = ({ startTime }: Process): number => runningFor(startTime) / 1000

/** [[DD-]hh:]mm:ss */
function clock(seconds: number): string {
  const [days, hours] = [Math.floor(seconds / 86_400), Math.floor(seconds / 3600) % 24]
  const rest = `${two(Math.floor(seconds / 60) % 60)}:${two(Math.floor(seconds) % 60)}`
  return days > 0 ? `${days}-${two(hours)}:${rest}` : hours > 0 ? `${two(hours)}:${rest}` : rest
}

/** Its share of one processor, from its start. */
const share = (process: Process): number => (100 * process.cpuTime) / TICKS / Math.max(elapsed(process), 1 / TICKS)

/** The time of a day, if that is today; else the day, or the year. */
function started(process: Process): string {
  const [then, now] = [new Date(Date.now() - 1000 * elapsed(process)), new Date()]
  if (then.toDateString() === now.toDateString()) return `${two(then.getHours())}:${two(then.getMinutes())}`
  if (then.getFullYear() !== now.getFullYear()) return String(then.getFullYear())
  return then.toLocaleString('en', { month: 'short' }) + two(then.getDate())
}

/** The terminal that it can be reached by, as the kernel numbers them (admin-guide/devices). */
function terminal({ tty }: Process): string {
  if (tty === 0) return '?'
  const { major, minor } = deviceNumber(tty)
  if (major >= 136 && major <= 143) return `pts/${(major - 136) * 256 + minor}`
  if (major === 4) return minor < 64 ? `tty${minor}` : `ttyS${minor - 64}`
  return `${major}:${minor}`
}

/** Its state, and what else is special about it. */
function states(process: Process): string {
  const { state, nice, session, pid, tpgid, pgrp } = process
  const marks = [
    [nice < 0, '<'],
    [nice > 0, 'N'],
    [session === pid, 's'],
    [threads(process) > 1, 'l'],
    [tpgid === pgrp, '+'],
  ] as const
  return state + marks.map(([is, mark]) => (is ? mark : '')).join('')
}

let users: Map<string, string> | undefined

/** The host's name of a user, passwd(5), or the number: docker's ps(1) runs on the host, too. */
function nameOf({ uid }: Process): string {
  users ??= new Map(
    (readText('/etc/passwd') ?? '')
      .split('\n')
      .map(line => line.split(':'))
      .map(([name = '', , id = '']) => [id, name] as const)
      .reverse(), // of several names of one number the first counts
  )
  return users.get(String(uid)) || String(uid)
}

const COLUMNS = {
  pid: ['PID', ({ pid }) => pid],
  ppid: ['PPID', ({ ppid }) => ppid],
  pgid: ['PGID', ({ pgrp }) => pgrp],
  sid: ['SID', ({ session }) => session],
  uid: ['UID', ({ uid }) => uid],
  user: ['USER', nameOf],
  s: ['S', ({ state }) => state],
  stat: ['STAT', states],
  ni: ['NI', ({ nice }) => nice],
  nlwp: ['NLWP', threads],
  c: ['C', process => Math.floor(share(process))],
  pcpu: ['%CPU', process => share(process).toFixed(1)],
  pmem: ['%MEM', process => ((100 * 1024 * rss(process)) / totalmem()).toFixed(1)],
  rss: ['RSS', rss],
  vsz: ['VSZ', status('VmSize')],
  tty: ['TTY', terminal],
  stime: ['STIME', started],
  etime: ['ELAPSED', process => clock(elapsed(process))],
  time: ['TIME', ({ cpuTime }) => clock(cpuTime / TICKS).padStart(8, '00:00:00')],
  comm: ['COMMAND', ({ comm }) => comm],
  args: ['COMMAND', words],
  cmd: ['CMD', words],
} as const satisfies Columns
type Name = keyof typeof COLUMNS
/** ps has several names for some. */
const ALSO: Readonly<Record<string, Name>> = {
  '%cpu': 'pcpu',
  '%mem': 'pmem',
  command: 'args',
  start: 'stime',
  tname: 'tty',
}

const pick = (...names: Name[]): Columns => Object.fromEntries(names.map(name => [name, COLUMNS[name]]))

/** Of JSON where nothing is asked for. */
export const USUAL: Columns = { ...pick('uid', 'pid', 'ppid'), command: COLUMNS.cmd }
/** `ps -ef`, which docker's is where nothing is asked for. */
export const FULL: Columns = {
  user: ['UID', nameOf],
  ...pick('pid', 'ppid', 'c', 'stime', 'tty', 'time', 'cmd'),
}

/** What `ps -ef`, `ps aux` and their like show. */
const FORMATS = {
  full: FULL,
  user: {
    ...pick('user', 'pid', 'pcpu', 'pmem', 'vsz', 'rss', 'tty', 'stat'),
    stime: ['START', started] as Column,
    ...pick('time', 'args'),
  },
  bsd: pick('pid', 'tty', 'stat', 'time', 'args'),
  short: { ...pick('pid', 'tty', 'time'), comm: ['CMD', ({ comm }) => comm] as Column },
}

/** Letters that say of which processes: of all there are in the container, whatever they say. Then `f` or `u`, and `o`. */
const PS = /^(-?)[eAaxg]*([fu]?)[eAaxg]*(o?)$/

/** A word that is options of ps, such as -ef, aux or -eo; undefined for another. `columns`: those of -o come next. */
export function psOptions(word: string): { format: Columns; columns: boolean } | undefined {
  const [, dash, letter, columns] = PS.exec(word) ?? []
  if (dash === undefined || word === dash || word === '-o' || (dash && letter === 'u') || (!dash && letter === 'f'))
    return undefined
  const { full, user, bsd, short } = FORMATS
  return { format: letter === 'f' ? full : letter === 'u' ? user : dash ? short : bsd, columns: columns === 'o' }
}

export const columnNames = Object.keys(COLUMNS).join(', ')

/** The columns of -o, in its order. Throws a UsageError for one that there is not. */
export function chosen(lists: readonly string[]): Columns {
  const names = lists.flatMap(list => list.split(/[\s,]+/).filter(Boolean)).map(name => ALSO[name] ?? name)
  const unknown = names.length === 0 ? '' : names.find(name => !Object.hasOwn(COLUMNS, name))
  if (unknown !== undefined) throw new UsageError(`top: -o ${JSON.stringify(unknown)}: there are ${columnNames}`, 1)
  return pick(...(names as Name[]))
}
