// Task 7: the same by toolkit/primitives/user.ts.
import { no, type Task } from '../lesson.ts'
import { COUNT, formatMap, mapsTo, nameOf, strangers } from './who.ts'

const MAP = `sed -i 's/hostID: 0, size: 1 /hostID: {{seat}}, size: 1000 /' box.ts`
const FIRST = `sed -i 's/first: .*/first: [door, ...user.becomeRoot()],/' box.ts`

export const moduleTask: Task = {
  id: 'module',
  title: 'The module',
  check(scene) {
    const seat = Number(scene.values.seat)
    const others = [scene.values.nap, scene.values.fresh]
    const found = strangers(scene).filter(({ argv }) => !others.includes(argv.at(-1)))
    const mapped = found.find(({ users, groups }) => mapsTo(users, seat) && mapsTo(groups, seat))
    if (!mapped) {
      if (!found[0]) return no('no new process is in a user namespace of its own')
      return no(
        `in ${nameOf(found[0])} the map says '${formatMap(found[0].users)}'; the task asks for '0 ${seat} ${COUNT}'`,
      )
    }
    if (mapped.inside !== 0)
      return no(
        `${mapped.comm} is in ${nameOf(mapped)} with the right map; but it is still user ${mapped.uid} outside, and ${mapped.inside === undefined ? 'nobody' : `user ${mapped.inside}`} inside`,
      )
    return { passed: true, saw: `${mapped.comm} is root in ${nameOf(mapped)}, and user ${mapped.uid} outside` }
  },
  hints: [
    'Two lines below a TODO are to be changed: the map, and what is done first.',
    'The map in numbers: inside from 0 on, outside from {{seat}} on, 1000 of them.',
    '`user.becomeRoot()` returns a list of steps. With `...` in front they become part of another list.',
    '`containerID: 0, hostID: {{seat}}, size: 1000` and `first: [door, ...user.becomeRoot()],` and then `node box.ts`',
  ],
  solution: [MAP, FIRST, 'node box.ts'],
  otherWays: [
    {
      name: 'in the box as well',
      commands: [
        MAP,
        FIRST,
        `sed -i "s#steps: .*#steps: [{ call: 'chroot', args: ['box'], why: 'a root' }, shell],#; s#/bin/bash#/bin/sh#; s#'bash', '--norc'#'sh'#" box.ts`,
        'node box.ts',
      ],
    },
    {
      name: 'in the background',
      commands: [MAP, FIRST, `sed -i "s/'bash', '--norc'/'bash', '-c', 'sleep 3000; true'/" box.ts`, 'node box.ts &'],
    },
  ],
  wrongWays: [
    { name: 'as it is', commands: ['node box.ts'], saw: /the map says '0 0 1'; the task asks for/ },
    { name: 'not root', commands: [MAP, 'node box.ts'], saw: /still user 0 outside, and nobody inside/ },
    { name: 'not run', commands: [MAP, FIRST], saw: /^no new process is in a user namespace/ },
  ],
}
