// Layers: the overlays that the program in the foreground sees, each as the stack that it is: what is written at the
// top, what is only read below.
import { type BigIntStats, lstatSync, opendirSync } from 'node:fs'
import { type Mount, parseMount } from '../../../toolkit/observe/mounts.ts'
import { overlayLayers } from '../../../toolkit/observe/overlay.ts'
import { cut, fit } from '../wrap.ts'
import { readSome, tryTo } from './bounded.ts'
import { clean, count, type PanelScene, part, type Reading, type ReadPanel, type Row, type Space } from './panel.ts'
import { programOf, titleOf } from './program.ts'

const NAMES = 12 // of a layer
const OVERLAYS = 3
const TABLE = 65_536 // bytes

interface Layer {
  readonly kind: 'upper' | 'lower'
  readonly path: string
  /** What lies at its top; a whiteout, which hides a name of the layers below, with a minus. Undefined: not to be seen. */
  readonly names: readonly string[] | undefined
  readonly more: boolean
}

interface Overlay {
  readonly key: string
  readonly point: string
  readonly readOnly: boolean
  readonly layers: readonly Layer[]
}

interface Data {
  readonly overlays: readonly Overlay[]
  readonly others: number
}

export function openLayersPanel(): ReadPanel {
  let before: ReadonlySet<string> | undefined
  const overlaysOf = (pid: number) =>
    (readSome(`/proc/${pid}/mountinfo`, TABLE)?.text ?? '')
      .split('\n')
      .filter(line => line.includes(' - overlay '))
      .map(parseMount)
      .filter(mount => mount !== undefined)
  const identity = ({ device, mountPoint }: Mount) => `${device} ${mountPoint}`
  return ({ shellPid, lab: { pid } }: PanelScene): Reading | undefined => {
    const program = programOf(shellPid)
    if (!program) return undefined
    before ??= new Set(overlaysOf(pid).map(identity))
    const old = before
    const devices = new Set<string>()
    const mounts = overlaysOf(program.pid)
      .filter(mount => !old.has(identity(mount)))
      .toReversed()
      .filter(({ device }) => !devices.has(device) && devices.add(device)) // a bind mount of one shows the same
    const overlays = mounts.slice(0, OVERLAYS).map(mount => overlayOf(mount, pid))
    const data = { overlays, others: mounts.length - overlays.length }
    const facts = overlays.flatMap(({ key, layers }) =>
      layers.map((layer, index) => [`${key} ${index}`, `${layer.path} ${layer.names?.join('/')}`] as const),
    )
    return {
      data,
      title: titleOf(program, shellPid),
      legend: '- a whiteout hides a name',
      facts: new Map(facts),
      draw: space => draw(data, space),
    }
  }
}

function overlayOf(mount: Mount, labPid: number): Overlay {
  const { upper, lower } = overlayLayers(mount)!
  const layer = (kind: Layer['kind'], path: string): Layer => ({ kind, path: clean(path), ...namesIn(labPid, path) })
  return {
    key: `${mount.id} ${mount.device}`,
    point: clean(mount.mountPoint),
    readOnly: upper === undefined || mount.options.includes('ro'),
    layers: [
      ...(upper === undefined ? [] : [layer('upper', upper)]),
      ...lower.slice(0, 16).map(path => layer('lower', path)),
    ],
  }
}

/** A name of the lab, whatever the learner has put there: a directory that is reached without links, or nothing. */
function namesIn(labPid: number, path: string): Pick<Layer, 'names' | 'more'> {
  const nothing = { names: undefined, more: false }
  if (!path.startsWith('/')) return nothing // relative to nobody knows where
  let at = `/proc/${labPid}/root`
  for (const name of path.split('/').filter(Boolean)) {
    at += `/${name}`
    if (name === '..' || !lstat(at)?.isDirectory()) return nothing
  }
  return (
    tryTo(() => {
      const directory = opendirSync(at)
      try {
        const names: string[] = []
        for (let entry = directory.readSync(); entry; entry = directory.readSync()) {
          if (names.length === NAMES) return { names: names.sort(), more: true }
          const stat = entry.isCharacterDevice() ? lstat(`${at}/${entry.name}`) : undefined
          const end = entry.isDirectory() ? '/' : ''
          names.push(`${stat?.rdev === 0n ? '-' : ''}${clean(entry.name)}${end}`)
        }
        return { names: names.sort(), more: false }
      } finally {
        directory.closeSync()
      }
    }) ?? nothing
  )
}

const lstat = (path: string): BigIntStats | undefined => tryTo(() => lstatSync(path, { bigint: true }))

const contents = ({ names, more }: Layer): string =>
  names === undefined ? '' : names.length === 0 ? 'empty' : `${names.join(' ')}${more ? ' …' : ''}`

function draw({ overlays, others }: Data, space: Space): readonly Row[] {
  const [first] = overlays
  if (!first) return [[part('No overlay yet: only the one that is the lab’s root.', 'muted')]]
  const more = overlays.length - 1 + others
  if (space.rows === 1) return [oneRow(first, more)]
  const rows: Row[] = []
  let shown = 0
  for (const overlay of overlays) {
    const stacked = stack(overlay, { ...space, rows: space.rows - rows.length })
    if (shown > 0 && rows.length + stacked.length > space.rows) break
    rows.push(...stacked)
    shown++
  }
  const left = overlays.length - shown + others
  if (left > 0 && rows.length > 0)
    rows[0] = [...rows[0]!, part(`  (${count(left)} more${shown < overlays.length ? ': V' : ''})`, 'muted')]
  return rows
}

/** With lines between the layers where there is room for them, and with a frame alone where there is not. */
function stack({ key, point, layers, readOnly }: Overlay, { columns, rows, ascii }: Space): Row[] {
  const [h, v, tl, tr, ml, mr, bl, br] = ascii ? '-|++++++' : '─│┌┐├┤└┘'
  const inner = Math.min(90, columns) - 2
  const line = (left: string, right: string): Row => [part(left + h!.repeat(inner) + right, 'rule')]
  const framed = layers.length + 3 <= rows
  const divided = framed && layers.length * 2 + 2 <= rows
  const shown = framed ? layers : layers.slice(0, Math.max(1, rows - 1 - Number(layers.length > rows - 1)))
  const body = shown.flatMap((layer, index): Row[] => {
    const writes = layer.kind === 'upper' && !readOnly
    const where = Math.max(12, Math.floor((inner - 18) / 2))
    const end = inner - 8 - where - 4
    const row: Row = [
      part(framed ? v! : ' ', 'rule'),
      part(` ${layer.kind.padEnd(6)} `, writes ? 'good' : 'muted'),
      part(`${fit(layer.path, where)}  `, undefined, `${key} ${index}`),
      part(fit(cut(contents(layer), end), end), writes ? 'strong' : 'muted', `${key} ${index}`),
      part(`  ${framed ? v : ''}`, 'rule'),
    ]
    return divided && index > 0 ? [line(ml!, mr!), row] : [row]
  })
  const note = readOnly ? 'read only: no upper layer' : 'writes go to upper, lower is only read'
  const head: Row = [part(point, 'strong', `${key} 0`), part(` ${ascii ? '<-' : '◂'} ${note}`, 'muted')]
  const left = layers.length - shown.length
  const rest: Row[] = left > 0 ? [[part(`  … ${count(left)} lower layers more: V`, 'muted')]] : []
  return framed ? [head, line(tl!, tr!), ...body, line(bl!, br!)] : [head, ...body, ...rest]
}

/** `/lab/merged: upper (2) /lab/upper on lower /lab/b, /lab/a` */
function oneRow({ point, layers, key }: Overlay, others: number): Row {
  return [
    part(point, 'strong'),
    part(' = ', 'muted'),
    ...layers.flatMap((layer, index) => [
      part(index === 0 ? '' : ' / ', 'muted'),
      part(`${layer.kind} ${layer.path}`, layer.kind === 'upper' ? 'good' : undefined, `${key} ${index}`),
    ]),
    part(others > 0 ? `  +${count(others)}` : '', 'muted'),
  ]
}
