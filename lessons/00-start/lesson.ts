// Lesson 0: the tools of the course, and what a container is. The checks are in files.ts (tasks 1 and 2) and
// containers.ts (3 and 4).
import { randomInt } from 'node:crypto'
import * as ipc from '../../toolkit/primitives/ipc.ts'
import * as mount from '../../toolkit/primitives/mount.ts'
import * as net from '../../toolkit/primitives/net.ts'
import * as pid from '../../toolkit/primitives/pid.ts'
import * as uts from '../../toolkit/primitives/uts.ts'
import type { Lesson } from '../lesson.ts'
import { installBusybox } from '../tools.ts'
import { words } from '../words.ts'
import { containerTask, moduleTask } from './containers.ts'
import { kernelTask, wordTask } from './files.ts'
import text from './lesson.md'

function values(): Record<string, string> {
  const [word, mine] = words(2) as [string, string]
  const nap = randomInt(20_000, 40_000)
  return { word, mine, outside: String(nap), inside: String(nap + randomInt(1, 9_000)) }
}

const namespaces = [mount, uts, ipc, pid, net].map(({ namespace }) => namespace)

export const lesson: Lesson = {
  name: '00-start',
  title: 'What a container is',
  text,
  tasks: [wordTask, kernelTask, containerTask, moduleTask],
  values,
  setup: installBusybox, // for its vi
  panels: ['processes', 'namespaces'],
  module: 'toolkit/engine/plan.ts',
  plan: ({ inside = '' }) => [
    {
      call: 'clone3',
      args: [namespaces.reduce((flags, { flag }) => flags | flag, 0)],
      shell: `unshare ${namespaces.map(({ shell }) => shell).join(' ')}`,
    },
    { call: 'execve', args: ['/bin/sleep', ['sleep', inside], []], shell: `sleep ${inside}` },
  ],
  control: 'container',
}
