// Tasks 3 and 4: how mounts spread from one table to another.
import { no, type Task } from '../lesson.ts'
import { apart, at, has, labMounts } from './tables.ts'

const MNT = '/mnt'

export const leakTask: Task = {
  id: 'leak',
  title: 'A leak',
  check(scene) {
    const { leak } = scene.values
    const ours = labMounts(scene)
    const tables = apart(scene)
    const own = tables.find(({ mounts }) => has(mounts, MNT, leak))
    const inLab = has(ours, MNT, leak)
    if (!own) {
      const other = tables[0]?.process.comm
      if (other && inLab) return no(`${leak} is on ${MNT} of the lab, and has not come into the table of ${other}`)
      if (other) return no(`${other} has a table of its own, and ${leak} is not on ${MNT} in it`)
      return no(`every process of yours has the mount table of the lab${inLab ? `, where ${leak} is on ${MNT}` : ''}`)
    }
    if (!inLab) return no(`only ${own.process.comm} has ${leak} on ${MNT}: its table is private, and nothing spreads`)
    const [mine, theirs] = [at(own.mounts, MNT)!, at(ours, MNT)!].map(({ propagation }) => propagation.shared)
    if (mine === undefined || mine !== theirs)
      return no(`both tables have ${leak}, but the one in the table of ${own.process.comm} is a copy, no peer`)
    return {
      passed: true,
      saw: `${leak} is on ${MNT} in the table of ${own.process.comm} and in the lab's: peer group ${mine}`,
    }
  },
  hints: [
    '`unshare` has made everything in the new table private. It has an option to leave that.',
    'The option is `--propagation unchanged`.',
    '`unshare --mount --propagation unchanged bash --norc`, and then the mount.',
  ],
  solution: ['unshare --mount --propagation unchanged bash --norc', 'mount -t tmpfs {{leak}} /mnt'],
  otherWays: [
    {
      name: 'said with another word',
      commands: ['unshare -m --propagation shared sh', 'mount -t tmpfs {{leak}} /mnt'],
    },
    {
      name: 'from the lab’s side',
      commands: [
        'unshare --mount --propagation unchanged bash --norc',
        'nsenter --mount --target 1 mount -t tmpfs {{leak}} /mnt',
      ],
    },
  ],
  wrongWays: [
    {
      name: 'private',
      commands: ['unshare --mount bash --norc', 'mount -t tmpfs {{leak}} /mnt'],
      saw: /its table is private, and nothing spreads/,
    },
    {
      name: 'shared again, but with nobody',
      commands: [
        'unshare --mount bash --norc',
        'mount --make-rshared /',
        'nsenter --mount --target 1 mount -t tmpfs {{leak}} /mnt',
      ],
      saw: /and has not come into the table of bash/,
    },
    {
      name: 'copied',
      commands: ['mount -t tmpfs {{leak}} /mnt', 'unshare --mount bash --norc'],
      saw: /is a copy, no peer/,
    },
    { name: 'in the lab', commands: ['mount -t tmpfs {{leak}} /mnt'], saw: /table of the lab, where [\w-]+ is on/ },
  ],
}

const IN = '/lab/disks/in'
const OUT = '/lab/disks/out'

export const slaveTask: Task = {
  id: 'slave',
  title: 'One way only',
  check(scene) {
    const { disk, own } = scene.values
    const ours = labMounts(scene)
    if (has(ours, OUT, own)) return no(`${own} is on ${OUT} of the lab, too: it came out`)
    if (!has(ours, IN, disk)) return no(`${disk} is not mounted on ${IN} of the lab`)
    const tables = apart(scene)
    if (!tables[0]) return no(`${disk} is on ${IN} of the lab, and no process has another table`)
    const table = tables.find(({ mounts }) => has(mounts, IN, disk))
    if (!table)
      return no(`${disk} is on ${IN} of the lab, and did not come into the table of ${tables[0].process.comm}`)
    if (at(table.mounts, IN)!.propagation.master === undefined)
      return no(
        `${disk} is on ${IN} in both tables, but in that of ${table.process.comm} it is no slave: it did not come from the lab as one`,
      )
    if (!has(table.mounts, OUT, own))
      return no(`${disk} came in to ${table.process.comm}; ${own} is not yet on ${OUT} there`)
    return { passed: true, saw: `${disk} came in from the lab, and ${own} did not come out: a slave` }
  },
  hints: [
    'Of the four types, one takes and does not give. `--propagation` takes its name, too.',
    '`unshare --mount --propagation slave bash --norc`. Then two mounts, one of them by `nsenter`.',
    '`nsenter --mount --target 1 mount -t tmpfs {{disk}} /lab/disks/in`',
    '`mount -t tmpfs {{own}} /lab/disks/out`',
  ],
  solution: [
    'unshare --mount --propagation slave bash --norc',
    'nsenter --mount --target 1 mount -t tmpfs {{disk}} /lab/disks/in',
    'mount -t tmpfs {{own}} /lab/disks/out',
  ],
  otherWays: [
    {
      name: 'made a slave later',
      commands: [
        'unshare --mount --propagation unchanged bash --norc',
        'mount --make-rslave /',
        'nsenter --mount --target 1 mount -t tmpfs {{disk}} /lab/disks/in',
        'mount -t tmpfs {{own}} /lab/disks/out',
      ],
    },
    {
      name: 'a slave in this directory alone, shared elsewhere',
      commands: [
        'mount --bind disks disks',
        'unshare --mount --propagation unchanged bash --norc',
        'mount --make-slave disks',
        'nsenter --mount --target 1 mount -t tmpfs {{disk}} /lab/disks/in',
        'mount -t tmpfs {{own}} disks/out',
      ],
    },
  ],
  wrongWays: [
    {
      name: 'shared',
      commands: [
        'unshare --mount --propagation unchanged bash --norc',
        'nsenter --mount --target 1 mount -t tmpfs {{disk}} /lab/disks/in',
        'mount -t tmpfs {{own}} /lab/disks/out',
      ],
      saw: /of the lab, too: it came out/,
    },
    {
      name: 'private',
      commands: [
        'unshare --mount bash --norc',
        'nsenter --mount --target 1 mount -t tmpfs {{disk}} /lab/disks/in',
        'mount -t tmpfs {{own}} /lab/disks/out',
      ],
      saw: /did not come into the table of bash/,
    },
    {
      name: 'mounted on both sides by hand',
      commands: [
        'unshare --mount bash --norc',
        'nsenter --mount --target 1 mount -t tmpfs {{disk}} /lab/disks/in',
        'mount -t tmpfs {{disk}} /lab/disks/in',
        'mount -t tmpfs {{own}} /lab/disks/out',
      ],
      saw: /it is no slave/,
    },
    {
      name: 'one side only',
      commands: ['mount -t tmpfs {{disk}} /lab/disks/in'],
      saw: /and no process has another table/,
    },
  ],
}
