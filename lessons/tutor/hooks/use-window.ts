import { useLayoutEffect, useMemo } from 'react'
import { useTheme, useTutor } from '../context.ts'
import { find, mark } from '../find.ts'
import { useScreen } from './use-screen.ts'

export interface Window {
  /** The rows that are shown, with what is searched marked in them. */
  readonly rows: readonly string[]
  readonly first: number
  /** How many are above and below. */
  readonly above: number
  readonly below: number
}

const wrapped = (number: number, count: number) => ((number % count) + count) % count

/**
 * The part of a text that `height` rows can show: from where the learner has scrolled or searched to, or else from
 * where it was; from `jump`, if that is given. `rows` should be the same array as long as they are the same rows.
 */
export function useWindow(surface: 'lesson' | 'page', rows: readonly string[], height: number, jump?: number): Window {
  const { screen } = useTutor()
  const theme = useTheme()
  const state = useScreen()
  const { search } = state
  const text = search?.text ?? ''
  const matches = useMemo(() => find(rows, text), [rows, text])
  const scroll = surface === 'page' ? state.pageScroll : state.scroll
  const last = Math.max(0, rows.length - height)
  const next = matches.findIndex(([span]) => span!.row >= (search?.from ?? 0))
  const current = search && matches.length > 0 ? wrapped(Math.max(0, next) + search.step, matches.length) : -1
  let first = jump ?? scroll ?? screen.extents[surface].first
  const row = matches[current]?.[0]?.row
  if (row !== undefined && jump === undefined && scroll === undefined && (row < first || row >= first + height))
    first = row - Math.floor(height / 3)
  first = Math.max(0, Math.min(last, first))
  const found = matches.length > 0 ? `${current + 1} of ${matches.length}` : 'not found'

  useLayoutEffect(() => {
    screen.extents[surface] = { first, height, rows: rows.length }
    if (search) screen.update({ found: text === '' ? '' : found })
    if (scroll !== undefined && scroll !== first)
      screen.update(surface === 'page' ? { pageScroll: first } : { scroll: first })
  })

  const spans = matches.flatMap((match, index) =>
    match.map(span => ({ ...span, style: index === current ? theme.current : theme.match })),
  )
  const shown = rows.slice(first, first + height).map((row, offset) =>
    mark(
      row,
      spans.filter(span => span.row === first + offset),
    ),
  )
  return { rows: shown, first, above: first, below: Math.max(0, rows.length - first - height) }
}
