// Types at the lab's prompt as a learner does: a line, then wait until the shell asks for the next one.
import { setTimeout as sleep } from 'node:timers/promises'
import type { Lab, LabShell } from '../../toolkit/engine/lab/lab.ts'
import { foreground } from '../../toolkit/observe/process.ts'

/** Waits are bounded, and longer on a slow machine: TOOLKIT_SLOW=4 makes them four times as long. */
export const patience = (milliseconds: number): number => milliseconds * (Number(process.env.TOOLKIT_SLOW) || 1)

export interface Typed {
  /** `$?` after it: of the program, or of the new shell where one has begun. */
  readonly status: number
  readonly output: string
}

/** The command has not come back to a prompt in time. */
export class Stuck extends Error {
  override readonly name = 'Stuck'
}

const MAX_OUTPUT = 100_000
const ESCAPES = /\x1b(\[[0-9;?]*[ -/]*[@-~]|\][^\x07]*\x07|[=>()].?)/g
const PROMPT = /[#$] $/

export class Typist {
  readonly shell: LabShell
  readonly #lab: Lab
  #seen = ''
  #ended = false
  #count = 0

  constructor(lab: Lab) {
    this.#lab = lab
    this.shell = lab.shell({ columns: 80, rows: 24 })
    this.shell.onData(data => {
      this.#seen = (this.#seen + data.toString()).slice(-MAX_OUTPUT)
    })
    this.shell.onExit(() => {
      this.#ended = true
    })
  }

  get pid(): number | undefined {
    return this.#ended ? undefined : this.shell.pid
  }

  get lab(): Lab {
    return this.#lab
  }

  /** The first prompt. */
  async ready(): Promise<void> {
    await this.#waitFor(text => PROMPT.test(text), 'the shell shows no prompt')
  }

  async type(command: string): Promise<Typed> {
    this.#seen = ''
    this.shell.write(`${command}\r`)
    await this.#waitFor(text => /\r?\n/.test(text) && PROMPT.test(text), `no prompt after: ${command}`)
    const output = this.#plain()
    // The sum is computed by the shell, so the echo of what we type here does not look like the answer.
    const [a, b] = [7000, ++this.#count]
    const answer = new RegExp(`<(\\d+):${a + b}>`)
    this.#seen = ''
    this.shell.write(` echo "<$?:$((${a}+${b}))>"\r`)
    await this.#waitFor(text => answer.test(text) && PROMPT.test(text), `the shell does not answer after: ${command}`)
    return { status: Number(answer.exec(this.#plain())![1]), output }
  }

  /** Leaves whatever shells were opened inside, until the first one is in the foreground again. */
  async back(): Promise<void> {
    for (let tries = 0; tries < 8 && this.#inside(); tries++) await this.type('exit')
    if (this.#inside()) throw new Stuck('the first shell does not come back by exit')
  }

  #inside(): boolean {
    return this.pid !== undefined && foreground(this.pid)?.pid !== this.pid
  }

  #plain(): string {
    return this.#seen.replace(ESCAPES, '')
  }

  async #waitFor(met: (text: string) => boolean, complaint: string): Promise<void> {
    const deadline = performance.now() + patience(15_000)
    for (;;) {
      if (met(this.#plain())) return
      if (this.#ended) throw new Stuck(`the shell has ended; ${complaint}`)
      if (performance.now() > deadline) {
        const last = this.#plain().trimEnd().split(/\r?\n/).at(-1)
        throw new Stuck(`${complaint}${last ? `; the last line is: ${last}` : ''}`)
      }
      await sleep(2)
    }
  }
}
