// What the learner has done to the screen: who has the keys, what is zoomed, which page lies open, how far things are
// scrolled, what is searched. Changed synchronously by the keyboard, drawn by react.
import type { TextCommand } from './document.ts'
import type { Layout } from './layout.ts'

export interface Question {
  readonly text: string
  yes(): void
  no?(): void
}

export type PageName = 'help' | 'lessons' | 'module' | 'panel'

/** A search in the text that is shown: the lesson's, or an open page's. */
export interface Search {
  readonly text: string
  /** It is being typed, and has the keys. */
  readonly typing: boolean
  /** The row where it began: the first match is the next one from there. */
  readonly from: number
  /** Which match, counted from that one; before it, if negative. */
  readonly step: number
}

export interface ScreenState {
  readonly focus: 'lesson' | 'shell'
  /** Only the pane with the keys is shown. */
  readonly zoom: boolean
  /** A page over the lesson. */
  readonly page: PageName | undefined
  /** The chosen row of the list of lessons. */
  readonly cursor: number
  readonly question: Question | undefined
  /** One line that the next key takes away. */
  readonly notice: string | undefined
  /** First row of the lesson that is shown; undefined: the part that is new. */
  readonly scroll: number | undefined
  /** The same of a page; undefined: its beginning. */
  readonly pageScroll: number | undefined
  readonly search: Search | undefined
  /** What the search has found: `2 of 7`. */
  readonly found: string
  /** The command of the text that was put at the prompt last: its index among them. */
  readonly taken: number | undefined
  /** The wheel and the pointer are ours, and the terminal cannot select text. */
  readonly mouse: boolean
  readonly tooSmall: boolean
  /** Counts full redraws. */
  readonly redraws: number
}

const initial: ScreenState = {
  focus: 'lesson',
  zoom: false,
  page: undefined,
  cursor: 0,
  question: undefined,
  notice: undefined,
  scroll: undefined,
  pageScroll: undefined,
  search: undefined,
  found: '',
  taken: undefined,
  mouse: false,
  tooSmall: false,
  redraws: 0,
}

/** Which rows of how many are shown. */
export interface Extent {
  readonly first: number
  readonly height: number
  readonly rows: number
}

const nothing: Extent = { first: 0, height: 1, rows: 0 }

export class Screen {
  #state = initial
  readonly #listeners = new Set<() => void>()
  /** As last drawn, set by what draws it: what scrolling, searching and the mouse need to know. */
  readonly extents: Record<'lesson' | 'page', Extent> = { lesson: nothing, page: nothing }
  commands: readonly TextCommand[] = []
  place: Layout | undefined
  /** Of a lesson's number, typed in the list of lessons. */
  digits = ''
  /** Which text of the lesson that was; kept here, because the pane is not always there. */
  seen = { place: '', news: '', columns: 0, section: 0, rows: 0 }

  readonly state = (): ScreenState => this.#state

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  update(change: Partial<ScreenState>): void {
    const keys = Object.keys(change) as (keyof ScreenState)[]
    if (keys.every(key => this.#state[key] === change[key])) return
    this.#state = { ...this.#state, ...change }
    for (const listener of this.#listeners) listener()
  }

  /** What scrolls: an open page, or else the lesson. */
  get surface(): 'lesson' | 'page' {
    return this.#state.page ? 'page' : 'lesson'
  }

  get extent(): Extent {
    return this.extents[this.surface]
  }

  openPage(page: PageName, cursor = 0): void {
    this.extents.page = nothing
    this.update({ page, cursor, pageScroll: undefined, search: undefined })
  }

  closePage(): void {
    this.update({ page: undefined, search: undefined })
  }

  /** Shows what is above from a row on, as far as there is so much. */
  scrollTo(row: number): void {
    const { height, rows } = this.extent
    const first = Math.max(0, Math.min(rows - height, row))
    this.extents[this.surface] = { ...this.extent, first } // the next key of the same read goes on from here
    this.update(this.surface === 'page' ? { pageScroll: first } : { scroll: first })
  }

  scrollBy(rows: number): void {
    this.scrollTo(this.extent.first + rows)
  }

  /** What is searched, or another match. It is shown wherever it is. */
  find(change: Partial<Search>): void {
    const search = this.#state.search ?? { text: '', typing: true, from: this.extent.first, step: 0 }
    this.update({ search: { ...search, ...change }, ...this.#unscrolled })
  }

  /** The text stays where the search has brought it. */
  endSearch(): void {
    this.scrollTo(this.extent.first)
    this.update({ search: undefined })
  }

  get #unscrolled(): Partial<ScreenState> {
    return this.surface === 'page' ? { pageScroll: undefined } : { scroll: undefined }
  }

  /** The shell has the keys: nothing lies over it and nothing asks. */
  get shellHasKeys(): boolean {
    const { focus, page, question, search, tooSmall } = this.#state
    return focus === 'shell' && !page && !question && !search?.typing && !tooSmall
  }

  /** A search is on, and what it searches has the keys. */
  get searching(): boolean {
    const { focus, page, search } = this.#state
    return search !== undefined && (page !== undefined || focus === 'lesson')
  }
}
