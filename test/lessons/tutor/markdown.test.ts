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

const plain = (columns: number) => renderMarkdown(source, columns, themes.plain).map(({ text }) => strip(text))

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
  const rows = renderMarkdown('one\ntwo  \nthree\n\n开始。\n子进程', 40, themes.plain).map(({ text }) => strip(text))
  expect(rows).toEqual(['one two', 'three', '', '开始。子进程'])
})

test('code keeps its lines as they are, with nothing before or behind them, and its commands are known', () => {
  const rows = renderMarkdown('Look:\n\n```sh\nls /  # list\n\n# no command\ncp \\\n  a b\n```', 40, themes.dark)
  expect(rows.map(({ text }) => strip(text))).toEqual([
    'Look:',
    '',
    'ls /  # list',
    '',
    '# no command',
    'cp \\',
    '  a b',
  ])
  expect(rows.map(({ code }) => code)).toEqual([false, false, true, true, true, true, true])
  expect(rows.map(({ command }) => command)).toEqual([
    undefined,
    undefined,
    'ls /  # list',
    undefined,
    undefined,
    'cp a b',
    undefined,
  ])
})

test('code of no language has its style in every row', () => {
  for (const { text } of renderMarkdown('```text\none\ntwo\n```', 40, themes.dark))
    expect(text).toMatch(/^\x1b\[38;5;222m/)
})

test('code is wider than text, and folded only where it is wider than that', () => {
  const rows = renderMarkdown(`aaaa bbbb cccc\n\n\`\`\`sh\n${'x'.repeat(12)}\n\`\`\``, 10, themes.plain, 12)
  expect(rows.map(({ text }) => text)).toEqual(['aaaa bbbb', 'cccc', '', 'x'.repeat(12)])
})

test('the theme without colours sends none', () => {
  for (const { text } of renderMarkdown(source, 54, themes.plain))
    expect(text).not.toMatch(/\x1b\[(3[0-8]|4[0-8]|9\d)[;m]/)
})

describe('the text of a lesson', () => {
  const input = {
    text: lesson.text,
    task: 0,
    done: false,
    hints: ['First.', 'Second.'],
    shown: 0,
    chosen: undefined as number | undefined,
    obstacles: [] as string[],
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
    expect(text({})).toMatch(/The file\s+owl lies/)
  })
  test('hints one by one', () => {
    expect(text({ shown: 1 })).toContain('Hint 1 of 2')
    expect(text({ shown: 1 })).not.toContain('Second.')
  })
  test('text keeps off the edge, code begins in the first column', () => {
    const rows = lessonDocument(input, 60, themes.plain).rows.map(strip)
    expect(rows).toContain('ls -l /proc/self/root   # where does my / begin?')
    expect(rows).toContain(' Look at your root')
  })
  test('its commands, and where they stand', () => {
    const { rows, commands } = lessonDocument({ ...input, task: 1 }, 60, themes.dark)
    expect(commands.map(({ text }) => text)).toEqual([
      'ls -l /proc/self/root   # where does my / begin?',
      'chroot /lab/empty /bin/sh',
    ])
    expect(strip(rows[commands[1]!.row]!)).toBe('chroot /lab/empty /bin/sh')
  })
  test('a prediction: the question, then what was chosen; the answer only afterwards, and in one line', () => {
    const predict = (change: Partial<typeof input>) => text({ task: 1, ...change })
    expect(predict({})).toMatch(/Predict\. Why will it fail\?[\s\S]* 2\. There is no program[\s\S]*Key 1 to 3 chooses/)
    expect(predict({})).not.toMatch(/your choice|Right|answer was/)
    expect(predict({ chosen: 0 })).toMatch(/1\. Only root may do it ◂ your choice/)
    expect(predict({ chosen: 0 })).not.toMatch(/Right|it was/)
    expect(predict({ chosen: 1, done: true })).toMatch(/You chose 2\. Right\.\n\n ✔ Done\. What happened/)
    expect(predict({ chosen: 0, done: true })).toContain('You chose 1; it was 2: There is no program there')
    expect(predict({ done: true })).toContain('The answer was 2: There is no program there')
    expect(predict({ done: true })).not.toContain('chooses')
  })
  test('a lesson that cannot be done here says why, and can be read to its end', () => {
    const obstacles = ['there is no cgroup controller cpu here; try: mount it']
    expect(text({ obstacles })).toMatch(
      /cannot be done on this machine\.[\s\S]*no cgroup controller cpu here; try: mount it/,
    )
    expect(text({ obstacles })).toContain('The link leads to')
    expect(text({ obstacles, task: 1 })).not.toContain('What happens') // not before the prediction
    expect(text({ obstacles, task: 1, chosen: 0 })).toContain('What happens')
  })
  test('after the last task comes what to keep of the lesson', () => {
    expect(text({ task: 2 })).not.toContain('To keep')
    expect(text({ task: 2, done: true })).toMatch(/To keep[\s\S]*• A chroot isolates paths\./)
  })
})

test('a lesson in Chinese: prediction, code, a list, all within the width', () => {
  const text = `# 根目录

每个进程都有一个**根目录**：它的路径
从那里开始。子进程继承它，于是所有程序对“/”的看法一致。

## 看一看

\`\`\`sh
readlink /proc/self/root   # 我的根在哪里？
\`\`\`

1. 先输入 \`readlink /proc/self/root\`，再比较；
2. 然后看一看（不要着急）🙂。

### Predict

结果会是什么？

- [ ] 一个很长很长的选项，长到一行放不下，所以必须折行，而且标点不能在行首。
- [x] 斜杠

### After

链接指向“/”。
`
  const input = { text, task: 0, done: true, hints: ['看看 `/proc`。'], shown: 1, chosen: 0, obstacles: [], values: {} }
  for (const columns of [80, 54, 40, 33]) {
    const rows = lessonDocument(input, columns, themes.dark).rows.map(strip)
    for (const row of rows) {
      expect(width(row), row).toBeLessThanOrEqual(columns)
      expect(row.trim()).not.toMatch(/^[▌ ]*[、。，：；？！）”]/u)
    }
    const whole = rows.join('').replace(/[ ▌]/g, '')
    expect(whole).toContain('它的路径从那里开始') // no space where the source had a new line
    expect(whole).toContain('Youchose1;itwas2:斜杠')
  }
})
