// Tasks 1 to 3: root as it was, a namespace without users, and its map.
import { BOX } from '../box.ts'
import { no, type Task } from '../lesson.ts'
import { COUNT, formatMap, isInBox, mapsTo, nameOf, people, sleepers, strangers } from './who.ts'

/** Everything that the lessons before have built, and no more. */
const OLD_BOX = 'unshare --mount --uts --ipc --pid --net --fork chroot box'

export const rootTask: Task = {
  id: 'root',
  title: 'Root is root',
  check(scene) {
    const { old } = scene.values as { old: string }
    const all = sleepers(scene, old)
    const boxed = all.filter(process => isInBox(scene, process))
    const right = boxed.find(({ apart, uid }) => !apart && uid === 0)
    if (right) return { passed: true, saw: `sleep ${old}, whose root is ${BOX}, is user 0 for the lab as well` }
    const apart = all.find(person => person.apart)
    if (apart) return no(`sleep ${old} is in a user namespace of its own (${nameOf(apart)}): that comes later`)
    if (boxed[0]) return no(`sleep ${old} runs in the box as user ${boxed[0].uid}, and not as root`)
    if (all[0]) return no(`sleep ${old} runs, but its root is not ${BOX}: it is outside`)
    const other = people(scene).find(process => isInBox(scene, process))
    if (other) return no(`${other.argv.join(' ')} runs in the box; the task asks for sleep ${old}`)
    return no(`there is no process sleep ${old}, and nobody is in the box`)
  },
  hints: ['The command stands in the text. It is one command on two lines.', `\`${OLD_BOX} sleep {{old}} &\``],
  solution: [`${OLD_BOX} sleep {{old}} &`],
  leaves: [
    'if ! pgrep -fx "sleep {{old}}" >/dev/null; then',
    `setsid ${OLD_BOX} sleep {{old}} </dev/null >/dev/null 2>&1 &`,
    'fi',
  ],
  otherWays: [
    { name: 'from a shell in the box', commands: [`${OLD_BOX} sh`, 'sleep {{old}} &'] },
    { name: 'by chroot alone', commands: ['chroot box sleep {{old}} &'] },
  ],
  wrongWays: [
    { name: 'outside of the box', commands: ['sleep {{old}} &'], saw: /its root is not \/lab\/box: it is outside/ },
    {
      name: 'as another user',
      commands: ['chroot --userspec=1000:1000 box sleep {{old}} &'],
      saw: /in the box as user 1000, and not as root/,
    },
    {
      name: 'in a user namespace',
      commands: ['unshare --user --map-root-user chroot box sleep {{old}} &'],
      saw: /in a user namespace of its own \(user:\[\d+\]\): that comes later/,
    },
    { name: 'another time', commands: ['chroot box sleep 4711 &'], saw: /sleep 4711 runs in the box; the task asks/ },
  ],
}

export const nobodyTask: Task = {
  id: 'nobody',
  title: 'A namespace without users',
  check(scene) {
    const found = strangers(scene)
    const empty = found.find(({ users }) => users.length === 0)
    if (empty) return { passed: true, saw: `${empty.comm} is in ${nameOf(empty)}, which has no users at all yet` }
    if (found[0])
      return no(
        `${found[0].comm} is in ${nameOf(found[0])}; that one has a map of its users already: ${formatMap(found[0].users)}`,
      )
    const other = people(scene).find(({ uid }) => uid !== 0)
    if (other) return no(`${other.comm} runs as user ${other.uid}, but in the user namespace of the lab`)
    return no('all processes of the lab are in one user namespace, the lab’s')
  },
  hints: ['The option of `unshare` for users is `--user`.', '`unshare --user bash`, without any further option.'],
  solution: ['unshare --user bash', 'id'],
  otherWays: [
    { name: 'another shell', commands: ['unshare -U sh'] },
    { name: 'together with other namespaces', commands: ['unshare --user --uts --net bash'] },
  ],
  wrongWays: [
    {
      name: 'with a map',
      commands: ['unshare --user --map-root-user bash'],
      saw: /has a map of its users already: 0 0 1$/,
    },
    {
      name: 'an ordinary user of the lab',
      commands: ['setpriv --reuid 65534 --regid 65534 --clear-groups bash'],
      saw: /runs as user 65534, but in the user namespace of the lab/,
    },
    { name: 'left again', commands: ['unshare --user bash', 'exit'], saw: /are in one user namespace, the lab’s/ },
  ],
}

/** A process that waits in the new namespace, and that it is there. */
const WAITING = ['unshare --user sleep {{nap}} &', 'until [ -z "$(cat /proc/$!/uid_map)" ]; do sleep 0.1; done']

export const mapTask: Task = {
  id: 'map',
  title: 'Write the map',
  check(scene) {
    const base = Number(scene.values.base)
    const found = strangers(scene)
    const right = found.find(({ users, groups }) => mapsTo(users, base) && mapsTo(groups, base))
    if (right)
      return {
        passed: true,
        saw: `in ${nameOf(right)}, the users and groups 0 to 999 are ${base} to ${base + COUNT - 1} outside`,
      }
    const written = found.find(({ users, groups }) => users.length + groups.length > 0)
    if (!written) {
      if (found[0]) return no(`${found[0].comm} is in ${nameOf(found[0])}, and its map of users is still empty`)
      return no('no process is in a user namespace of its own')
    }
    const { users, groups } = written
    const wrong = [users, groups].find(map => map.length > 0 && !mapsTo(map, base))
    if (wrong?.[0]?.inside === base)
      return no(`the map says '${formatMap(wrong)}': the columns are the other way round, inside comes first`)
    if (wrong?.[0]?.outside === 0) return no(`the map says '${formatMap(wrong)}': root inside is root outside, too`)
    if (wrong) return no(`the map says '${formatMap(wrong)}'; the task asks for '0 ${base} ${COUNT}'`)
    return no(
      `the map of ${users.length > 0 ? 'users' : 'groups'} is right; that of ${users.length > 0 ? 'groups' : 'users'} is empty`,
    )
  },
  hints: [
    'Start the process in the background, and stay outside. `$!` is the pid of what went to the background last.',
    'A map has three numbers: the first inside, the first outside, how many. Here: `0 {{base}} 1000`.',
    '`echo 0 {{base}} 1000 >/proc/$!/uid_map`, and the same with `gid_map`.',
    'A map that is wrong can’t be mended. End that process with `kill $!`, and begin with a new one.',
  ],
  solution: [...WAITING, 'echo 0 {{base}} 1000 >/proc/$!/uid_map', 'echo 0 {{base}} 1000 >/proc/$!/gid_map'],
  leaves: [
    'if ! pgrep -fx "sleep {{nap}}" >/dev/null; then',
    'setsid unshare --user sleep {{nap}} </dev/null >/dev/null 2>&1 &',
    'until [ -z "$(cat /proc/$!/uid_map)" ]; do sleep 0.1; done',
    'for map in uid_map gid_map; do echo 0 {{base}} 1000 >/proc/$!/$map; done',
    'fi',
  ],
  otherWays: [
    {
      name: 'with printf, the groups first',
      commands: [...WAITING, 'for f in gid_map uid_map; do printf "0 {{base}} 1000\\n" >/proc/$!/$f; done'],
    },
    {
      name: 'found by name, the group map by a file',
      commands: [
        ...WAITING,
        'echo "0 {{base}} 1000" >map',
        'for f in uid_map gid_map; do cat map >/proc/$(pgrep -fx "sleep {{nap}}")/$f; done',
      ],
    },
  ],
  wrongWays: [
    {
      name: 'the columns exchanged',
      commands: [...WAITING, 'echo {{base}} 0 1000 >/proc/$!/uid_map'],
      saw: /the other way round, inside comes first/,
    },
    {
      name: 'users only',
      commands: [...WAITING, 'echo 0 {{base}} 1000 >/proc/$!/uid_map'],
      saw: /the map of users is right; that of groups is empty/,
    },
    {
      name: 'the option of unshare',
      commands: ['unshare --user --map-root-user sleep {{nap}} &'],
      saw: /root inside is root outside, too/,
    },
    {
      name: 'one user only',
      commands: [...WAITING, 'echo 0 {{base}} 1 >/proc/$!/uid_map'],
      saw: /the map says '0 \d+ 1'; the task asks for/,
    },
    { name: 'no map', commands: WAITING, saw: /its map of users is still empty/ },
  ],
}
