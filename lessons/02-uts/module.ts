// Task 5: the module, called in a file.
import type { Task } from '../lesson.ts'
import { checkName } from './names.ts'

const BORN = "sed -i 's/namespaces: .*/namespaces: [uts.namespace],/' box.ts"
const STEP = `sed -i "s/.*TODO: the step .*/    ...uts.plan({ hostname: '{{called}}' }),/" box.ts`

export const moduleTask: Task = {
  id: 'module',
  title: 'The module',
  check: scene => checkName(scene, scene.values.called!),
  hints: [
    'The first gap is an item of the list `namespaces`, the second a line in the list `steps`, before `shell`.',
    'The module exports `namespace` and `plan`. In the file they are called `uts.namespace` and `uts.plan`.',
    "`namespaces: [uts.namespace],` and, as a line of its own, `...uts.plan({ hostname: '{{called}}' }),`. The three dots put the items of one list into another.",
  ],
  solution: [BORN, STEP, 'node box.ts'],
  otherWays: [
    {
      name: 'a program of one’s own, without the plan',
      commands: [
        `sed -i "s/'--norc'/'--norc', '-c', 'hostname {{called}}; exec sleep 5000'/" box.ts`,
        BORN,
        'setsid node box.ts </dev/null >/dev/null 2>&1 &',
      ],
    },
    { name: 'the name set in the shell', commands: [BORN, 'node box.ts', 'hostname {{called}}'] },
  ],
  wrongWays: [
    { name: 'not born in a namespace', commands: [STEP, 'node box.ts'], saw: /^the lab itself is called/ },
    { name: 'not named', commands: [BORN, 'node box.ts'], saw: /^bash is in .*, which is called lab, not/ },
    { name: 'not run', commands: [BORN, STEP, 'cat box.ts'], saw: /^no process that you have started/ },
  ],
}
