// A seat's line to its workshop while the tutor is open: reports go out, the instructor's wishes come in. One request at
// a time: it waits at the server until there is a wish, and a change here takes it back for a new one with all there is
// to say. So nothing overtakes anything, nothing has to be queued while the server is away, and the line costs no time
// while nothing happens.
import { Agent } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Lesson } from '../lesson.ts'
import type { Player } from '../player.ts'
import type { Line, LineState } from './line.ts'
import { keepMembership, type Membership, readMembership } from './membership.ts'
import { ask, PostError } from './post.ts'
import { decodeAnswer, type Report, WAIT_MS, type Wish } from './protocol.ts'

export interface ReporterOptions {
  /** The file of the membership. */
  readonly file: string
  readonly membership: Membership
  readonly player: Pick<Player, 'state' | 'subscribe'>
  readonly lessons: readonly Lesson[]
  /** Which tasks of a lesson are done. */
  progress(lesson: Lesson): readonly boolean[]
  /** Milliseconds: between two reports at least, and after a failure at first and at most. */
  readonly times?: { readonly pace: number; readonly retry: number; readonly longest: number }
}

const TIMES = { pace: 1000, retry: 1000, longest: 30_000 }
const ANSWER_MS = 5000
const LAST_WORD_MS = 500

export class Reporter implements Line {
  readonly #options: ReporterOptions
  readonly #times: typeof TIMES
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 })
  readonly #listeners = new Set<() => void>()
  readonly #begun = performance.now()
  #activeAt = performance.now()
  #state: LineState
  #received = 0
  #answered: number
  #held: AbortController | undefined
  #closing = new AbortController()
  #said = ''
  readonly #unsubscribe: () => void
  readonly #done: Promise<void>

  /** Begins to report at once. */
  constructor(options: ReporterOptions) {
    this.#options = options
    this.#times = options.times ?? TIMES
    const { url, name, answered } = options.membership
    this.#answered = answered
    this.#state = { to: new URL(url).host, name, status: 'connecting', wish: undefined }
    this.#unsubscribe = options.player.subscribe(() => this.#look())
    this.#done = this.#run()
  }

  readonly state = (): LineState => this.#state

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  #update(change: Partial<LineState>): void {
    const keys = Object.keys(change) as (keyof LineState)[]
    if (keys.every(key => this.#state[key] === change[key])) return
    this.#state = { ...this.#state, ...change }
    for (const listener of this.#listeners) listener()
  }

  active(): void {
    this.#activeAt = performance.now()
  }

  answer(): void {
    this.#answered = this.#received
    this.#update({ wish: undefined })
    const { file, membership } = this.#options
    const kept = readMembership(file)
    try {
      if (kept?.seat === membership.seat) keepMembership({ ...kept, answered: this.#answered }, file)
    } catch {
      // it will be asked once more, with the next start
    }
    this.#held?.abort()
  }

  /** Where the learner is now, without what changes by itself. */
  #place() {
    const { player, lessons, progress } = this.#options
    const { lesson, task, hints, done: here } = player.state
    const ids = (of: Lesson) => {
      const ticks = of.name === lesson.name ? here : progress(of)
      return of.tasks.filter((_, index) => ticks[index]).map(({ id }) => id)
    }
    const done = Object.fromEntries(lessons.map(of => [of.name, ids(of)]).filter(([, list]) => list!.length > 0))
    return { lesson: lesson.name, task: lesson.tasks[task]!.id, hints, done }
  }

  /** After every change of the player. */
  #look(): void {
    const { wish } = this.#state
    if (wish?.kind === 'goto' && wish.lesson === this.#options.player.state.lesson.name) this.answer()
    else if (this.#held && JSON.stringify(this.#place()) !== this.#said) this.#held.abort()
  }

  #report(wait: boolean, end?: Report['end']): Report {
    const { seat, name } = this.#options.membership
    const seconds = (since: number) => Math.round((performance.now() - since) / 1000)
    const place = this.#place()
    this.#said = JSON.stringify(place)
    return {
      seat,
      name,
      ...place,
      idle: seconds(this.#activeAt),
      uptime: seconds(this.#begun),
      received: this.#received,
      answered: this.#answered,
      wait,
      ...(end && { end }),
    }
  }

  async #run(): Promise<void> {
    const { signal } = this.#closing
    let failures = 0
    let known = false // the server has taken a report since the last failure
    while (!signal.aborted) {
      const { file, membership } = this.#options
      if (readMembership(file)?.seat !== membership.seat) {
        this.#update({ status: 'left', wish: undefined })
        return
      }
      const held = new AbortController()
      if (known) this.#held = held
      try {
        const answer = await this.#post(this.#report(known), AbortSignal.any([held.signal, signal]))
        known = true
        failures = 0
        this.#update({ status: 'reporting' })
        for (const wish of answer.wishes) this.#take(wish)
      } catch (error) {
        if (signal.aborted) return
        if (!held.signal.aborted) {
          known = false
          failures++
          this.#update({ status: error instanceof PostError ? 'refused' : 'away' })
          // Another code would be another membership; who goes on with a wrong one is taken for somebody who guesses.
          if (error instanceof PostError && error.status === 401) return
        }
      }
      this.#held = undefined
      const { pace, retry, longest } = this.#times
      // thirty seats that come back to a server are not to come all at once
      const pause = failures > 0 ? Math.min(longest, retry * 2 ** (failures - 1)) * (0.5 + Math.random()) : pace
      await sleep(pause, undefined, { signal }).catch(() => {})
    }
  }

  #take(wish: Wish): void {
    this.#received = Math.max(this.#received, wish.id)
    const { lessons, player } = this.#options
    const { kind } = wish
    const there =
      kind === 'goto' && (wish.lesson === player.state.lesson.name || !lessons.some(({ name }) => name === wish.lesson))
    if (there) this.answer()
    else this.#update({ wish })
  }

  async #post(report: Report, signal?: AbortSignal) {
    const { url, code } = this.#options.membership
    const timeout = report.end ? LAST_WORD_MS : ANSWER_MS + (report.wait ? WAIT_MS : 0)
    const options = { secret: code, body: report, timeout, agent: this.#agent, ...(signal && { signal }) }
    const answer = decodeAnswer(JSON.parse(await ask(`${url}/api/seat`, options)))
    if (!answer) throw new PostError(200, 'it is no workshop')
    return answer
  }

  /** Says the last word, if the server listens, and ends. */
  async close(): Promise<void> {
    this.#unsubscribe()
    this.#closing.abort()
    await this.#done
    const { status } = this.#state
    if (status === 'reporting') await this.#post(this.#report(false, 'closed')).catch(() => {})
    this.#agent.destroy()
  }
}
