// Tasks 1 and 2: a word and the kernel's version, each in a file of the lab.
import { release } from 'node:os'
import type { Scene, Task, Verdict } from '../lesson.ts'
import { findEntry, readText } from '../look.ts'

/** Whether a file of the lab holds this line; an end of line after it makes no difference. */
function checkFile(scene: Scene, path: string, wanted: string): Verdict {
  if (!findEntry(scene, path)) return { passed: false, saw: `there is no file ${path} yet` }
  const text = readText(scene, path)
  if (text === undefined) return { passed: false, saw: `${path} is no file that can be read` }
  if (text.trim() === wanted) return { passed: true, saw: `${path} holds ${wanted}` }
  const first = text.trim().split('\n')[0]!.slice(0, 60)
  return { passed: false, saw: first === '' ? `${path} is empty` : `${path} holds '${first}', not ${wanted}` }
}

export const wordTask: Task = {
  id: 'word',
  title: 'Write into the lab',
  check: scene => checkFile(scene, '/lab/hello', scene.values.word!),
  hints: ['The command stands in the text. Type it at the prompt of the shell.', '`echo {{word}} >/lab/hello`'],
  solution: ['echo {{word}} >hello'],
  otherWays: [{ name: 'with other tools', commands: ['cd /tmp', 'printf %s {{word}} | tee /lab/hello'] }],
  wrongWays: [
    { name: 'in another directory', commands: ['echo {{word}} >/tmp/hello'], saw: /^there is no file/ },
    { name: 'another word', commands: ['echo hello >hello'], saw: /holds 'hello', not/ },
    { name: 'nothing', commands: ['touch hello'], saw: /is empty/ },
  ],
}

export const kernelTask: Task = {
  id: 'kernel',
  title: 'One kernel',
  check: scene => checkFile(scene, '/lab/kernel', release()),
  hints: ['`COMMAND >FILE` writes into a file what a command prints.', '`uname -r >kernel`'],
  solution: ['uname -r >kernel'],
  otherWays: [{ name: 'from the kernel itself', commands: ['cp /proc/sys/kernel/osrelease kernel'] }],
  wrongWays: [
    { name: 'printed only', commands: ['uname -r'], saw: /^there is no file/ },
    { name: 'the name of the machine', commands: ['uname -n >kernel'], saw: /holds 'lab', not/ },
    { name: 'the name of the kernel', commands: ['uname >kernel'], saw: /holds 'Linux', not/ },
  ],
}
