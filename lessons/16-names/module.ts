// Task 7: a file over another, by the module.
import { readNamespaces } from '../../toolkit/observe/namespaces.ts'
import { no, type Task } from '../lesson.ts'
import { inhabitants } from '../look.ts'
import { addressesIn, IMAGE, pidOf, seenBy, textOf } from './look.ts'

const WRITE = 'echo "{{net}}.3 {{mine}}" >mine'
const STEPS = "...bind.mountPoint('/etc/hosts', 'file'), ...bind.attach('hosts'),"

export const moduleTask: Task = {
  id: 'module',
  title: 'The module',
  check(scene) {
    const { mine, net } = scene.values
    const mounts = (pid: number | undefined) => (pid === undefined ? 0 : (readNamespaces(pid)?.mnt.inode ?? 0))
    const known = new Set([pidOf(scene, 'web'), pidOf(scene, 'db')].map(mounts))
    const inside = inhabitants(scene, IMAGE).filter(({ pid }) => !known.has(mounts(pid)))
    if (inside.length === 0) return no(`no process but web and db has ${IMAGE} as its root yet`)
    const apart = inside.find(({ pid }) => mounts(pid) !== mounts(scene.lab.pid))
    if (!apart) return no(`the process ${inside[0]!.comm} has ${IMAGE} as its root, and shares the mounts of the lab`)
    const hosts = textOf(seenBy(scene, apart.pid, '/etc/hosts'))
    if (!addressesIn(hosts, mine!).includes(`${net}.3`))
      return no(`the process ${apart.comm} has mounts of its own; its /etc/hosts has no line with ${net}.3 and ${mine}`)
    const image = textOf(seenBy(scene, pidOf(scene, 'db')!, '/etc/hosts'))
    if (addressesIn(image, mine!).length > 0) return no(`db knows ${mine}, too: the line is in the file of the image`)
    return { passed: true, saw: `the process ${apart.comm} sees a file of its own at /etc/hosts, and knows ${mine}` }
  },
  hints: [
    'Two things: the file `mine` with its line, and the steps that put the copy in its place.',
    '`mountPoint(PATH, KIND)` opens the place, `attach(NAME)` puts what is called NAME there. Both give lists: `...`',
    `\`${STEPS}\` in place of the TODO; then \`node names.ts\`.`,
  ],
  solution: [WRITE, `sed -i "s|// TODO.*|${STEPS}|" names.ts`, 'node names.ts'],
  otherWays: [
    {
      name: 'no symbolic link on the way',
      commands: [
        WRITE,
        `sed -i "s|// TODO.*|...bind.mountPoint('/etc/hosts', 'file', 'refuse'), ...bind.attach('hosts', 3),|" names.ts`,
        'node names.ts',
      ],
    },
  ],
  wrongWays: [
    { name: 'as it is', commands: [WRITE, 'node names.ts'], saw: /its \/etc\/hosts has no line with/ },
    {
      name: 'in the mounts of the lab',
      commands: [WRITE, 'sed -i "s|= .mount.namespace.|= []|; s|.*makePrivate.*||" names.ts', 'node names.ts'],
      saw: /shares the mounts of the lab/,
    },
    {
      name: 'into the image',
      commands: ['echo "{{net}}.3 {{mine}}" >>image/etc/hosts', 'touch mine', 'node names.ts'],
      saw: /^db knows \S+, too/,
    },
    { name: 'it ended at once', commands: ['node names.ts </dev/null'], saw: /^no process but web and db/ },
  ],
}
