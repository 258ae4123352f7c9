// Task 7, the control: everything separated, by `toolkit run`, beside a box that shares all but its root.
import { compareNamespaces, type Namespaces, readNamespaces } from '../../toolkit/observe/namespaces.ts'
import { rootOf, type Stat } from '../../toolkit/observe/process.ts'
import { readUts } from '../../toolkit/observe/uts.ts'
import { BOX } from '../box.ts'
import { no, type Scene, type Task } from '../lesson.ts'
import { inhabitants, isUnderway, labProcesses, rerooted } from '../look.ts'

const WANTED = ['mnt', 'uts', 'pid', 'net'] as const

interface Candidate {
  readonly stat: Stat
  readonly lacks: readonly string[]
  readonly hostname: string | undefined
}

/** The processes whose root is another than the lab's, with what they still share with it. */
function candidates(scene: Scene, lab: Namespaces): Candidate[] {
  return rerooted(scene).flatMap(stat => {
    const own = readNamespaces(stat.pid)
    if (!own || isUnderway(stat.pid)) return []
    const apart = compareNamespaces(lab, own)
    const lacks = WANTED.filter(type => !apart.includes(type))
    return [{ stat, lacks, hostname: readUts(stat.pid)?.hostname }]
  })
}

export const containerTask: Task = {
  id: 'container',
  title: 'Let the engine do it',
  check(scene) {
    const wanted = scene.values.container!
    const lab = readNamespaces(scene.lab.pid)
    if (!lab) return no('the lab has ended; reset it')
    const labName = readUts(scene.lab.pid)?.hostname
    if (labName === wanted)
      return no(`the lab itself is called ${wanted} now: the name must belong to the container only`)
    const found = candidates(scene, lab)
    const container = found.find(({ lacks }) => lacks.length === 0)
    if (!container) {
      const sharing = found[0]
      if (sharing)
        return no(
          `there is no container yet: the process ${sharing.stat.comm} has a root of its own, but shares with the lab: ${sharing.lacks.join(', ')}`,
        )
      const unshared = labProcesses(scene).find(({ pid }) => {
        const own = readNamespaces(pid)
        return own && compareNamespaces(lab, own).includes('uts') && rootOf(pid)?.id === rootOf(scene.lab.pid)?.id
      })
      if (unshared)
        return no(`the process ${unshared.comm} has namespaces of its own, but still the root directory of the lab`)
      return no('no process in the lab has both a root and namespaces of its own')
    }
    if (container.hostname !== wanted)
      return no(`the container of ${container.stat.comm} is called ${container.hostname}, not ${wanted}`)
    const box = inhabitants(scene, BOX).find(({ pid }) => {
      const own = readNamespaces(pid)
      return own && compareNamespaces(lab, own).length === 0
    })
    if (!box)
      return no(`a container called ${wanted} runs ${container.stat.comm}; beside it, no process has the root ${BOX}`)
    return {
      passed: true,
      saw: `a container called ${wanted} runs ${container.stat.comm}; ${box.comm} in ${BOX} shares with the lab, called ${labName}`,
    }
  },
  hints: [
    'The box in the background: `chroot box sleep 5000 &`.',
    'For the container, the command of the text is nearly all of it. One option is missing, in front of `busybox`.',
    'The option is `--hostname NAME`.',
    '`toolkit run --rm -it --hostname {{container}} busybox sh`',
  ],
  solution: ['chroot box sleep 5000 &', 'toolkit run --rm -it --hostname {{container}} busybox sh'],
  otherWays: [
    {
      name: 'the directory of the box, and no --rm',
      commands: ['unshare --root=box sleep 5000 &', 'toolkit run -i -t --hostname={{container}} /lab/box /bin/sh'],
    },
    {
      name: 'by hand, with unshare',
      commands: [
        'setsid chroot box sleep 5000 </dev/null >/dev/null 2>&1 &',
        'unshare --mount --uts --pid --net --fork chroot box /bin/sh',
        'hostname {{container}}',
      ],
    },
  ],
  wrongWays: [
    {
      name: 'no name',
      commands: ['toolkit run --rm -it busybox sh'],
      saw: /^the container of \w+ is called .*, not /,
    },
    {
      name: 'the box again',
      commands: ['chroot box /bin/sh'],
      saw: /^there is no container yet: .* shares with the lab: mnt, uts, pid, net/,
    },
    {
      name: 'the box, and the name of the lab',
      commands: ['chroot box /bin/sh', 'hostname {{container}}'],
      saw: /the lab itself is called/,
    },
    {
      name: 'no box beside it',
      commands: ['toolkit run --rm -it --hostname {{container}} busybox sh'],
      saw: /beside it, no process has the root/,
    },
    {
      name: 'it ended at once',
      commands: ['toolkit run --rm --hostname {{container}} busybox true'],
      saw: /^no process in the lab has both/,
    },
  ],
}
