import { stripVTControlCharacters as strip } from 'node:util'
import { describe, expect, test } from 'vitest'
import { lessonDocument } from '../../../lessons/tutor/document.ts'
import { renderMarkdown } from '../../../lessons/tutor/markdown.ts'
import { themes } from '../../../lessons/tutor/theme.ts'
import { width } from '../../../lessons/tutor/wrap.ts'
import { lesson } from './fake-player.ts'

const source = `# Title

A paragraph that its author has wrapped
by hand, with \`code: here\`, **bold**, *emphasis* and a [link](https://example.org/a/rather/long/path).

- one with \`code\` and **bold**
- two, which is rather long, so that it goes on in a second row and hangs below
  - nested
  1. numbered

- [x] done
- [ ] open

> A quote with **bold** in it that is long enough to need more than one row of the pane.

| call | what it does | and something long |
|---|---|---|
| \`pivot_root\` | swaps the root mount of the process | 交换进程的根挂载点，旧的根挂载点移到别处 |

\`\`\`sh
unshare --mount --uts --ipc --net --pid --fork chroot /lab/busybox /bin/sh # 注释
\`\`\`

每个进程都有一个根目录，路径从那里开始。
子进程继承它。

---
`

const plain = (columns: number) => renderMarkdown(source, columns, themes.plain).map(strip)

describe.each([54, 31])('%i columns', columns => {
  test('no row is too wide', () => {
    for (const row of plain(columns)) expect(width(row), row).toBeLessThanOrEqual(columns)
  })
  test('nothing stays raw', () => {
    const text = plain(columns).join('\n')
    expect(text).not.toMatch(/\*\*|`|\[x\]|\[X\]|&#39;|COLON/)
  })
})

test('lines of a paragraph are joined, by a space or, in Chinese, by nothing', () => {
  const rows = renderMarkdown('one\ntwo  \nthree\n\n开始。\n子进程', 40, themes.plain).map(strip)
  expect(rows).toEqual(['one two', 'three', '', '开始。子进程'])
})

test('code keeps its lines, behind a bar', () => {
  const rows = renderMarkdown('```sh\nls /  # list\n\npwd\n```', 40, themes.plain).map(strip)
  expect(rows).toEqual(['│ ls /  # list', '│ ', '│ pwd'])
})

test('the theme without colours sends none', () => {
  for (const row of renderMarkdown(source, 54, themes.plain)) expect(row).not.toMatch(/\x1b\[(3[0-8]|4[0-8]|9\d)[;m]/)
})

describe('the text of a lesson', () => {
  const input = {
    text: lesson.text,
    task: 0,
    done: false,
    hints: ['First.', 'Second.'],
    shown: 0,
    values: { name: 'owl' },
  }
  const text = (change: Partial<typeof input>) =>
    lessonDocument({ ...input, ...change }, 60, themes.plain)
      .rows.map(strip)
      .join('\n')

  test('introduction and the section of the task', () => {
    expect(text({})).toContain('Every process has a root directory')
    expect(text({})).toContain('Look at your root')
    expect(text({})).not.toContain('Enter another root')
    expect(text({ task: 1 })).toContain('Enter another root')
  })
  test('what comes after is shown only when the task is done', () => {
    expect(text({})).not.toContain('The link leads to')
    expect(text({ done: true })).toContain('The link leads to')
  })
  test('values stand for their names', () => {
    expect(text({})).toContain('The file owl')
  })
  test('hints one by one', () => {
    expect(text({ shown: 1 })).toContain('Hint 1 of 2')
    expect(text({ shown: 1 })).not.toContain('Second.')
  })
})
