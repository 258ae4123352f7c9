// Tasks 4 to 6: whose files they are, what the new root may do, and both roots side by side.
import { formatNamespace, ownerOf, readNamespaces } from '../../toolkit/observe/namespaces.ts'
import { readUts } from '../../toolkit/observe/uts.ts'
import { BOX } from '../box.ts'
import { no, type Task } from '../lesson.ts'
import { findEntry } from '../look.ts'
import { isInBox, nameOf, people, sleepers } from './who.ts'

/** Into the namespace of task 3, as its root. */
const ENTER = 'nsenter --user --target $(pgrep -fx "sleep {{nap}}") --setuid 0 --setgid 0'
const LETTER = '/lab/inbox/letter'

export const ownerTask: Task = {
  id: 'owner',
  title: 'Whose file is it?',
  check(scene) {
    const [base, inner] = [Number(scene.values.base), Number(scene.values.inner)]
    const found = findEntry(scene, LETTER)
    if (!found) return no(`there is no ${LETTER}`)
    const uid = Number(found.uid)
    if (uid === base + inner)
      return { passed: true, saw: `${LETTER} belongs to user ${uid} outside: ${base} + ${inner}` }
    if (uid === base) return no(`${LETTER} belongs to user ${uid}: inside that is root, and not user ${inner}`)
    if (uid === inner) return no(`${LETTER} belongs to user ${uid} outside: who is that inside? Nobody`)
    if (uid === 0) return no(`${LETTER} belongs to the root of the lab: it was made outside`)
    return no(`${LETTER} belongs to user ${uid} outside`)
  },
  hints: [
    `Enter the namespace as its root: \`${ENTER} bash\``,
    'Root may give files away, among the users that the map has: `chown USER FILE`.',
    'Inside: `touch inbox/letter`, then `chown {{inner}} inbox/letter`.',
  ],
  solution: [`${ENTER} bash`, 'touch inbox/letter', 'chown {{inner}} inbox/letter'],
  otherWays: [
    { name: 'made by that user', commands: [`${ENTER} setpriv --reuid {{inner}} touch inbox/letter`] },
    {
      name: 'from outside, with the number outside',
      commands: ['touch inbox/letter', 'chown {{stored}} inbox/letter'],
    },
  ],
  wrongWays: [
    {
      name: 'not given away',
      commands: [`${ENTER} bash`, 'touch inbox/letter'],
      saw: /inside that is root, and not user \d+/,
    },
    {
      name: 'given away outside',
      commands: ['touch inbox/letter', 'chown {{inner}} inbox/letter'],
      saw: /outside: who is that inside\? Nobody/,
    },
    { name: 'made outside', commands: ['touch inbox/letter'], saw: /belongs to the root of the lab/ },
  ],
}

export const powerTask: Task = {
  id: 'power',
  title: 'What this root may do',
  check(scene) {
    const wanted = scene.values.hostname!
    const lab = readNamespaces(scene.lab.pid)
    const labName = readUts(scene.lab.pid)?.hostname
    if (labName === wanted) return no(`the lab itself is called ${wanted} now; only its own root can have done that`)
    const apart = people(scene).filter(({ pid }) => readNamespaces(pid)?.uts.inode !== lab?.uts.inode)
    const named = apart.filter(({ pid }) => readUts(pid)?.hostname === wanted)
    const owners = named.map(process => ({ process, owner: ownerOf(process.pid, 'uts') }))
    const right = owners.find(({ owner }) => owner && owner.inode !== lab?.user.inode)
    if (right)
      return {
        passed: true,
        saw: `${right.process.comm} has the host name ${wanted}, in a UTS namespace that belongs to ${formatNamespace(right.owner!)}`,
      }
    if (named[0])
      return no(`${named[0].comm} has the host name ${wanted}; but its UTS namespace belongs to the lab’s root`)
    const mine = apart.find(({ pid }) => ownerOf(pid, 'uts')?.inode !== lab?.user.inode)
    if (mine)
      return no(
        `${mine.comm} has a UTS namespace that belongs to ${nameOf(mine)}; its name is ${readUts(mine.pid)?.hostname}`,
      )
    return no(`nobody has the host name ${wanted}`)
  },
  hints: [
    'The new root has power over what belongs to its own user namespace. So something has to be made in there.',
    `Go in (\`${ENTER} bash\`), and from there make a UTS namespace.`,
    'Inside: `unshare --uts bash`, then `hostname {{hostname}}`.',
  ],
  solution: [`${ENTER} bash`, 'unshare --uts bash', 'hostname {{hostname}}'],
  otherWays: [
    {
      name: 'both at once, with another map',
      commands: ['unshare --user --map-root-user --uts bash', 'hostname {{hostname}}'],
    },
    { name: 'in one line', commands: [`${ENTER} unshare --uts sh -c "hostname {{hostname}}; sleep 3000" &`] },
  ],
  wrongWays: [
    { name: 'by the lab’s own root', commands: ['hostname {{hostname}}'], saw: /the lab itself is called/ },
    {
      name: 'a UTS namespace from outside',
      commands: ['unshare --uts bash', 'hostname {{hostname}}'],
      saw: /its UTS namespace belongs to the lab’s root/,
    },
    {
      name: 'made outside, and then entered',
      commands: ['unshare --uts bash', `${ENTER} bash`, 'hostname {{hostname}}'],
      saw: /^nobody has the host name/,
    },
    {
      name: 'mistyped',
      commands: [`${ENTER} unshare --uts bash`, 'hostname {{hostname}}x'],
      saw: /belongs to user:\[\d+\]; its name is .*x$/,
    },
  ],
}

export const controlTask: Task = {
  id: 'control',
  title: 'Two roots in one box',
  check(scene) {
    const { old, fresh } = scene.values as { old: string; fresh: string }
    const base = Number(scene.values.base)
    const before = sleepers(scene, old).find(process => isInBox(scene, process))
    if (!before) return no(`sleep ${old}, the process of task 1, is not in the box any more; start it again`)
    const all = sleepers(scene, fresh)
    const now = all.find(process => isInBox(scene, process)) ?? all[0]
    if (!now) return no(`sleep ${old} is root outside; there is no process sleep ${fresh}`)
    if (!isInBox(scene, now)) return no(`sleep ${fresh} runs, but its root is not ${BOX}`)
    if (!now.apart) return no(`sleep ${fresh} is in the user namespace of the lab, as sleep ${old} is`)
    if (now.uid === 0) return no(`sleep ${fresh} is in ${nameOf(now)}, but outside it is user 0 all the same`)
    if (now.inside !== 0) return no(`sleep ${fresh} is user ${now.inside ?? 'nobody'} inside; it should be root there`)
    if (now.uid !== base)
      return no(`sleep ${fresh} is root inside and user ${now.uid} outside; the task asks for ${base}`)
    return {
      passed: true,
      saw: `both are root in the box: sleep ${old} is user ${before.uid} outside, sleep ${fresh} is user ${now.uid}`,
    }
  },
  hints: [
    'First the user namespace, then the box: in a chroot no user namespace can be made.',
    'After `nsenter … --setgid 0` stands the program. It may be `chroot box …`: this root may do that.',
    `\`${ENTER} chroot box sleep {{fresh}} &\``,
  ],
  solution: [`${ENTER} chroot box sleep {{fresh}} &`],
  otherWays: [
    { name: 'from a shell in the box', commands: [`${ENTER} chroot box sh`, 'sleep {{fresh}} &'] },
    {
      name: 'with all the other namespaces',
      commands: [`${ENTER} unshare --mount --uts --ipc --pid --net --fork chroot box sleep {{fresh}} &`],
    },
  ],
  wrongWays: [
    {
      name: 'as in task 1',
      commands: ['chroot box sleep {{fresh}} &'],
      saw: /is in the user namespace of the lab, as sleep/,
    },
    {
      name: 'the box first',
      commands: ['chroot box unshare -U sleep {{fresh}}'],
      saw: /there is no process sleep \d+$/,
    },
    {
      name: 'a map to root',
      commands: ['unshare --user --map-root-user chroot box sleep {{fresh}} &'],
      saw: /but outside it is user 0 all the same/,
    },
    { name: 'not in the box', commands: [`${ENTER} sleep {{fresh}} &`], saw: /runs, but its root is not \/lab\/box/ },
    {
      name: 'not as root',
      commands: [`${ENTER} chroot --userspec=7:7 box sleep {{fresh}} &`],
      saw: /is user 7 inside; it should be root there/,
    },
  ],
}
