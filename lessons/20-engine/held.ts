// Task 2: a container that stands between two of its steps.
import { readUts } from '../../toolkit/observe/uts.ts'
import { no, type Task } from '../lesson.ts'
import { allRights, containers } from './containers.ts'

const hold = (words: string): string => `toolkit run --until ${words} -h {{held}} --rm busybox true 2>steps &`

export const heldTask: Task = {
  id: 'held',
  title: 'Between two steps',
  check(scene) {
    const { held } = scene.values
    const labName = readUts(scene.lab.pid)?.hostname
    const all = containers(scene)
    const found = all.filter(({ underway, standing }) => underway && standing)
    const fits = found.find(({ hostname }) => hostname === held) ?? found[0]
    if (!fits) {
      const running = all.find(({ hostname }) => hostname === held)
      return no(
        running
          ? `the program of the container called ${held} runs already: ${running.process.comm}`
          : 'no process stands between two steps of a container',
      )
    }
    const { ownRoot, hostname, rights } = fits
    const given = allRights(scene).length - rights.length
    if (!ownRoot) return no('a process stands between two steps, and its files are still those of the lab')
    if (hostname === labName)
      return no(`a process stands between two steps; its files are its own, but it is still called ${labName}`)
    if (hostname !== held) return no(`a process stands between two steps, but it is called ${hostname}, not ${held}`)
    if (given > 0) return no(`${held} stands between two steps, but it has given up ${given} capabilities already`)
    return {
      passed: true,
      saw: `${held} stands between two steps: its name and files are its own, and it has all ${rights.length} capabilities`,
    }
  },
  hints: [
    '`grep -n -e sethostname -e prctl plan` shows the order: the host name, and the calls that give up rights.',
    'Words that stand in one call only make a good `--until`. The rights are given up by `prctl`, and there are many of it; what else is in the line?',
    'The call is `prctl(PR_CAPBSET_DROP, …)`. The name is given with `-h {{held}}`.',
    '`toolkit run --until PR_CAPBSET_DROP -h {{held}} --rm busybox true 2>steps &`',
  ],
  solution: [hold('PR_CAPBSET_DROP'), 'sleep 1; tail -n 4 steps'],
  otherWays: [
    { name: 'a call in between', commands: [hold('setsid')] },
    {
      name: 'with a program that would stay',
      commands: ['toolkit run --hostname={{held}} --until=PR_CAPBSET_DROP busybox sleep 5000 2>/dev/null &'],
    },
  ],
  wrongWays: [
    { name: 'too early', commands: [hold('pivot_root')], saw: /its files are still those of the lab$/ },
    { name: 'just before its name', commands: [hold('sethostname')], saw: /but it is still called lab$/ },
    { name: 'too late', commands: [hold("'seccomp('")], saw: /has given up \d+ capabilities already$/ },
    {
      name: 'not held',
      commands: ['toolkit run --explain -h {{held}} --rm busybox sleep 5000 2>steps &'],
      saw: /runs already: sleep$/,
    },
  ],
}
