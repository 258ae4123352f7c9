import { describe, expect, test } from 'vitest'
import { lessons } from '../../lessons/index.ts'
import { fill, LessonFormatError, parseLesson } from '../../lessons/parse.ts'

const GOOD = `# Title

Intro.

\`\`\`sh
echo one
echo a \\
  b
\`\`\`

## First

Do it.

\`\`\`sh fails
# a comment

false
\`\`\`

\`\`\`text
## no heading
\`\`\`

### After

Well done.

## Second

More.

### After

The end.
`

const problemsOf = (text: string): readonly string[] => {
  try {
    parseLesson(text, 'x.md')
    return []
  } catch (error) {
    if (error instanceof LessonFormatError) return error.problems
    throw error
  }
}

describe('a lesson', () => {
  const parsed = parseLesson(GOOD)

  test('has a title, an introduction and a section a task', () => {
    expect(parsed.title).toBe('Title')
    expect(parsed.intro.text).toContain('Intro.')
    expect(parsed.sections.map(({ title, line }) => [title, line])).toEqual([
      ['First', 11],
      ['Second', 29],
    ])
    expect(parsed.sections[0]!.before.text).toContain('## no heading')
    expect(parsed.sections[0]!.after.text).toBe('Well done.')
  })

  test('has blocks of commands with their lines', () => {
    expect(parsed.intro.blocks).toEqual([{ line: 5, commands: ['echo one', 'echo a b'], fails: false }])
    expect(parsed.sections[0]!.before.blocks).toEqual([{ line: 15, commands: ['false'], fails: true }])
    expect(parsed.sections[0]!.after.blocks).toEqual([])
  })
})

test.each([
  ['no title', GOOD.replace('# Title', 'Title'), "x.md:1: the title is missing: begin with '# '"],
  [
    'two titles',
    GOOD.replace('Well done.', '# Well'),
    "x.md:27: a second title: one line with a single '#' is the lesson's",
  ],
  ['no After', GOOD.replace(/### After\n\nWell done.\n/, ''), "x.md:11: the section 'First' has no '### After'"],
  ['two Afters', GOOD.replace('Well done.', '### After'), "x.md:27: a second '### After' in the section 'First'"],
  [
    'an After in the introduction',
    GOOD.replace('Intro.', '### After'),
    "x.md:3: '### After' belongs into the section of a task, below a '## ' heading",
  ],
  ['an empty section', GOOD.replace('More.', ''), "x.md:29: the section 'Second' says nothing before its '### After'"],
  [
    'an unknown block',
    GOOD.replace('```text', '```bash'),
    "x.md:21: a code block begins with ``` and one of: sh, sh fails, text, ts, c; this one says 'bash'",
  ],
  ['an indented block', GOOD.replace('Intro.', '  ```sh'), 'x.md:3: a code block begins in the first column'],
  ['an empty block', GOOD.replace('## no heading\n', ''), 'x.md:21: this code block is empty'],
  ['a block without end', `${GOOD}\n\`\`\`sh\ntrue\n`, 'x.md:37: this code block is never closed'],
  [
    'a long line of code',
    GOOD.replace('echo one', 'x'.repeat(57)),
    'x.md:6: code of 57 columns; 56 fit on an 80 column screen',
  ],
])('%s is said with file and line', (_, text, problem) => {
  expect(problemsOf(text)).toEqual([problem])
})

test('all mistakes are said at once', () => {
  expect(problemsOf('')).toHaveLength(2)
})

test('values are filled in; unknown ones stay', () => {
  expect(fill('{{a}} and {{b}}', { a: '1' })).toBe('1 and {{b}}')
})

test.each(lessons.map(lesson => [lesson.name, lesson] as const))('%s is well formed', (_, lesson) => {
  expect(parseLesson(lesson.text).sections.map(({ title }) => title)).toEqual(lesson.tasks.map(({ title }) => title))
})
