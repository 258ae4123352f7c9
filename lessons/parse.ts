// lesson.md, taken apart: title, introduction, a section a task, recap. Every mistake in the format is found here and said
// with its file and line, so that an author can mend it.
import type { Host } from './lesson.ts'

/** A ```sh block: commands that the gate types, one after the other. */
export interface Block {
  /** Of the opening fence, from 1. */
  readonly line: number
  /** A command each; a line that ends in a backslash goes on in the next. */
  readonly commands: readonly string[]
  /** Marked ```sh fails: its last command has to fail. */
  readonly fails: boolean
}

/** A ```ts file NAME block: what the learner finds in the lab's home under this name, and is to complete. */
export interface LessonFile {
  readonly line: number
  readonly name: string
  readonly text: string
}

export interface Part {
  readonly line: number
  readonly text: string
  readonly blocks: readonly Block[]
}

/** What the learner is asked before the answer can be seen. */
export interface Prediction {
  readonly line: number
  /** Markdown. */
  readonly question: string
  readonly options: readonly string[]
  /** Index of the right option. */
  readonly answer: number
}

export interface Section {
  readonly title: string
  readonly line: number
  /** What is read before and while the task is done. */
  readonly before: Part
  readonly prediction: Prediction | undefined
  /** What is read afterwards. */
  readonly after: Part
}

export interface LessonText {
  readonly title: string
  readonly intro: Part
  readonly sections: readonly Section[]
  /** What to keep of it: read after the last task, and when the course is left. */
  readonly recap: Part | undefined
  readonly files: readonly LessonFile[]
}

/** All mistakes of a lesson.md, each as `file:line: what`. */
export class LessonFormatError extends Error {
  override readonly name = 'LessonFormatError'
  readonly problems: readonly string[]

  constructor(problems: readonly string[]) {
    super(problems.join('\n'))
    this.problems = problems
  }
}

/** Longer lines of code would be cut at 80 columns, beside the task list. */
export const MAX_CODE_COLUMNS = 56

const INFO = /^(sh|sh fails|text|ts|ts file [\w.-]+|c|json)$/
const INFOS = 'sh, sh fails, text, ts, ts file NAME, c, json'
const ONLY = /^<!-- (only v1|only v2|all) -->$/

/** `{{name}}` becomes the value of that name; an unknown one stays. */
export const fill = (text: string, values: Readonly<Record<string, string>>): string =>
  text.replace(/\{\{(\w+)\}\}/g, (whole, name: string) => values[name] ?? whole)

/** The text as it is read on a machine: what follows `<!-- only v2 -->`, up to `<!-- all -->`, is for cgroup v2 alone. */
export function forHost(text: string, host: Host): string {
  let shown = true
  const lines = text.split('\n').map(line => {
    const mark = ONLY.exec(line)?.[1]
    if (mark !== undefined) shown = mark === 'all' || mark === `only ${host.cgroups}`
    return shown && mark === undefined ? line : '' // empty, so that the lines keep their numbers
  })
  return lines.join('\n')
}

interface Open {
  readonly line: number
  readonly lines: string[]
  readonly blocks: Block[]
}

interface OpenSection {
  readonly title: string
  readonly line: number
  readonly before: Open
  predict: Open | undefined
  after: Open | undefined
}

/** Takes a lesson.md apart, as it is read on this host. Throws LessonFormatError with everything that is wrong with it. */
export function parseLesson(source: string, host: Host, file = 'lesson.md'): LessonText {
  const problems: string[] = []
  const complain = (line: number, what: string) => problems.push(`${file}:${line}: ${what}`)
  const open = (line: number): Open => ({ line, lines: [], blocks: [] })
  const sections: OpenSection[] = []
  const files: LessonFile[] = []
  const intro = open(1)
  let recap: Open | undefined
  let title = ''
  let here = intro
  let fence: { line: number; info: string; code: string[] } | undefined

  const close = ({ line, info, code }: NonNullable<typeof fence>) => {
    if (info.startsWith('sh')) here.blocks.push(toBlock(line, info, code))
    const name = /^ts file (.*)$/.exec(info)?.[1]
    if (name !== undefined) files.push({ line, name, text: `${code.join('\n')}\n` })
    if (code.length === 0) complain(line, 'this code block is empty')
  }
  const heading = (line: number, text: string) => {
    if (recap) complain(line, `nothing comes after the section 'Recap'`)
    here = open(line)
    if (text === 'Recap') recap = here
    else sections.push({ title: text, line, before: here, predict: undefined, after: undefined })
  }
  const subheading = (line: number, part: 'predict' | 'after') => {
    const current = recap ? undefined : sections.at(-1)
    const name = part === 'predict' ? '### Predict' : '### After'
    here = open(line)
    if (!current) complain(line, `'${name}' belongs into the section of a task, below a '## ' heading`)
    else if (current[part]) complain(line, `a second '${name}' in the section '${current.title}'`)
    else if (part === 'predict' && current.after) complain(line, `'### Predict' comes before '### After'`)
    else current[part] = here
  }

  forHost(source, host)
    .split('\n')
    .forEach((raw, index) => {
      const line = index + 1
      if (fence) {
        here.lines.push(raw)
        if (raw === '```') {
          close(fence)
          fence = undefined
        } else {
          fence.code.push(raw)
          if ([...raw].length > MAX_CODE_COLUMNS)
            complain(line, `code of ${[...raw].length} columns; ${MAX_CODE_COLUMNS} fit on an 80 column screen`)
        }
        return
      }
      const info = /^```(.*)$/.exec(raw)?.[1]?.trim()
      if (info !== undefined) {
        if (!INFO.test(info))
          complain(line, `a code block begins with \`\`\` and one of: ${INFOS}; this one says '${info}'`)
        fence = { line, info, code: [] }
      } else if (/^\s+```/.test(raw)) complain(line, 'a code block begins in the first column')
      const section = /^## +(.*\S)/.exec(raw)?.[1]
      if (section !== undefined) heading(line, section)
      else if (/^### +After\s*$/.test(raw)) subheading(line, 'after')
      else if (/^### +Predict\s*$/.test(raw)) subheading(line, 'predict')
      else if (/^# +/.test(raw)) {
        if (title !== '') complain(line, "a second title: one line with a single '#' is the lesson's")
        title = raw.slice(1).trim()
        here.lines.push(raw)
      } else here.lines.push(raw)
    })

  if (fence) complain(fence.line, 'this code block is never closed')
  if (title === '') complain(1, "the title is missing: begin with '# '")
  if (sections.length === 0) complain(1, "no task: each has a section with the heading '## ' and the task's title")
  for (const section of sections) {
    if (section.before.lines.join('').trim() === '')
      complain(section.line, `the section '${section.title}' says nothing before its '### After'`)
    if (!section.after) complain(section.line, `the section '${section.title}' has no '### After'`)
  }
  const predictions = sections.map(({ predict }) => predict && toPrediction(predict, complain))
  if (problems.length > 0) throw new LessonFormatError(problems)
  return {
    title,
    intro: toPart(intro),
    sections: sections.map(({ title, line, before, after }, i) => ({
      ...{ title, line, before: toPart(before), after: toPart(after!) },
      prediction: predictions[i],
    })),
    recap: recap && toPart(recap),
    files,
  }
}

const toPart = ({ line, lines, blocks }: Open): Part => ({ line, text: lines.join('\n').trim(), blocks })

/** Text, then a list of options: `- [ ] wrong`, and one `- [x] right`. A line that is indented goes on with its option. */
function toPrediction({ line, lines, blocks }: Open, complain: (line: number, what: string) => void): Prediction {
  const first = lines.findIndex(text => /^- \[[ x]\] /.test(text))
  const options: { right: boolean; text: string }[] = []
  lines.slice(first < 0 ? lines.length : first).forEach((text, i) => {
    const [, mark, option] = /^- \[([ x])\] (.*\S)/.exec(text) ?? []
    const last = options.at(-1)
    if (option !== undefined) options.push({ right: mark === 'x', text: option })
    else if (/^\s+\S/.test(text) && last) last.text += ` ${text.trim()}`
    else if (text.trim() !== '') complain(line + 1 + first + i, 'after the options of a prediction nothing follows')
  })
  const question = lines.slice(0, Math.max(0, first)).join('\n').trim()
  if (question === '') complain(line, 'this prediction asks nothing')
  if (blocks.length > 0) complain(line, 'a prediction has no commands; what is typed stands before or after it')
  if (options.length < 2 || options.length > 4)
    complain(line, `a prediction has 2 to 4 options, '- [ ] text', and this one ${options.length}`)
  const right = options.filter(option => option.right).length
  if (right !== 1) complain(line, `one option of a prediction is right, '- [x] text', and here ${right}`)
  const answer = options.findIndex(option => option.right)
  return { line, question, options: options.map(option => option.text), answer }
}

function toBlock(line: number, info: string, code: readonly string[]): Block {
  return { line, commands: commandsOf(code).map(({ text }) => text), fails: info === 'sh fails' }
}

/** The commands in the lines of a `sh` block, each with the index of the line in which it begins. */
export function commandsOf(code: readonly string[]): { readonly line: number; readonly text: string }[] {
  const commands: { line: number; text: string }[] = []
  let continued = false
  code.forEach((raw, line) => {
    const ends = raw.endsWith('\\')
    const text = ends ? raw.slice(0, -1) : raw
    const last = commands.at(-1)
    if (continued && last) last.text += text.trimStart()
    else if (text.trim() !== '' && !text.startsWith('#')) commands.push({ line, text })
    continued = ends
  })
  return commands
}
