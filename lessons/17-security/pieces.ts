// Task 1: root without one of its pieces.
import { no, type Task } from '../lesson.ts'
import { everybody, few, whole, without } from './rights.ts'

export const piecesTask: Task = {
  id: 'pieces',
  title: 'Root in pieces',
  check(scene) {
    const lost = scene.values.lost!.toUpperCase()
    const all = whole(scene)
    // the first in the lab that lack something: the box of the lessons before lacks nothing
    const less = everybody(scene)
      .map(rights => ({ ...rights, lacks: without(all, rights.capabilities.bounding) }))
      .filter(({ lacks }) => lacks.length > 0)
    const right = less.find(({ lacks }) => lacks.length === 1 && lacks[0] === lost)
    if (right?.users[1] === 0 && right.capabilities.effective.length === all.length - 1)
      return { passed: true, saw: `${right.process.comm} is root, can never have ${lost} again, and has all the rest` }
    if (right) return no(`${right.process.comm} can't get ${lost} again, but it is no longer root with all the rest`)
    const other = less[0]
    if (!other) return no(`every process of the lab has ${lost} in its bounding set`)
    const { process, lacks } = other
    return lacks.includes(lost)
      ? no(`${process.comm} has lost ${lost}, but with it ${few(without(lacks, [lost]))}`)
      : no(`${process.comm} has lost ${few(lacks)}, but not ${lost}`)
  },
  hints: [
    'The command that takes something away before it starts a program is `setpriv`.',
    '`--bounding-set` takes a list. A minus in front of a name takes it away.',
    '`setpriv --bounding-set -{{lost}} bash`',
  ],
  solution: ['setpriv --bounding-set -{{lost}} bash'],
  otherWays: [
    {
      name: 'from the inheritable set as well',
      commands: ['setpriv --inh-caps -{{lost}} --bounding-set -{{lost}} bash --norc'],
    },
    { name: 'all, and then the others', commands: ['setpriv --bounding-set +all,-{{lost}} sleep 3600 &'] },
  ],
  wrongWays: [
    { name: 'another piece', commands: ['setpriv --bounding-set -sys_pacct bash'], saw: /has lost SYS_PACCT, but not/ },
    { name: 'all of them', commands: ['setpriv --bounding-set -all bash'], saw: /^bash has lost [A-Z_]+, but with it/ },
    {
      name: 'an ordinary user',
      commands: ['setpriv --bounding-set -{{lost}} --reuid=1000 --clear-groups bash --norc'],
      saw: /but it is no longer root with all the rest$/,
    },
  ],
}
