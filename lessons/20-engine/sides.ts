// Task 4, the control: a container by hand, as lessons 1 to 8 built it, beside one of the engine.
import { readUts } from '../../toolkit/observe/uts.ts'
import { no, type Task } from '../lesson.ts'
import { allRights, containers, lacking, limitText } from './containers.ts'

const TYPES = ['mnt', 'uts', 'ipc', 'pid', 'net', 'cgroup'] as const

const HAND =
  "unshare --mount --uts --ipc --pid --net --cgroup --fork --root=box sh -c 'hostname {{hand}}; exec sleep 5000' &"
const ENGINE = 'toolkit run --rm -h {{engine}} busybox sleep 5000 &'

export const sidesTask: Task = {
  id: 'sides',
  title: 'By hand and by the engine',
  check(scene) {
    const { hand, engine } = scene.values
    const labName = readUts(scene.lab.pid)?.hostname
    if (labName === hand || labName === engine) return no(`the lab itself is called ${labName} now; reset it`)
    const all = containers(scene).filter(({ underway }) => !underway)
    const full = allRights(scene).length
    // of unshare and its child, which have the name both, the one that shares less
    const [byHand] = all
      .filter(({ hostname }) => hostname === hand)
      .sort((a, b) => lacking(a, TYPES).length - lacking(b, TYPES).length)
    const byEngine = all.find(({ hostname }) => hostname === engine)
    if (!byHand) return no(`no process has the host name ${hand}`)
    const shared = lacking(byHand, TYPES)
    if (shared.length > 0) return no(`${byHand.process.comm} called ${hand} shares with the lab: ${shared.join(', ')}`)
    if (!byHand.ownRoot) return no(`${byHand.process.comm} called ${hand} has the root directory of the lab`)
    if (byHand.filtered) return no(`${hand} is under a filter: that is a container of the engine`)
    const left = `${hand}: all ${byHand.rights.length} capabilities, no filter, processes ${limitText(byHand.most)}`
    if (!byEngine) return no(`${left}; beside it, no process has the host name ${engine}`)
    const { process, filtered, rights, most } = byEngine
    if (!filtered || rights.length >= full)
      return no(`${process.comm} called ${engine} has ${filtered ? 'all rights' : 'no filter'}: so would one by hand`)
    return {
      passed: true,
      saw: `${left}; ${engine}: ${rights.length} capabilities, a filter, processes ${limitText(most)}`,
    }
  },
  hints: [
    '`unshare --help` lists a flag for each type. Which six are in the table?',
    "`unshare … --fork --root=box sh -c 'hostname {{hand}}; exec sleep 5000' &` with six flags in place of the dots.",
    'The six: `--mount --uts --ipc --pid --net --cgroup`. The other one is `toolkit run` with `-h {{engine}}`.',
  ],
  solution: [HAND, ENGINE],
  otherWays: [
    {
      name: 'in one shell: first by the engine, then into the other',
      commands: [
        'toolkit run --hostname {{engine}} busybox sleep 5000 &',
        'unshare -muipnCf chroot box sh',
        'hostname {{hand}}',
      ],
    },
  ],
  wrongWays: [
    {
      name: 'two types forgotten',
      commands: [
        "unshare --mount --uts --ipc --pid --fork --root=box sh -c 'hostname {{hand}}; exec sleep 5000' &",
        ENGINE,
      ],
      saw: /shares with the lab: net, cgroup$/,
    },
    {
      name: 'the files of the lab',
      commands: [
        "unshare --mount --uts --ipc --pid --net --cgroup --fork sh -c 'hostname {{hand}}; exec sleep 5000' &",
        ENGINE,
      ],
      saw: /has the root directory of the lab$/,
    },
    { name: 'only by hand', commands: [HAND], saw: /beside it, no process has the host name/ },
    {
      name: 'a privileged one',
      commands: [HAND, 'toolkit run --rm --privileged -h {{engine}} busybox sleep 5000 &'],
      saw: /has no filter: so would one by hand$/,
    },
    {
      name: 'both by the engine',
      commands: ['toolkit run --rm -h {{hand}} busybox sleep 5000 &', ENGINE],
      saw: /that is a container of the engine$/,
    },
  ],
}
