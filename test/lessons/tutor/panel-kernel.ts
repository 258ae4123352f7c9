// A kernel for tests: panels that show what they are told.
import type { Observe } from '../../../lessons/tutor/panels/index.ts'
import { part, type Reading } from '../../../lessons/tutor/panels/panel.ts'

/** Each panel shows its facts, one a row: `NAME VALUE`. */
export const factsOf = (title: string, facts: Record<string, string>): Reading => ({
  data: facts,
  title,
  legend: '',
  facts: new Map(Object.entries(facts)),
  draw: () => Object.entries(facts).map(([name, value]) => [part(`${name} ${value}`, undefined, name)]),
})

/** A program in the foreground: `bash` is the shell itself. */
export const showing = (program: () => string, read: (name: string) => Reading | undefined): Observe => ({
  program: shellPid => ({ pid: program() === 'bash' ? shellPid : shellPid + 1, comm: program() }),
  open: name => () => read(name),
})
