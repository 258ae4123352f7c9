// Looks at the kernel for the panel that is shown: twice a second while something happens, seldom while nothing does,
// which then takes less than a three-hundredth of the time.
import type { Lab } from '../../../toolkit/engine/lab/lab.ts'
import type { Lesson, PanelName } from '../../lesson.ts'
import type { Observe } from './index.ts'
import type { PanelScene, Reading, ReadPanel } from './panel.ts'

const SOON = 100 // after the shell has shown something
const OFTEN = 500
const SELDOM = 3000
const CHANGED = 4000
const SHARE = 300

export const DEFAULT_PANELS: readonly PanelName[] = ['namespaces', 'processes']
export const panelsOf = ({ panels }: Lesson): readonly PanelName[] => (panels?.length ? panels : DEFAULT_PANELS)

export interface LivePanel {
  readonly name: PanelName
  /** Where it stands among the lesson's panels, from 0, and how many these are. */
  readonly index: number
  readonly of: number
  readonly reading: Reading | undefined
  /** Keys of the facts that changed a moment ago. */
  readonly changed: ReadonlySet<string>
}

/** Where the watch looks; each may change at any time, and says so by `subscribe`. */
export interface Watched {
  readonly player: {
    readonly state: { readonly lesson: Lesson }
    readonly lab: Lab | undefined
    subscribe(listener: () => void): () => void
  }
  readonly session: { readonly pid: number | undefined; subscribe(listener: () => void): () => void }
}

export class PanelWatch {
  readonly #watched: Watched
  readonly #observe: Observe
  readonly #listeners = new Set<() => void>()
  #labPid = 0
  readonly #panels = new Map<PanelName, ReadPanel>()
  #live: LivePanel
  #index = 0
  #lesson: Lesson
  #seen = ''
  #place = ''
  #facts: ReadonlyMap<string, string> | undefined
  readonly #changedAt = new Map<string, number>()
  #timer: NodeJS.Timeout | undefined
  #due = 0
  #delay = OFTEN
  #stop: (() => void) | undefined

  constructor(watched: Watched, observe: Observe) {
    this.#watched = watched
    this.#observe = observe
    this.#lesson = watched.player.state.lesson
    this.#live = { ...this.#position(), reading: undefined, changed: new Set() }
  }

  readonly get = (): LivePanel => this.#live

  /** Looks as long as anybody listens. */
  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener)
    if (!this.#stop) this.#start()
    return () => {
      this.#listeners.delete(listener)
      if (this.#listeners.size > 0) return
      this.#stop?.()
      this.#stop = undefined
      clearTimeout(this.#timer)
    }
  }

  /** The next of the lesson's panels; false where there is one only. */
  next(): boolean {
    const { of } = this.#position()
    this.#index = (this.#index + 1) % of
    if (of > 1) this.#look()
    return of > 1
  }

  #position(): Pick<LivePanel, 'name' | 'index' | 'of'> {
    const { lesson } = this.#watched.player.state
    if (lesson.name !== this.#lesson.name) this.#index = 0
    this.#lesson = lesson
    const names = panelsOf(lesson)
    return { name: names[this.#index]!, index: this.#index, of: names.length }
  }

  #start(): void {
    const { player, session } = this.#watched
    const stops = [player.subscribe(() => this.#again()), session.subscribe(() => this.#again())]
    this.#stop = () => {
      for (const stop of stops) stop()
    }
    this.#look()
  }

  /** At once, where it is about another panel or shell than before; else soon. */
  #again(): void {
    if (this.#where() !== this.#place) this.#look()
    else this.#schedule(Math.max(SOON, Math.min(OFTEN, this.#delay)))
  }

  #where(): string {
    const { player, session } = this.#watched
    return [this.#position().name, player.state.lesson.name, session.pid, player.lab?.pid].join()
  }

  #schedule(delay: number): void {
    const due = performance.now() + delay
    if (this.#timer && this.#due > performance.now() && this.#due <= due) return
    clearTimeout(this.#timer)
    this.#due = due
    this.#timer = setTimeout(() => this.#look(), delay)
  }

  #look(): void {
    clearTimeout(this.#timer)
    this.#due = 0
    const began = performance.now()
    const place = this.#where()
    if (place !== this.#place) {
      this.#facts = undefined
      this.#changedAt.clear()
    }
    this.#place = place
    const { name, index, of } = this.#position()
    const reading = this.#read(name, began)
    const isNew = this.#compare(reading, began)
    const changed = new Set([...this.#changedAt].filter(([, at]) => began - at < CHANGED).map(([key]) => key))
    const seen = JSON.stringify([place, reading?.title, reading?.legend, reading?.data, [...changed]])
    const took = performance.now() - began
    const least = isNew || changed.size > 0 ? OFTEN : Math.min(SELDOM, this.#delay * 1.5)
    this.#delay = Math.max(took * SHARE, least)
    if (this.#stop) this.#schedule(this.#delay)
    if (seen === this.#seen) return
    this.#seen = seen
    this.#live = { name, index, of, reading, changed }
    for (const listener of this.#listeners) listener()
  }

  #read(name: PanelName, now: number): Reading | undefined {
    const { player, session } = this.#watched
    if (!session.pid || !player.lab) return undefined
    const scene: PanelScene = { shellPid: session.pid, lab: player.lab, now }
    if (player.lab.pid !== this.#labPid) this.#panels.clear()
    this.#labPid = player.lab.pid
    // those that the learner may turn to later see what the lab came with, too
    for (const each of panelsOf(this.#lesson)) {
      if (this.#panels.has(each)) continue
      this.#panels.set(each, this.#observe.open(each))
      if (each !== name) this.#panels.get(each)!(scene)
    }
    return this.#panels.get(name)!(scene)
  }

  /** Notes what has changed since the last look; true if anything has. */
  #compare(reading: Reading | undefined, now: number): boolean {
    const before = this.#facts
    this.#facts = reading?.facts
    if (!before || !reading) return before !== reading?.facts
    const changed = [...reading.facts].filter(([key, value]) => before.get(key) !== value)
    for (const [key] of changed) this.#changedAt.set(key, now)
    for (const [key, at] of this.#changedAt) if (now - at >= CHANGED) this.#changedAt.delete(key)
    return changed.length > 0 || before.size !== reading.facts.size
  }
}
