// Mounts: what the program in the foreground sees mounted beyond what the lab came with, and how each mount spreads.
import { type Mount, parseMount } from '../../../toolkit/observe/mounts.ts'
import { readNamespaces } from '../../../toolkit/observe/namespaces.ts'
import { rootOf } from '../../../toolkit/observe/process.ts'
import { fit, width } from '../wrap.ts'
import { readSome } from './bounded.ts'
import {
  around,
  clean,
  count,
  type PanelScene,
  part,
  type Reading,
  type ReadPanel,
  type Row,
  type Space,
} from './panel.ts'
import { programOf, titleOf } from './program.ts'

const MOST = 65_536 // bytes of the table: some 500 mounts

interface Line {
  /** Unique and lasting: the kernel uses an id again, but not for the same mount. */
  readonly key: string
  readonly point: string
  readonly type: string
  /** What is mounted: a device, a directory of another file system, a word that nobody looks at. */
  readonly from: string
  readonly spread: string
  readonly readOnly: boolean
  /** The lab came with it. */
  readonly old: boolean
}

interface Data {
  readonly lines: readonly Line[]
  /** Of those that the lab came with: not to be seen by the program. */
  readonly gone: number
  readonly own: boolean
  readonly whole: boolean
  readonly empty: string
}

/** The same mount, also in another namespace's copy of the table. */
const identity = ({ device, root, mountPoint }: Mount) => `${device} ${root} ${mountPoint}`

function read(pid: number): { mounts: Mount[]; whole: boolean } | undefined {
  const table = readSome(`/proc/${pid}/mountinfo`, MOST)
  if (!table || table.text === '') return undefined
  const lines = table.whole ? table.text.split('\n') : table.text.split('\n').slice(0, -1)
  return { mounts: lines.map(parseMount).filter(mount => mount !== undefined), whole: table.whole }
}

export function openMountsPanel(): ReadPanel {
  let before: ReadonlySet<string> | undefined
  return (scene: PanelScene): Reading | undefined => {
    const program = programOf(scene.shellPid)
    const seen = program && read(program.pid)
    if (!program || !seen) return undefined
    before ??= new Set(read(scene.lab.pid)?.mounts.map(identity))
    const old = before
    const lines = seen.mounts.map(mount => lineOf(mount, old))
    const here = new Set(seen.mounts.map(identity))
    const own = readNamespaces(program.pid)?.mnt.inode !== readNamespaces(scene.lab.pid)?.mnt.inode
    const root = rootOf(program.pid)
    const chrooted = lines.length === 0 && root !== undefined
    const data: Data = {
      lines,
      gone: [...old].filter(mount => !here.has(mount)).length,
      own,
      whole: seen.whole,
      empty: chrooted
        ? `No mount lies below its root ${clean(root.path)}.`
        : 'Nothing is mounted but what the lab came with.',
    }
    return {
      data,
      title: titleOf(program, scene.shellPid),
      legend: own ? '≠ its own mounts' : "= the host's mounts",
      facts: new Map(lines.map(({ key, spread, readOnly }) => [key, `${spread} ${readOnly}`])),
      draw: space => draw(data, space),
    }
  }
}

function lineOf(mount: Mount, before: ReadonlySet<string>): Line {
  const { id, fsType, source, root, mountPoint, options, superOptions } = mount
  const bound = root !== '/' && !root.startsWith('/..') && !['cgroup', 'cgroup2', 'nsfs'].includes(fsType)
  return {
    key: `${id} ${mountPoint} ${fsType}`,
    point: clean(mountPoint),
    type: clean(fsType),
    from: clean(bound ? `${root} (bind)` : fsType === 'nsfs' ? root : source),
    spread: spreadOf(mount),
    readOnly: options.includes('ro') || superOptions.includes('ro'),
    old: before.has(identity(mount)),
  }
}

function spreadOf({ propagation: { shared, master, unbindable } }: Mount): string {
  if (shared !== undefined && master !== undefined) return 'slave+shared'
  if (shared !== undefined) return `shared:${shared}`
  if (master !== undefined) return `slave:${master}`
  return unbindable ? 'unbindable' : 'private'
}

function draw(data: Data, space: Space): readonly Row[] {
  const { lines, own, gone, whole, empty } = data
  const news = lines.filter(({ old }) => !old)
  if (space.rows === 1) return [oneRow(data, news)]
  const all = space.rows === Number.POSITIVE_INFINITY
  const listed = all ? lines : news
  const others = lines.length - listed.length
  const notes: string[] = []
  if (others > 0) notes.push(`${count(others)} that the lab came with${all ? '' : ': V shows them'}`)
  if (gone > 0)
    notes.push(own ? `${count(gone)} of the lab's are not here` : `${count(gone)} of the lab's are unmounted`)
  if (!whole) notes.push('and many more')
  const rows = listed.length === 0 ? [[part(empty, 'muted')]] : table(listed, space)
  const end = notes.length > 0 ? [[part(`+ ${notes.join(', ')}`, 'muted')]] : []
  const [head, ...body] = rows
  return [head!, ...around(body, body.length - 1, space.rows - 1 - end.length), ...end]
}

function table(lines: readonly Line[], { columns }: Space): Row[] {
  const cells = (pick: (line: Line) => string, title: string, most: number) =>
    Math.min(most, Math.max(width(title), ...lines.map(line => width(pick(line)))))
  const point = cells(line => line.point, 'MOUNTED ON', Math.floor(columns * 0.4))
  const type = cells(line => line.type, 'TYPE', 9)
  const spread = cells(line => line.spread, 'SPREADS', 12)
  const from = Math.max(
    6,
    Math.min(
      cells(line => line.from, 'WHAT', 60),
      columns - point - type - spread - 9,
    ),
  )
  const head = `${fit('MOUNTED ON', point)}  ${fit('TYPE', type)}  ${fit('SPREADS', spread)}     ${fit('WHAT', from)}`
  const rows = lines.map(
    ({ key, point: at, type: kind, spread: how, readOnly, from: what, old }): Row => [
      part(`${fit(at, point)}  ${fit(kind, type)}  `, old ? 'muted' : undefined, key),
      part(`${fit(how, spread)} ${readOnly ? 'ro' : '  '}  `, how.startsWith('shared') ? 'open' : 'muted', key),
      part(fit(what, from), 'muted', key),
    ],
  )
  return [[part(head, 'muted')], ...rows]
}

/** `12 mounts =  + /lab/box/proc proc private` */
function oneRow({ lines, own, gone }: Data, news: readonly Line[]): Row {
  const shown = news.slice(-3)
  const more = news.length - shown.length
  return [
    part(`${count(lines.length)} mounts${own ? ' ≠' : ' ='}`, 'strong'),
    part(gone > 0 ? `  -${count(gone)}` : '', 'bad'),
    part(news.length === 0 ? '  none new' : more > 0 ? `  new: ${count(more)}, and` : '  new:', 'muted'),
    ...shown
      .toReversed()
      .flatMap(({ point, type, key }) => [part(` ${point}`, undefined, key), part(` ${type} `, 'muted')]),
  ]
}
