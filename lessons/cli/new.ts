// `toolkit lessons new`: a lesson with one task, which keeps the format and fails the gate: its words say what to write.
import fs from 'node:fs'
import path from 'node:path'
import { packageDir } from '../../toolkit/image/paths.ts'
import { UsageError } from '../../toolkit/kernel/usage-error.ts'
import { parse, print } from './options.ts'

const NAME = /^\d\d-[a-z][a-z0-9-]*$/

export async function create(argv: readonly string[]): Promise<number> {
  const { words } = parse('lessons new', argv, {}, 1)
  const [word] = words
  if (word === undefined)
    throw new UsageError('lessons new: where? For example: toolkit lessons new lessons/21-my-idea')
  const directory = path.resolve(word)
  const name = path.basename(directory)
  if (!NAME.test(name))
    throw new UsageError(`lessons new: ${name} is no name of a lesson; two digits and a word, such as 21-my-idea`)
  const lessons = path.join(packageDir(), 'lessons')
  if (lessons.split(path.sep).includes('node_modules') || !fs.existsSync(`${lessons}/lesson.ts`))
    throw new UsageError('lessons new: lessons are written in a checkout of toolkit; git clone it, and npm ci')
  try {
    fs.mkdirSync(directory, { recursive: false })
  } catch (error) {
    throw new UsageError(`lessons new: cannot make ${directory} (${(error as NodeJS.ErrnoException).code})`)
  }
  const shared = path.relative(directory, lessons) || '.'
  fs.writeFileSync(`${directory}/lesson.md`, text)
  fs.writeFileSync(`${directory}/lesson.ts`, code(name, shared.startsWith('.') ? shared : `./${shared}`))
  const shown = word.includes('/') ? word : `./${word}`
  print(`made ${shown}: lesson.md is what is read, lesson.ts what is done
how to write it: ${path.relative(process.cwd(), lessons)}/README.md
then prove it:   sudo toolkit lessons verify ${shown}`)
  return 0
}

const text = `# A file in the lab

TODO: why does this exist? Begin with what the learner knows. Short
sentences, one idea a paragraph. Define a **term** once, in bold.

## Make a file

TODO: what the learner is to do, and what for.

**Your task:** make a file \`{{file}}\` in \`/lab\`.

### Predict

TODO: a question whose answer can be guessed, and is seen when the task
is done.

- [ ] TODO: a wrong answer that makes sense
- [x] TODO: the right one

### After

TODO: what happened, and why. This block is typed by the gate:

\`\`\`sh
ls -l {{file}}
\`\`\`

**The next command fails. It is meant to.**

\`\`\`sh fails
ls -l {{file}}/below
\`\`\`

{{plan}}

## Recap

- TODO: what to keep of it, a line each.
`

const code = (name: string, shared: string): string => `// TODO: what this lesson is about, in a sentence.
import { randomInt } from 'node:crypto'
import { plan } from '${shared}/../toolkit/primitives/chroot.ts'
import type { Lesson, Task } from '${shared}/lesson.ts'
import { findEntry } from '${shared}/look.ts'
import text from './lesson.md'

const fileTask: Task = {
  id: 'file',
  title: 'Make a file',
  // Looks at the kernel, changes nothing, and says what it sees in one sentence.
  check(scene) {
    const path = \`/lab/\${scene.values.file}\`
    const entry = findEntry(scene, path)
    if (!entry) return { passed: false, saw: \`there is no \${path} yet\` }
    return { passed: false, saw: \`TODO: tell a file from a directory; \${path} is there\` }
  },
  hints: ['TODO: a nudge', 'TODO: nearly the answer'],
  solution: ['touch {{file}}'],
  otherWays: [{ name: 'with echo', commands: ['echo >{{file}}'] }],
  wrongWays: [
    { name: 'a directory', commands: ['mkdir {{file}}'], saw: /is a directory/ },
    { name: 'elsewhere', commands: ['touch /tmp/{{file}}'], saw: /there is no/ },
  ],
}

export const lesson: Lesson = {
  name: '${name}',
  title: 'A file in the lab',
  text,
  tasks: [fileTask],
  // What could be guessed is random, and new in every lab.
  values: () => ({ file: \`note-\${randomInt(1000, 10000)}\` }),
  // TODO: the module that this lesson is about, and its steps for what was done by hand.
  module: 'toolkit/primitives/chroot.ts',
  plan: () => plan({ root: '/lab' }),
  // TODO: the task whose check sees both sides: the leak of before, and that it is gone.
  control: '',
}
`
