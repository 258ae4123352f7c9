// Task 8: the root directory by the module.
import { no, type Scene, type Task } from '../lesson.ts'
import { findEntry, inhabitants, labProcesses } from '../look.ts'
import { isBelowRoot } from './escape.ts'

const place = ({ values }: Scene): string => `/lab/${values.room}`

const COPY = 'mkdir {{room}} && cp -a box/bin {{room}}'
const STEPS = 'sed -i "s|.*TODO.*|    ...chroot.plan({ root: \'/lab/{{room}}\' }),|" room.ts'
const one = (call: string, path: string) => `{ call: '${call}', args: ['${path}'], why: '' },`

export const moduleTask: Task = {
  id: 'module',
  title: 'The module',
  check(scene) {
    const room = place(scene)
    if (!findEntry(scene, room)?.isDirectory()) return no(`there is no directory ${room} yet`)
    const inside = inhabitants(scene, room)
    const outside = inside.find(({ pid }) => !isBelowRoot(pid))
    if (outside)
      return no(`the root of ${outside.comm} is ${room}, but its working directory is outside: from there .. leads out`)
    if (inside[0]) return { passed: true, saw: `${inside[0].comm} has ${room} as its root, and stands in it` }
    // what start() makes is a child of node; a shell that was to be in the room, and has the root of the lab
    const nodes = labProcesses(scene).filter(({ comm }) => comm.startsWith('node') || comm === 'MainThread')
    const shell = labProcesses(scene).find(({ ppid }) => nodes.some(({ pid }) => pid === ppid))
    if (shell) return no(`node has started ${shell.comm}, and its root is another than ${room}`)
    return no(`there is a directory ${room}, but no process has it as its root`)
  },
  hints: [
    'First the directory: `mkdir {{room}}`, `cp -a box/bin {{room}}`. Then the file.',
    'The module is `chroot` in the file, and its function `plan` takes an object: `{ root: … }`.',
    "Three dots put the items of one list into another: `...chroot.plan({ root: '/lab/{{room}}' }),`",
  ],
  solution: [COPY, STEPS, 'node room.ts'],
  otherWays: [
    {
      name: 'the two steps by hand',
      commands: [
        'mkdir -p {{room}}/bin && cp box/bin/busybox {{room}}/bin/sh',
        `sed -i "s|.*TODO.*|${one('chroot', '{{room}}')} ${one('chdir', '/')}|" room.ts`,
        'node room.ts',
      ],
    },
    {
      name: 'in the background',
      commands: [
        COPY,
        STEPS,
        `sed -i "s/\\['sh'\\]/['sh', '-c', 'sleep 5000']/" room.ts`,
        'node room.ts </dev/null >/dev/null 2>&1 &',
      ],
    },
  ],
  wrongWays: [
    {
      name: 'without the chdir',
      commands: [COPY, `sed -i "s|.*TODO.*|${one('chroot', '/lab/{{room}}')}|" room.ts`, 'node room.ts'],
      saw: /but its working directory is outside/,
    },
    { name: 'not completed', commands: [COPY, 'node room.ts'], saw: /^node has started sh, and/ },
    {
      name: 'the old box',
      commands: [`sed -i "s|.*TODO.*|...chroot.plan({ root: '/lab/box' }),|" room.ts`, 'node room.ts'],
      saw: /^there is no directory \/lab\/\w+-\d+ yet/,
    },
    { name: 'not run', commands: [COPY, STEPS, 'cat room.ts'], saw: /but no process has it as its/ },
  ],
}
