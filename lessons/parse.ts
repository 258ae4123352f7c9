// lesson.md, taken apart: title, introduction, and a section a task. Every mistake in the format is found here and said
// with its file and line, so that an author can mend it.

/** A ```sh block: commands that the gate types, one after the other. */
export interface Block {
  /** Of the opening fence, from 1. */
  readonly line: number
  /** A command each; a line that ends in a backslash goes on in the next. */
  readonly commands: readonly string[]
  /** Marked ```sh fails: its last command has to fail. */
  readonly fails: boolean
}

export interface Part {
  readonly line: number
  readonly text: string
  readonly blocks: readonly Block[]
}

export interface Section {
  readonly title: string
  readonly line: number
  /** What is read before and while the task is done. */
  readonly before: Part
  /** What is read afterwards. */
  readonly after: Part
}

export interface LessonText {
  readonly title: string
  readonly intro: Part
  readonly sections: readonly Section[]
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

const INFOS = ['sh', 'sh fails', 'text', 'ts', 'c']

/** `{{name}}` becomes the value of that name; an unknown one stays. */
export const fill = (text: string, values: Readonly<Record<string, string>>): string =>
  text.replace(/\{\{(\w+)\}\}/g, (whole, name: string) => values[name] ?? whole)

interface Open {
  readonly line: number
  readonly lines: string[]
  readonly blocks: Block[]
}

/** Takes a lesson.md apart. Throws LessonFormatError with everything that is wrong with it. */
export function parseLesson(text: string, file = 'lesson.md'): LessonText {
  const problems: string[] = []
  const complain = (line: number, what: string) => problems.push(`${file}:${line}: ${what}`)
  const open = (line: number): Open => ({ line, lines: [], blocks: [] })
  const sections: { title: string; line: number; before: Open; after: Open | undefined }[] = []
  const intro = open(1)
  let title = ''
  let here = intro
  let fence: { line: number; info: string; code: string[] } | undefined

  text.split('\n').forEach((raw, index) => {
    const line = index + 1
    const mark = /^```(.*)$/.exec(raw)
    if (fence) {
      here.lines.push(raw)
      if (raw === '```') {
        if (fence.info.startsWith('sh')) here.blocks.push(toBlock(fence.line, fence.info, fence.code))
        if (fence.code.length === 0) complain(fence.line, 'this code block is empty')
        fence = undefined
      } else {
        fence.code.push(raw)
        if ([...raw].length > MAX_CODE_COLUMNS)
          complain(line, `code of ${[...raw].length} columns; ${MAX_CODE_COLUMNS} fit on an 80 column screen`)
      }
      return
    }
    if (mark) {
      const info = mark[1]!.trim()
      if (!INFOS.includes(info))
        complain(line, `a code block begins with \`\`\` and one of: ${INFOS.join(', ')}; this one says '${info}'`)
      fence = { line, info, code: [] }
    } else if (/^\s+```/.test(raw)) complain(line, 'a code block begins in the first column')
    const section = /^## +(.*\S)/.exec(raw)?.[1]
    if (section !== undefined) {
      here = open(line)
      sections.push({ title: section, line, before: here, after: undefined })
    } else if (/^### +After\s*$/.test(raw)) {
      const current = sections.at(-1)
      if (!current) complain(line, "'### After' belongs into the section of a task, below a '## ' heading")
      else if (current.after) complain(line, `a second '### After' in the section '${current.title}'`)
      else {
        here = open(line)
        current.after = here
      }
    } else if (/^# +/.test(raw)) {
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
  if (problems.length > 0) throw new LessonFormatError(problems)
  return {
    title,
    intro: toPart(intro),
    sections: sections.map(section => ({
      title: section.title,
      line: section.line,
      before: toPart(section.before),
      after: toPart(section.after!),
    })),
  }
}

const toPart = ({ line, lines, blocks }: Open): Part => ({ line, text: lines.join('\n').trim(), blocks })

function toBlock(line: number, info: string, code: readonly string[]): Block {
  const commands: string[] = []
  let continued = false
  for (const raw of code) {
    const ends = raw.endsWith('\\')
    const text = ends ? raw.slice(0, -1) : raw
    if (continued) commands.push(`${commands.pop()}${text.trimStart()}`)
    else if (text.trim() !== '' && !text.startsWith('#')) commands.push(text)
    continued = ends
  }
  return { line, commands, fails: info === 'sh fails' }
}
