import { describe, expect, test } from 'vitest'
import { lessons } from '../../lessons/index.ts'
import type { Host } from '../../lessons/lesson.ts'
import { fill, forHost, LessonFormatError, parseLesson } from '../../lessons/parse.ts'
import { planText } from '../../lessons/plan-text.ts'
import { CLONE } from '../../toolkit/kernel/constants.ts'
import { plan as mount } from '../../toolkit/primitives/mount.ts'

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

const HOST: Host = { cgroups: 'v2' }

const problemsOf = (text: string): readonly string[] => {
  try {
    parseLesson(text, HOST, 'x.md')
    return []
  } catch (error) {
    if (error instanceof LessonFormatError) return error.problems
    throw error
  }
}

describe('a lesson', () => {
  const parsed = parseLesson(GOOD, HOST)

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
    "x.md:21: a code block begins with ``` and one of: sh, sh fails, text, ts, ts file NAME, c, json; this one says 'bash'",
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

const RICH = `${GOOD.replace(
  '### After\n\nWell done.',
  `### Predict

What comes?

- [ ] This
- [x] That, which
  takes two lines

### After

Well done.`,
).replace('More.', '```ts file box.ts\nconst a = 1\n```')}\n## Recap\n\n- Keep this.\n`

test('predictions, files to complete, and a recap', () => {
  const { sections, recap, files } = parseLesson(RICH, HOST)
  expect(sections[0]!.prediction).toEqual({
    line: 25,
    question: 'What comes?',
    options: ['This', 'That, which takes two lines'],
    answer: 1,
  })
  expect(sections[1]!.prediction).toBeUndefined()
  expect(files).toEqual([{ line: 39, name: 'box.ts', text: 'const a = 1\n' }])
  expect(recap!.text).toBe('- Keep this.')
})

test.each([
  ['- [ ] This', '- [x] This', "x.md:25: one option of a prediction is right, '- [x] text', and here 2"],
  ['- [ ] This\n', '', "x.md:25: a prediction has 2 to 4 options, '- [ ] text', and this one 1"],
  ['  takes two lines', 'no option', 'x.md:31: after the options of a prediction nothing follows'],
  ['What comes?', '', 'x.md:25: this prediction asks nothing'],
  ['Well done.', '### Predict', "x.md:35: a second '### Predict' in the section 'First'"],
  ['- Keep this.', '## More', "x.md:49: nothing comes after the section 'Recap'"],
  ['- Keep this.', '### After', "x.md:49: '### After' belongs into the section of a task, below a '## ' heading"],
])('%j as %j: %s', (from, to, problem) => {
  expect(problemsOf(RICH.replace(from, to))).toContain(problem)
})

test('what is only for one kind of host is left out on the other, and lines keep their numbers', () => {
  const text = 'a\n<!-- only v1 -->\none\n<!-- only v2 -->\ntwo\n<!-- all -->\nb'
  expect(forHost(text, { cgroups: 'v1' })).toBe('a\n\none\n\n\n\nb')
  expect(forHost(text, { cgroups: 'v2' })).toBe('a\n\n\n\ntwo\n\nb')
})

test('the steps of a module: each call, and what one would type, in rows that fit', () => {
  const scratch = { destination: '/mnt', type: 'tmpfs', source: 'tmpfs', options: ['size=64k', 'nosuid'] }
  const text = planText({ plan: () => mount({ mounts: [scratch] }) }, {})
  expect(text.split('\n')).toEqual([
    '```text',
    'mkdirat(AT_FDCWD, "/mnt", 0755)',
    '  $ mkdir -p /mnt',
    'mount("tmpfs", "/mnt", "tmpfs", MS_NOSUID, "size=64k")',
    '  $ mount -t tmpfs -o size=64k,nosuid tmpfs /mnt',
    '```',
  ])
})

test('a long call is broken between flags', () => {
  const args = [CLONE.NEWNS | CLONE.NEWUTS | CLONE.NEWIPC | CLONE.NEWPID | CLONE.NEWNET]
  const text = planText({ plan: () => [{ call: 'clone3', args, shell: '' }] }, {})
  expect(text.split('\n').slice(1, -1)).toEqual([
    'clone3(CLONE_NEWNS|CLONE_NEWUTS|CLONE_NEWIPC|',
    '      CLONE_NEWPID|CLONE_NEWNET)',
  ])
})

test('what the engine does itself is shown in its own words', () => {
  const action = { text: 'volume = open_tree(…)', shell: 'mount --bind a b' }
  expect(planText({ plan: () => [action, { ...action, shell: '' }] }, {}).split('\n')).toEqual([
    '```text',
    'volume = open_tree(…)',
    '  $ mount --bind a b',
    'volume = open_tree(…)',
    '```',
  ])
})

test('all mistakes are said at once', () => {
  expect(problemsOf('')).toHaveLength(2)
})

test('values are filled in; unknown ones stay', () => {
  expect(fill('{{a}} and {{b}}', { a: '1' })).toBe('1 and {{b}}')
})

test.each(lessons.map(lesson => [lesson.name, lesson] as const))('%s is well formed', (_, lesson) => {
  expect(parseLesson(lesson.text, HOST).sections.map(({ title }) => title)).toEqual(
    lesson.tasks.map(({ title }) => title),
  )
})
