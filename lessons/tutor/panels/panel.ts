// What a live panel is. A panel reads the kernel (its own file here), and says as data what is to be drawn: rows of
// parts, from a pure function of what was read and of the space there is. paint.ts makes styled text of them.
import type { Lab } from '../../../toolkit/engine/lab/lab.ts'
import type { PanelName } from '../../lesson.ts'
import type { Token } from '../theme.ts'

export const PANEL_TITLES: Readonly<Record<PanelName, string>> = {
  namespaces: 'Namespaces',
  processes: 'Processes',
  mounts: 'Mounts',
  cgroups: 'Cgroups',
  layers: 'Layers',
  network: 'Network',
}

/** A piece of a row. */
export interface Part {
  readonly text: string
  readonly style?: Token | undefined
  /** The fact that it shows: it stands out for a while after that has changed. */
  readonly key?: string | undefined
}

export type Row = readonly Part[]

export interface Space {
  readonly columns: number
  /** Infinity on a page that scrolls. 1 is the narrowest form: what matters most. */
  readonly rows: number
  /** No lines, blocks and arrows: the terminal has letters only. */
  readonly ascii: boolean
}

/** What a panel has seen. */
export interface Reading {
  /** Plain data, the same as JSON where there is nothing new to draw. */
  readonly data: unknown
  /** What the panel is of, for its title: `bash`. */
  readonly title: string
  /** A word or two about its signs, for the end of the title row. */
  readonly legend: string
  /** What may change, by key: a value that differs from before, or a key that is new, is a change. */
  readonly facts: ReadonlyMap<string, string>
  draw(space: Space): readonly Row[]
}

/** Where a panel looks. */
export interface PanelScene {
  readonly shellPid: number
  readonly lab: Pick<Lab, 'pid' | 'cgroups'>
  /** Milliseconds, of a clock that only goes forward. */
  readonly now: number
}

/**
 * One look at the kernel; undefined where the shell, or the lab, is gone. It may remember what it saw before: it is
 * asked about one lab only. Takes a few milliseconds, whatever the learner has made in the lab.
 */
export type ReadPanel = (scene: PanelScene) => Reading | undefined

export const part = (text: string, style?: Token, key?: string): Part => ({ text, style, key })

/** What fits of rows, so that row `index` is among them; a row says how many are left out, on the side where they are. */
export function around(rows: readonly Row[], index: number, room: number): readonly Row[] {
  if (rows.length <= room) return rows
  const inner = Math.max(1, room - 1)
  const first = Math.max(0, Math.min(rows.length - inner, index - inner + 2))
  const shown = rows.slice(first, first + inner)
  const note: Row = [part(`  … ${count(rows.length - shown.length)} more: V shows all`, 'muted')]
  if (room < 2) return shown
  return first > 0 ? [note, ...shown] : [...shown, note]
}

/** 1,734 */
export const count = (number: number): string => String(number).replace(/\B(?=(\d{3})+$)/g, ',')

// Control characters, and what makes a terminal show text in another order than it is written.
const HARMFUL = /[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g

/** A name that somebody in the lab has chosen: nothing in it steers the terminal. */
export const clean = (name: string): string => name.replace(HARMFUL, '?')
