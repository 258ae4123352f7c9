// What the learner has done to the screen: who has the keys, what is zoomed, which page lies open, how far things are
// scrolled. Changed synchronously by the keyboard, drawn by react.

export interface Question {
  readonly text: string
  yes(): void
}

export interface ScreenState {
  readonly focus: 'lesson' | 'shell'
  /** Only the pane with the keys is shown. */
  readonly zoom: boolean
  /** A page over the lesson. */
  readonly page: 'help' | 'lessons' | undefined
  /** The chosen row of the page, or how far it is scrolled. */
  readonly cursor: number
  readonly question: Question | undefined
  /** One line that the next key takes away. */
  readonly notice: string | undefined
  /** First row of the lesson that is shown; undefined: the part that is new. */
  readonly scroll: number | undefined
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
  tooSmall: false,
  redraws: 0,
}

export class Screen {
  #state = initial
  readonly #listeners = new Set<() => void>()
  /** As last drawn: what scrolling needs to know. Set by the lesson pane. */
  extent = { first: 0, height: 1, rows: 0 }
  /** Which text that was; kept here, because the pane is not always there. */
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

  /** Scrolls the lesson by rows. */
  scrollBy(rows: number): void {
    const { first, height, rows: all } = this.extent
    const scroll = Math.max(0, Math.min(all - height, first + rows))
    this.extent = { ...this.extent, first: scroll } // the next key of the same read goes on from here
    this.update({ scroll })
  }

  /** The shell has the keys: nothing lies over it and nothing asks. */
  get shellHasKeys(): boolean {
    const { focus, page, question, tooSmall } = this.#state
    return focus === 'shell' && !page && !question && !tooSmall
  }
}
