// Tasks 1 to 3: /etc/hosts of one container, that of the image, and its own name.
import { mountAt } from '../../toolkit/observe/mounts.ts'
import { readUts } from '../../toolkit/observe/uts.ts'
import { no, type Scene, type Task } from '../lesson.ts'
import { addressesIn, IMAGE, inLab, pidOf, same, seenBy, textOf } from './look.ts'

const ENTER = 'nsenter --target $(cat web.pid) --mount'
const MOUNT = `${ENTER} mount --bind /lab/hosts /lab/image/etc/hosts`

/** What keeps web from knowing db by its own file; undefined where it does. */
export function unnamed(scene: Scene): string | undefined {
  const { db, net } = scene.values
  const web = pidOf(scene, 'web')
  if (web === undefined) return 'the container web has ended; reset the lab'
  const own = seenBy(scene, web, '/etc/hosts')
  const image = inLab(scene, `${IMAGE}/etc/hosts`)
  const known = addressesIn(textOf(own), db!)
  if (known.includes(`${net}.3`))
    return same(own, image)
      ? `web knows ${db}, by the file of the image: db and everybody else with this image read it, too`
      : undefined
  if (known[0]) return `in /etc/hosts of web, ${db} is ${known[0]}; the container db has ${net}.3`
  if (mountAt(scene.lab.pid, `${IMAGE}/etc/hosts`))
    return `a file is mounted on ${IMAGE}/etc/hosts in the lab; web has a list of mounts of its own, and it is not in there`
  return `/etc/hosts of web has no line with ${db}`
}

export const hostsTask: Task = {
  id: 'hosts',
  title: 'A list of names',
  check(scene) {
    const missing = unnamed(scene)
    if (missing !== undefined) return no(missing)
    const { db, net } = scene.values
    return { passed: true, saw: `web has a file of its own at /etc/hosts, and in it ${db} is ${net}.3` }
  },
  hints: [
    'Two steps: write the file, anywhere in the lab; and mount it over /etc/hosts, where web sees it.',
    'The line is the address, a space, and the name: `echo "{{net}}.3 {{db}}" >hosts`',
    'Only the mount namespace of web is entered, so the paths are those of the lab: `/lab/hosts`, `/lab/image/etc/hosts`.',
    `\`${MOUNT}\``,
  ],
  solution: ['echo "{{net}}.3 {{db}}" >hosts', MOUNT, 'inside web ping -c 1 -W 2 {{db}}'],
  leaves: [
    'grep -q {{db}} hosts 2>/dev/null || echo "{{net}}.3 {{db}}" >>hosts',
    `${ENTER} sh -c "grep -q /lab/image/etc/hosts /proc/self/mountinfo || mount --bind /lab/hosts /lab/image/etc/hosts"`,
  ],
  otherWays: [
    {
      name: 'all of /etc at once',
      commands: [
        'cp -r image/etc own && echo "{{net}}.3 database {{db}}" >>own/hosts',
        `${ENTER} mount --bind /lab/own /lab/image/etc`,
      ],
    },
    {
      name: 'mounted first, written afterwards',
      commands: ['cp image/etc/hosts hosts', MOUNT, 'echo "{{net}}.3 {{db}}" >>hosts'],
    },
  ],
  wrongWays: [
    {
      name: 'written into the image',
      commands: ['echo "{{net}}.3 {{db}}" >>image/etc/hosts'],
      saw: /by the file of the image/,
    },
    {
      name: 'mounted in the lab',
      commands: ['echo "{{net}}.3 {{db}}" >hosts', 'mount --bind hosts image/etc/hosts'],
      saw: /in the lab; web has a list of mounts of its own/,
    },
    {
      name: 'the wrong address',
      commands: ['echo "{{net}}.33 {{db}}" >hosts', MOUNT],
      saw: /the container db has/,
    },
    {
      name: 'the wrong way round',
      commands: ['echo "{{db}} {{net}}.3" >hosts', MOUNT],
      saw: /^\/etc\/hosts of web has no line with/,
    },
  ],
}

export const sharedTask: Task = {
  id: 'shared',
  title: 'The file of the image',
  check(scene) {
    const missing = unnamed(scene)
    if (missing !== undefined) return no(missing)
    const { shared } = scene.values
    const db = pidOf(scene, 'db')
    if (db === undefined) return no('the container db has ended; reset the lab')
    const knows = (pid: number) => addressesIn(textOf(seenBy(scene, pid, '/etc/hosts')), shared!).length > 0
    const [web, other] = [knows(pidOf(scene, 'web')!), knows(db)]
    if (web && !other)
      return no(`web knows ${shared}, and db does not: the line went into the file of web, not that of the image`)
    if (web) return no(`web and db both know ${shared}; the file of web should not have it`)
    if (!other) return no(`neither web nor db knows ${shared} yet`)
    return { passed: true, saw: `db knows ${shared}, by the file of the image; web does not, it has a file of its own` }
  },
  hints: [
    'The file of the image is `image/etc/hosts`. Any address will do.',
    '`echo "{{net}}.9 {{shared}}" >>image/etc/hosts`, then look at /etc/hosts in both.',
  ],
  solution: ['echo "{{net}}.9 {{shared}}" >>image/etc/hosts', 'inside db cat /etc/hosts', 'inside web cat /etc/hosts'],
  otherWays: [{ name: 'from inside db', commands: ['inside db sh -c "echo {{net}}.9 {{shared}} >>/etc/hosts"'] }],
  wrongWays: [
    {
      name: 'into the file of web',
      commands: ['echo "{{net}}.9 {{shared}}" >>hosts'],
      saw: /the line went into the file of web/,
    },
    {
      name: 'into both',
      commands: ['echo "{{net}}.9 {{shared}}" >>hosts', 'echo "{{net}}.9 {{shared}}" >>image/etc/hosts'],
      saw: /^web and db both know/,
    },
    {
      name: 'into the lab’s own',
      commands: ['echo "{{net}}.9 {{shared}}" >>/etc/hosts'],
      saw: /^neither web nor db knows/,
    },
  ],
}

export const selfTask: Task = {
  id: 'self',
  title: 'Its own name',
  check(scene) {
    const missing = unnamed(scene)
    if (missing !== undefined) return no(missing)
    const { web, net } = { web: scene.values.webName!, net: scene.values.net! }
    if (readUts(scene.lab.pid)?.hostname === web)
      return no(`the lab itself is called ${web} now; the name is for the container`)
    const pid = pidOf(scene, 'web')!
    const hostname = readUts(pid)?.hostname
    const known = addressesIn(textOf(seenBy(scene, pid, '/etc/hosts')), web)
    if (hostname !== web)
      return no(
        textOf(seenBy(scene, pid, '/etc/hostname')).includes(web)
          ? `/etc/hostname says ${web}, and the kernel calls the container ${hostname}: it does not read that file`
          : `the container web is called ${hostname} by the kernel, not ${web}`,
      )
    const file = inLab(scene, '/lab/hosts')
    if (addressesIn(textOf(file), web).includes(`${net}.2`) && !known.includes(`${net}.2`))
      return no('/lab/hosts has the line, but it is a new file: web still sees the old one, which was mounted')
    if (!known.includes(`${net}.2`))
      return no(
        `the container is called ${web}, and its own /etc/hosts has ${known[0] ?? 'no address'} for that, not ${net}.2`,
      )
    return { passed: true, saw: `the container is called ${web}, and finds itself at ${net}.2` }
  },
  hints: [
    'The name is set as in lesson 2, inside: web has a UTS namespace of its own.',
    '`inside web hostname {{webName}}`',
    'The line goes to the end of the file that is mounted; `sed -i` would make a new file, and web would see the old one: `echo "{{net}}.2 {{webName}}" >>hosts`',
  ],
  solution: [
    'inside web hostname {{webName}}',
    'echo "{{net}}.2 {{webName}}" >>hosts',
    'inside web ping -c 1 -W 2 {{webName}}',
  ],
  otherWays: [
    {
      name: 'all of it inside',
      commands: ['inside web sh -c "hostname {{webName}}; echo {{net}}.2 web {{webName}} >>/etc/hosts"'],
    },
  ],
  wrongWays: [
    {
      name: 'a file, and nobody reads it',
      commands: ['inside web sh -c "echo {{webName}} >/etc/hostname"', 'echo "{{net}}.2 {{webName}}" >>hosts'],
      saw: /it does not read that file/,
    },
    { name: 'the lab', commands: ['hostname {{webName}}'], saw: /^the lab itself is called/ },
    {
      name: 'a name without an address',
      commands: ['inside web hostname {{webName}}'],
      saw: /has no address for that/,
    },
    {
      name: 'a new file under the old name',
      commands: ['inside web hostname {{webName}}', 'sed -i "\\$a {{net}}.2 {{webName}}" hosts'],
      saw: /it is a new file: web still sees the old one/,
    },
    {
      name: 'an address without a name',
      commands: ['echo "{{net}}.2 {{webName}}" >>hosts'],
      saw: /^the container web is called \S+ by the kernel/,
    },
  ],
}
