// Task 4: what is mounted outside after the container was made.
import { mountAt } from '../../toolkit/observe/mounts.ts'
import { no, type Task } from '../lesson.ts'
import { findEntry } from '../look.ts'
import { identify, notBound } from './bind.ts'

const INSIDE = '/lab/box/root/media'
const SHARE = ['mount --bind media media', 'mount --make-shared media']
const SLAVE = ['mkdir -p box/root/media', 'mount --bind media box/root/media', 'mount --make-slave box/root/media']
const DISK = ['mkdir media/disk', 'mount -t tmpfs disk media/disk', 'touch media/disk/{{film}}']

export const laterTask: Task = {
  id: 'later',
  title: 'A disk that comes later',
  check(scene) {
    const film = scene.values.film!
    const outside = mountAt(scene.lab.pid, '/lab/media')
    const saw = notBound(scene, '/lab/media', INSIDE)
    if (saw !== undefined) return no(saw)
    const inside = mountAt(scene.lab.pid, INSIDE)!
    if (!outside) return no(`/lab/media is no mount of its own yet, so it cannot be shared`)
    if (outside.propagation.shared === undefined)
      return no('the mount on /lab/media is private: it tells nobody of what is mounted in it')
    if (inside.propagation.shared !== undefined)
      return no(`${INSIDE} is a peer of /lab/media: what the container mounts would appear outside, too`)
    if (inside.propagation.master !== outside.propagation.shared)
      return no(`${INSIDE} is private: it hears of nothing that is mounted on /lab/media`)
    const disk = mountAt(scene.lab.pid, '/lab/media/disk')
    if (!disk) {
      if (mountAt(scene.lab.pid, `${INSIDE}/disk`))
        return no(`the disk is mounted on ${INSIDE}/disk only: a slave hears, and tells nothing`)
      return no(`${INSIDE} is a slave of /lab/media; nothing is mounted on /lab/media/disk yet`)
    }
    if (
      !mountAt(scene.lab.pid, `${INSIDE}/disk`) ||
      identify(scene, '/lab/media/disk') !== identify(scene, `${INSIDE}/disk`)
    )
      return no(`/lab/media/disk was mounted before ${INSIDE} could hear of it`)
    if (!findEntry(scene, `${INSIDE}/disk/${film}`))
      return no(`the disk is there on both sides, without a file ${film}`)
    return { passed: true, saw: `the disk on /lab/media/disk is in the container, too, by way of a slave mount` }
  },
  hints: [
    'Only a mount can be shared. `media` becomes one by `mount --bind media media`. Then `mount --make-shared media`.',
    'The bind mount in the container begins as a peer. `mount --make-slave box/root/media` makes it one that only listens.',
    'Only now the disk: `mkdir media/disk`, `mount -t tmpfs disk media/disk`, `touch media/disk/{{film}}`.',
  ],
  solution: [...SHARE, ...SLAVE, ...DISK],
  leaves: [
    `mountpoint -q media || ${SHARE[0]}`,
    SHARE[1]!,
    SLAVE[0]!,
    `mountpoint -q box/root/media || { ${SLAVE[1]}; ${SLAVE[2]}; }`,
    `mountpoint -q media/disk || { mkdir -p media/disk; ${DISK[1]}; }`,
    DISK[2]!,
  ],
  otherWays: [
    {
      name: 'with rslave, and absolute paths',
      commands: [
        'mount --bind --make-shared /lab/media /lab/media',
        'mkdir /lab/box/root/media && mount -o rbind,rslave /lab/media /lab/box/root/media',
        'mkdir /lab/media/disk && mount -t tmpfs none /lab/media/disk && touch /lab/box/root/media/disk/{{film}}',
      ],
    },
  ],
  wrongWays: [
    { name: 'private on both sides', commands: [...SLAVE, ...DISK], saw: /\/lab\/media is no mount of its own yet/ },
    {
      name: 'private in the container',
      commands: [...SHARE, ...SLAVE.slice(0, 2), 'mount --make-private box/root/media', ...DISK],
      saw: /root\/media is private: it hears of nothing/,
    },
    { name: 'peers', commands: [...SHARE, ...SLAVE.slice(0, 2), ...DISK], saw: /is a peer of \/lab\/media/ },
    {
      name: 'the disk first',
      commands: [...SHARE, ...DISK, ...SLAVE],
      saw: /was mounted before \S+ could hear of it/,
    },
    {
      name: 'mounted in the container',
      commands: [...SHARE, ...SLAVE, 'mkdir box/root/media/disk', 'mount -t tmpfs disk box/root/media/disk'],
      saw: /a slave hears, and tells nothing/,
    },
  ],
}
