// A player without a lab: tests set its state; its shell is a list of what was written.
import { type Lesson, linesFor, type Task } from '../../../lessons/lesson.ts'
import type { Player, PlayerState } from '../../../lessons/player.ts'
import type { Lab, LabShell } from '../../../toolkit/engine/lab/lab.ts'

const task = (id: string, title: string, solution = ['chroot busybox /bin/sh']): Task => ({
  id,
  title,
  check: () => ({ passed: false, saw: 'nothing' }),
  hints: ['Look at `ls -l /proc/self/root`.', 'The command is called **chroot**.', 'Type `chroot busybox /bin/sh`.'],
  solution,
  otherWays: [],
  wrongWays: [],
})

const TEXT = `# A root of one's own

Every process has a **root directory**: the place where its paths begin. You see it as \`/\`, and so does every
program that you start, because a child inherits it.

\`\`\`sh
ls -l /proc/self/root   # where does my / begin?
\`\`\`

> This changes nothing on your computer: the shell runs in a lab.

## Look at your root

Ask the kernel where the root of your shell is. The file \`{{name}}\` lies in it.

1. Type \`ls -l /proc/self/root\`
2. Compare it with \`pwd\`

| call | what it does |
|---|---|
| \`chroot\` | makes another directory the root |
| \`pivot_root\` | swaps the root mount |

### After

The link leads to \`/\`: your root is still the host's. 每个进程都有一个根目录，路径从那里开始。

## Enter another root

Now give the shell a root of its own. **This will fail at first**: guess why.

\`\`\`sh fails
chroot /lab/empty /bin/sh
\`\`\`

### Predict

Why will it fail?

- [ ] Only root may do it
- [x] There is no program there
- [ ] The directory is missing

### After

The new root has no \`/bin/sh\`, so there was nothing to run.

## See what is shared

Host name, processes and network are still the host's.

### After

A chroot isolates paths and nothing else.

## Recap

- A chroot isolates paths.
- Nothing else.
`

export const lesson: Lesson = {
  name: '01-chroot',
  title: 'A root of one’s own',
  text: TEXT,
  tasks: [
    task('look', 'Look at your root'),
    task('enter', 'Enter another root', ['cd /', 'ls']),
    task('shared', 'See what is shared'),
  ],
  module: 'toolkit/primitives/chroot.ts',
  plan: ({ name }) => [{ call: 'chroot', args: [`/lab/${name}`], shell: `chroot /lab/${name}` }],
  control: 'shared',
}

export const second: Lesson = { ...lesson, name: '02-uts', title: 'A name of its own' }

/** A shell that only remembers. */
export class FakeShell implements LabShell {
  readonly pid: number = process.pid
  written = ''
  paused = 0
  size: string | undefined
  #data: ((data: Buffer) => void) | undefined
  #exit: ((code: number) => void) | undefined

  write(data: string | Uint8Array): void {
    this.written += typeof data === 'string' ? data : Buffer.from(data).toString()
  }
  resize(columns: number, rows: number): void {
    this.size = `${columns}x${rows}`
  }
  pause(): void {
    this.paused++
  }
  resume(): void {}
  onData(listener: (data: Buffer) => void): void {
    this.#data = listener
  }
  onExit(listener: (code: number) => void): void {
    this.#exit = listener
  }
  kill(): void {}
  /** Prints as the program would. */
  print(text: string): void {
    this.#data?.(Buffer.from(text))
  }
  end(code: number): void {
    this.#exit?.(code)
  }
}

export class FakePlayer implements Player {
  state: PlayerState
  lab: Lab | undefined
  shell: LabShell | undefined
  calls: string[] = []
  size = { columns: 80, rows: 24 }
  readonly #listeners = new Set<() => void>()
  readonly #open: (size: { columns: number; rows: number }) => LabShell

  constructor(
    state: Partial<PlayerState> = {},
    open: (size: { columns: number; rows: number }) => LabShell = () => new FakeShell(),
  ) {
    this.state = {
      lesson,
      task: 0,
      phase: 'working',
      done: [false, false, false],
      saw: "the root of your shell is the host's",
      hints: 0,
      offered: 0,
      prediction: undefined,
      obstacles: [],
      error: undefined,
      values: { name: 'falcon' },
      ...state,
    }
    this.#open = open
  }

  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  set(state: Partial<PlayerState>): void {
    this.state = { ...this.state, ...state }
    for (const listener of this.#listeners) listener()
  }

  /** The lab comes up. */
  start(): void {
    this.lab = { pid: process.pid } as Lab
    this.shell = this.#open(this.size)
    this.shell.onExit(() => {
      this.shell = undefined
      this.set({})
    })
    this.set({ phase: 'working' })
  }

  pass(saw = 'your shell has a root of its own'): void {
    this.set({ phase: 'passed', saw, done: this.state.done.with(this.state.task, true) })
  }

  busy(): void {}
  check(): void {
    this.calls.push('check')
  }
  next(): void {
    this.calls.push('next')
    this.set({ task: this.state.task + 1, phase: 'working', hints: 0 })
  }
  previous(): void {
    this.calls.push('previous')
    this.set({ task: Math.max(0, this.state.task - 1), hints: 0 })
  }
  hint(): void {
    this.set({ hints: this.state.hints + 1 })
  }
  predict(option: number): void {
    this.set({ prediction: option })
  }
  solution(): string {
    const solution = linesFor(this.state.lesson.tasks[this.state.task]!.solution, { cgroups: 'v2' })
    const line = this.state.offered % solution.length
    this.set({ offered: line + 1 })
    return solution[line]!
  }
  async reset(): Promise<void> {
    this.calls.push('reset')
  }
  async open(opened: Lesson, index: number): Promise<void> {
    this.calls.push(`open ${opened.name} ${index}`)
    this.set({ lesson: opened, task: index })
  }
  restartShell(): void {
    this.calls.push('restartShell')
    this.start()
  }
  resize(columns: number, rows: number): void {
    this.size = { columns, rows }
    this.shell?.resize(columns, rows)
  }
  async close(): Promise<void> {
    this.shell?.kill()
  }
}
