// Task 5, the control: a box made by hand, in which a namespace was forgotten, beside a container from the description.
import { compareNamespaces, readNamespaces } from '../../toolkit/observe/namespaces.ts'
import { readProcess } from '../../toolkit/observe/process.ts'
import { readUts } from '../../toolkit/observe/uts.ts'
import { BOX } from '../box.ts'
import { no, type Scene, type Task } from '../lesson.ts'
import { inhabitants } from '../look.ts'
import { contained, isSleep } from './containers.ts'

/** Whether the box made by hand is still there, in the UTS namespace of the lab. */
function leaks(scene: Scene): boolean {
  const lab = readNamespaces(scene.lab.pid)
  return inhabitants(scene, BOX).some(({ pid }) => {
    const own = readNamespaces(pid)
    const process = readProcess(pid)
    return own && lab && process && isSleep(process, scene.values.old) && !compareNamespaces(own, lab).includes('uts')
  })
}

const RUN = 'runc run -d --bundle /lab/bundle second'
const OLD = "nsenter --target $(pgrep -x -f '/bin/sleep {{old}}') --all chroot /lab/box /bin"

export const sidesTask: Task = {
  id: 'sides',
  title: 'By hand, and by description',
  check(scene) {
    const { name, leak, old } = scene.values
    if (!leaks(scene)) return no(`the box made by hand has ended: there is no 'sleep ${old}'`)
    const running = contained(scene).filter(({ waits, shared }) => !waits && shared.length === 0)
    const lab = readUts(scene.lab.pid)?.hostname
    if (running.length === 0) return no(`no container from the bundle is running; the lab is called ${lab}`)
    const called = running.find(({ hostname }) => hostname === leak)
    if (called) return no(`a container is called ${leak}: this name was meant for the lab, from inside of the old box`)
    if (lab !== leak) return no(`the old box and a container are running, and the lab is called ${lab}`)
    if (!running.some(({ hostname }) => hostname === name)) return no(`no container from the bundle is called ${name}`)
    return { passed: true, saw: `the old box shares the name of the lab, ${leak}; the container has its own, ${name}` }
  },
  hints: [
    "The pids: `pgrep -x -f '/bin/sleep {{old}}'` for the old box, and `runc list` for the container.",
    '`lsns -p PID` for both, and for 1. A type whose number is the same as with 1 is shared with the lab.',
    'Into the old box: `nsenter --target PID --all chroot /lab/box /bin/sh`. There, `hostname {{leak}}`.',
  ],
  solution: [RUN, `${OLD}/hostname {{leak}}`],
  otherWays: [
    {
      name: 'by a shell in the box, and in two steps',
      commands: [
        'cd bundle && runc create second </dev/null >/dev/null 2>&1 && runc start second',
        `${OLD}/sh`,
        'hostname {{leak}}',
      ],
    },
  ],
  wrongWays: [
    {
      name: 'in the container, from outside',
      commands: [RUN, "nsenter --target $(pgrep -x -f 'sleep {{nap}}') --uts hostname {{leak}}"],
      saw: /^a container is called .*: this name was meant for the lab/,
    },
    { name: 'no container', commands: [`${OLD}/hostname {{leak}}`], saw: /^no container from the bundle is running; / },
    { name: 'only compared', commands: [RUN, 'lsns'], saw: /are running, and the lab is called lab$/ },
    {
      name: 'the box ended',
      commands: [RUN, "kill -KILL $(pgrep -x -f '/bin/sleep {{old}}')"],
      saw: /^the box made by hand has ended/,
    },
  ],
}
