// Tasks 6 and 7: the same by the engine, and by the engine's module.
import { type Mount, mountOver, readMounts } from '../../toolkit/observe/mounts.ts'
import { compareNamespaces, readNamespaces } from '../../toolkit/observe/namespaces.ts'
import type { Stat } from '../../toolkit/observe/process.ts'
import { no, type Scene, type Task } from '../lesson.ts'
import { readText, rerooted } from '../look.ts'
import { notReadOnly } from './readonly.ts'

interface Container {
  readonly process: Stat
  readonly mounts: readonly Mount[]
}

/** The processes with a root and a mount namespace of their own, with their mounts. */
function containers(scene: Scene): Container[] {
  const lab = readNamespaces(scene.lab.pid)
  return rerooted(scene).flatMap(process => {
    const own = readNamespaces(process.pid)
    const apart = lab && own && compareNamespaces(lab, own).includes('mnt')
    const mounts = apart ? readMounts(process.pid) : undefined
    return mounts ? [{ process, mounts }] : []
  })
}

/** Whether a mount of a container shows a directory of the lab: the same directory of the same file system. */
function shows(scene: Scene, mount: Mount, directory: string): boolean {
  const over = mountOver(readMounts(scene.lab.pid) ?? [], directory)
  if (!over) return false
  const below = directory.slice(over.mountPoint === '/' ? 0 : over.mountPoint.length)
  return mount.device === over.device && mount.root === (over.root === '/' ? below || '/' : over.root + below)
}

const deviceOfKeys = (scene: Scene): string | undefined =>
  readMounts(scene.lab.pid)?.findLast(({ mountPoint }) => mountPoint === '/lab/config/keys')?.device

const RUN = 'toolkit run --rm -it -v /lab/data:/data -v /lab/config:/config:ro busybox sh'

export const runTask: Task = {
  id: 'run',
  title: 'Let the engine do it',
  check(scene) {
    const found = containers(scene)
    if (found.length === 0) return no('no process in the lab has both a root and a mount namespace of its own')
    const { process, mounts } =
      found.find(container => container.mounts.some(({ mountPoint }) => mountPoint === '/data')) ?? found[0]!
    const data = mounts.findLast(({ mountPoint }) => mountPoint === '/data')
    if (!data) return no(`the container of ${process.comm} has no mount on /data`)
    const [, volume] = /\/volumes\/([^/]+)\/_data$/.exec(data.root) ?? []
    if (volume !== undefined)
      return no(`/data of the container of ${process.comm} is the volume ${volume}, which the engine keeps elsewhere`)
    if (!shows(scene, data, '/lab/data')) return no(`/data of the container of ${process.comm} is not /lab/data`)
    if (data.options.includes('ro')) return no(`/data of the container of ${process.comm} is read-only`)
    const config = mounts.findLast(({ mountPoint }) => mountPoint === '/config')
    if (config && !shows(scene, config, '/lab/config'))
      return no(`/config of the container of ${process.comm} is not /lab/config`)
    const saw = notReadOnly(mounts, '/config', deviceOfKeys(scene))
    if (saw !== undefined) return no(`in the container of ${process.comm}: ${saw}`)
    const last = readText(scene, '/lab/data/last')?.trim()
    if (last !== scene.values.last)
      return no(
        `the container of ${process.comm} has both volumes; /data/last says ${JSON.stringify(last ?? '')}, not ${scene.values.last}`,
      )
    return {
      passed: true,
      saw: `the container of ${process.comm} has /data to write and /config to read, and left ${last} outside`,
    }
  },
  hints: [
    'The form is `-v SOURCE:DESTINATION`, once for each volume. A third part, `:ro`, makes it read-only.',
    'Sources are absolute paths: `-v /lab/data:/data`.',
    `\`${RUN}\`, and inside \`echo {{last}} >/data/last\``,
  ],
  solution: [RUN, 'echo {{last}} >/data/last'],
  leaves: ['echo {{last}} >data/last'],
  otherWays: [
    {
      name: 'in the long form',
      commands: [
        'toolkit run --rm -i -t --mount type=bind,source=/lab/data,target=/data --mount type=bind,src=/lab/config,dst=/config,readonly busybox sh',
        'echo {{last}} >/data/last',
      ],
    },
    {
      name: 'with the root directory of this lesson',
      commands: [
        'toolkit run --rm -it --volume /lab/data:/data:rw --volume=/lab/config:/config:ro /lab/image /bin/sh',
        'echo {{last}} >/data/last',
      ],
    },
  ],
  wrongWays: [
    {
      name: 'config can be written to',
      commands: [RUN.replace(':ro', ''), 'echo {{last}} >/data/last'],
      saw: /in the container of \w+: \/config can be written to/,
    },
    {
      name: 'data cannot',
      commands: [RUN.replace(':/data', ':/data:ro'), 'echo {{last}} >/data/last'],
      saw: /\/data of the container of \w+ is read-only/,
    },
    {
      name: 'exchanged',
      commands: ['toolkit run --rm -it -v /lab/config:/data -v /lab/data:/config:ro busybox sh'],
      saw: /\/data of the container of \w+ is not \/lab\/data/,
    },
    { name: 'no volumes', commands: ['toolkit run --rm -it busybox sh'], saw: /has no mount on \/data/ },
    { name: 'nothing written', commands: [RUN], saw: /has both volumes; \/data\/last says ""/ },
    {
      name: 'a name as source',
      commands: ['toolkit run --rm -it -v data:/data busybox sh'],
      saw: /is the volume data, which the engine keeps elsewhere/,
    },
  ],
}

const TARGET = '/settings'
const OPTIONS = (list: string): string => `sed -i "s|options: \\[\\],.*|options: [${list}],|" settings.ts`
const ATTACH = 'sed -i "s|// TODO: the step .*|...bind.attach(\'volume\'),|" settings.ts'
const NODE = 'node settings.ts'

export const moduleTask: Task = {
  id: 'module',
  title: 'The module',
  check(scene) {
    const lab = readMounts(scene.lab.pid) ?? []
    if (lab.some(({ mountPoint }) => mountPoint === `/lab/box/root${TARGET}`))
      return no(
        `the mount on /lab/box/root${TARGET} is in the mount table of the lab; it should be in that of the shell only`,
      )
    const found = containers(scene)
    if (found.length === 0) return no('no process has both a mount namespace and a root directory of its own')
    const { process, mounts } =
      found.find(container => container.mounts.some(({ mountPoint }) => mountPoint === TARGET)) ?? found[0]!
    const mount = mounts.findLast(({ mountPoint }) => mountPoint === TARGET)
    if (!mount)
      return no(`the process ${process.comm} has a mount namespace and a root of its own, and no mount on ${TARGET}`)
    if (!shows(scene, mount, '/lab/config')) return no(`${TARGET} of ${process.comm} is not /lab/config`)
    const saw = notReadOnly(mounts, TARGET, deviceOfKeys(scene))
    if (saw !== undefined) return no(`seen by ${process.comm}: ${saw}`)
    return {
      passed: true,
      saw: `${process.comm} sees /lab/config at ${TARGET}, read-only in every part; the lab’s mount table has no such mount`,
    }
  },
  hints: [
    'The options are words of `mount`: one for “with all that is mounted below it”, one for “read-only”.',
    "`options: ['rbind', 'ro'],`",
    "The other place: `...bind.attach('volume'),`. It is the name that `bind.tree` was given.",
  ],
  solution: [OPTIONS("'rbind', 'ro'"), ATTACH, NODE],
  otherWays: [
    {
      name: 'by hand, in a mount namespace',
      commands: [
        'mkdir -p box/root/settings && unshare --mount bash',
        'mount --rbind config box/root/settings && mount -o remount,bind,ro box/root/settings && mount -o remount,bind,ro box/root/settings/keys',
        'exec chroot box/root /bin/sh',
      ],
    },
  ],
  wrongWays: [
    {
      name: 'can be written to',
      commands: [OPTIONS("'rbind'"), ATTACH, NODE],
      saw: /seen by \w+: \/settings can be written to/,
    },
    {
      name: 'without what is below',
      commands: [OPTIONS("'bind', 'ro'"), ATTACH, NODE],
      saw: /seen by \w+: \/settings\/keys is empty/,
    },
    { name: 'not attached', commands: [OPTIONS("'rbind', 'ro'"), NODE], saw: /and no mount on \/settings/ },
    {
      name: 'in the mount table of the lab',
      commands: ['mkdir box/root/settings', 'mount --rbind config box/root/settings', 'chroot box/root /bin/sh'],
      saw: /is in the mount table of the lab/,
    },
    { name: 'nothing done', commands: ['chroot box/root /bin/sh'], saw: /^no process has both a mount namespace/ },
  ],
}
