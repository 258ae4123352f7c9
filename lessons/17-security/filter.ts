// Task 3: a filter that refuses one system call. What a filter says cannot be read from outside; what comes of it can.
import { compareNamespaces, readNamespaces } from '../../toolkit/observe/namespaces.ts'
import { no, type Scene, type Task } from '../lesson.ts'
import { everybody, type Rights, sleepers } from './rights.ts'

const hasOwnName = (scene: Scene, { process: { pid } }: Rights): boolean => {
  const [lab, own] = [readNamespaces(scene.lab.pid), readNamespaces(pid)]
  return lab !== undefined && own !== undefined && compareNamespaces(lab, own).includes('uts')
}

export const filterTask: Task = {
  id: 'filter',
  title: 'A filter for system calls',
  check(scene) {
    const { allowed, refused } = scene.values
    const through = sleepers(scene, allowed).find(rights => hasOwnName(scene, rights))
    if (through)
      return through.filters > 0
        ? no(`sleep ${allowed} has come to a new UTS namespace: its filter lets unshare through`)
        : no(`sleep ${allowed} has come to a new UTS namespace: there was no filter`)
    const [second] = sleepers(scene, refused)
    if (second && second.filters > 0)
      return { passed: true, saw: `under a filter, unshare was refused, and sleep ${refused} came instead` }
    if (second) return no(`sleep ${refused} runs, but under no filter`)
    const shell = everybody(scene).find(({ filters }) => filters > 0)
    return shell
      ? no(`${shell.process.comm} is under a filter; the two commands have not been tried in there`)
      : no('no process of the lab is under a filter')
  },
  hints: [
    'The filter is made from `profile`. Its `names` are the calls that it refuses.',
    'The call has the name of the command: `unshare`. One more name in the list is enough.',
    "`names: ['mkdir', 'mkdirat', 'unshare'],`, then `node filter.ts`, and in its shell the line with the two bars",
  ],
  solution: [
    `sed -i "s/'mkdirat'/'mkdirat', 'unshare'/" filter.ts`,
    'node filter.ts',
    'unshare --uts setsid -f sleep {{allowed}} || setsid -f sleep {{refused}}',
  ],
  otherWays: [
    {
      name: 'only that one, with another error',
      commands: [
        `sed -i "s/'mkdir', 'mkdirat'/'unshare'/; s/errnoRet: 1/errnoRet: 38/" filter.ts`,
        'node filter.ts',
        'unshare --uts setsid -f sleep {{allowed}} || setsid -f sleep {{refused}}',
      ],
    },
  ],
  wrongWays: [
    {
      name: 'the file as it was',
      commands: ['node filter.ts', 'unshare --uts setsid -f sleep {{allowed}} || setsid -f sleep {{refused}}'],
      saw: /its filter lets unshare through$/,
    },
    {
      name: 'nothing tried',
      commands: [`sed -i "s/'mkdirat'/'mkdirat', 'unshare'/" filter.ts`, 'node filter.ts'],
      saw: /have not been tried in there$/,
    },
    {
      name: 'outside',
      commands: ['unshare --uts setsid -f sleep {{allowed}} || setsid -f sleep {{refused}}'],
      saw: /there was no filter$/,
    },
    {
      name: 'refused by something else',
      commands: [
        'setpriv --bounding-set -sys_admin unshare --uts setsid -f sleep {{allowed}} || setsid -f sleep {{refused}}',
      ],
      saw: /runs, but under no filter$/,
    },
  ],
}
