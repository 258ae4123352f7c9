// Tasks 1 and 2: a mount table of its own, and a bind mount.
import { mountOver } from '../../toolkit/observe/mounts.ts'
import { BOX } from '../box.ts'
import { no, type Task } from '../lesson.ts'
import { find, findEntry, idOf, isFound } from '../look.ts'
import { apart, at, has, labMounts } from './tables.ts'

const MNT = '/mnt'

export const tableTask: Task = {
  id: 'table',
  title: 'A table of your own',
  check(scene) {
    const { scratch } = scene.values
    const ours = labMounts(scene)
    if (has(ours, MNT, scratch))
      return no(`${scratch} is mounted on ${MNT} for the whole lab; 'umount ${MNT}' takes it away`)
    const tables = apart(scene)
    const own = tables.find(({ mounts }) => has(mounts, MNT, scratch))
    if (own) {
      const type = at(own.mounts, MNT)!.fsType
      if (type !== 'tmpfs') return no(`what is called ${scratch} on ${MNT} is a ${type}, not a tmpfs`)
      return { passed: true, saw: `${own.process.comm} has ${scratch} on ${MNT}, and the lab has not` }
    }
    const table = tables[0]
    if (!table) return no('every process of yours has the mount table of the lab')
    const other = at(table.mounts, MNT)
    return other
      ? no(
          `${table.process.comm} has a table of its own; what is mounted on ${MNT} there is called ${other.source}, not ${scratch}`,
        )
      : no(`${table.process.comm} has a table of its own, and nothing is mounted on ${MNT} in it`)
  },
  hints: [
    'First the namespace, then the mount, in the shell that it gives you. `unshare --help` knows the option.',
    '`unshare --mount bash --norc`. After that, `mount -t tmpfs NAME /mnt`.',
    '`mount -t tmpfs {{scratch}} /mnt`',
  ],
  solution: ['unshare --mount bash --norc', 'mount -t tmpfs {{scratch}} /mnt'],
  otherWays: [
    { name: 'in one line', commands: ["unshare -m sh -c 'mount -t tmpfs {{scratch}} /mnt; exec bash --norc'"] },
    {
      name: 'with a pid namespace, too',
      commands: ['unshare -p -f --mount-proc sh', 'mount -t tmpfs -o size=1m {{scratch}} /mnt'],
    },
  ],
  wrongWays: [
    { name: 'in the lab', commands: ['mount -t tmpfs {{scratch}} /mnt'], saw: /is mounted on \/mnt for the whole lab/ },
    { name: 'not mounted', commands: ['unshare --mount bash --norc'], saw: /and nothing is mounted on \/mnt in it/ },
    {
      name: 'another name',
      commands: ['unshare --mount bash --norc', 'mount -t tmpfs tmpfs /mnt'],
      saw: /is called tmpfs, not/,
    },
    {
      name: 'another kind of namespace',
      commands: ['unshare --uts bash --norc'],
      saw: /^every process of yours has the mount table/,
    },
  ],
}

const NOTES = '/lab/notes'
const TARGET = `${BOX}/mnt`

export const bindTask: Task = {
  id: 'bind',
  title: 'The same files twice',
  check(scene) {
    const ours = labMounts(scene)
    const notes = find(scene, NOTES)
    if (!isFound(notes)) return no(`there is no ${NOTES} any more; reset the lab`)
    const mount = at(ours, TARGET)
    if (!mount)
      return no(
        findEntry(scene, TARGET)?.isSymbolicLink()
          ? `${TARGET} is a symbolic link; inside the box it leads nowhere`
          : `nothing is mounted on ${TARGET}`,
      )
    const seen = find(scene, TARGET)
    if (!isFound(seen) || idOf(seen) !== idOf(notes))
      return no(`what is mounted on ${TARGET} is a ${mount.fsType}, and not ${NOTES}`)
    const original = mountOver(ours, NOTES)
    if (original?.options.includes('ro') || original?.superOptions.includes('ro'))
      return no(`${NOTES} itself is read-only now; only the mount on ${TARGET} should be`)
    if (!mount.options.includes('ro')) return no(`${NOTES} is mounted on ${TARGET}, and can be written to there`)
    return { passed: true, saw: `${NOTES} is mounted on ${TARGET}, read-only there and not elsewhere` }
  },
  hints: [
    'Two steps: the bind mount first, then its flag.',
    '`mount --bind SOURCE TARGET`, with `/lab/notes` and `/lab/box/mnt`.',
    'The flag: `mount -o remount,bind,ro TARGET`.',
  ],
  solution: ['mount --bind notes box/mnt', 'mount -o remount,bind,ro box/mnt'],
  otherWays: [
    { name: 'mount does both steps', commands: ['mount --bind -o ro /lab/notes /lab/box/mnt'] },
    {
      name: 'from a read-only original',
      commands: [
        'mount --bind notes /srv',
        'mount -o remount,bind,ro /srv',
        'mount --bind /srv box/mnt',
        'mount -o remount,bind,ro box/mnt',
      ],
    },
  ],
  wrongWays: [
    { name: 'only the bind mount', commands: ['mount --bind notes box/mnt'], saw: /, and can be written to there/ },
    { name: 'copied', commands: ['cp -r notes/. box/mnt/'], saw: /^nothing is mounted on/ },
    { name: 'a link', commands: ['rmdir box/mnt', 'ln -s /lab/notes box/mnt'], saw: /is a symbolic link; inside/ },
    {
      name: 'read-only on both sides',
      commands: ['mount --bind -o ro notes notes', 'mount --bind -o ro notes box/mnt'],
      saw: /itself is read-only now/,
    },
    { name: 'another file system', commands: ['mount -t tmpfs notes box/mnt'], saw: /is a tmpfs, and not/ },
  ],
}
