// Tasks 3 and 4: a root made of busybox, and a proc in it.
import { readElf } from '../../toolkit/observe/elf.ts'
import { mountAt } from '../../toolkit/observe/mounts.ts'
import { readProcess } from '../../toolkit/observe/process.ts'
import { BOX, MAKE_BOX } from '../box.ts'
import { no, type Scene, type Task } from '../lesson.ts'
import { find, findEntry, inhabitants, isFound, labProcesses } from '../look.ts'

/** What would keep `/bin/NAME` from running in the box. */
function obstacle(scene: Scene, name: string): string | undefined {
  const path = `/bin/${name}`
  const found = find(scene, path, BOX)
  if (!isFound(found)) {
    const { link, missing } = found
    if (link?.path === missing)
      return `${BOX}${missing} is a link that leads to itself; 'rm -r box' in /lab begins anew`
    if (link)
      return `${BOX}${link.path} is a link to ${link.target}; inside, that path begins in ${BOX}, and nothing is there`
    return `there is no ${BOX}${path}`
  }
  if (!found.stat.isFile() || (found.stat.mode & 0o111n) === 0n) return `${BOX}${path} is no executable file`
  const elf = readElf(found.hostPath)
  if (elf?.interpreter !== undefined && !isFound(find(scene, elf.interpreter, BOX)))
    return `${BOX}${path} is a dynamic program: its loader ${elf.interpreter} is not in ${BOX}`
  return undefined
}

const NAMES = ['sh', 'ls', 'ps', 'mount', 'hostname', 'ip', 'chroot']

const LINKS = 'for n in $(busybox --list); do ln -s busybox box/bin/$n; done'

export const boxTask: Task = {
  id: 'busybox',
  title: 'A root without libraries',
  check(scene) {
    const box = findEntry(scene, BOX)
    if (!box?.isDirectory()) return no(`there is no directory ${BOX} yet`)
    for (const name of NAMES) {
      const saw = obstacle(scene, name)
      if (saw !== undefined) return no(saw)
    }
    const inside = inhabitants(scene, BOX)[0]
    if (!inside) return no(`${BOX} is complete, but no process has it as its root yet`)
    return { passed: true, saw: `the process ${inside.comm} has ${BOX} as its root directory` }
  },
  hints: [
    'First the file itself: `box/bin/busybox`. All the other names are links to it.',
    'A link that holds only the word `busybox` leads to the file beside it, from any root.',
    'A loop: `for n in $(busybox --list); do …; done`. In it, `$n` is the name.',
    '`ln -s busybox box/bin/$n` makes one link. After the loop: `chroot box /bin/sh`.',
  ],
  solution: ['mkdir -p box/bin', 'cp /usr/local/bin/busybox box/bin/', LINKS, 'chroot box /bin/sh'],
  leaves: MAKE_BOX,
  otherWays: [
    {
      name: 'busybox makes its links itself, inside',
      commands: [
        'mkdir -p box/bin box/proc && cp /usr/local/bin/busybox box/bin',
        'mount -t proc proc box/proc',
        'chroot box /bin/busybox --install -s /bin',
        'chroot box /bin/sh',
      ],
    },
    {
      name: 'one file with many names: hard links',
      commands: [
        'mkdir -p box/bin && cp /usr/local/bin/busybox box/bin',
        'for n in $(busybox --list); do ln box/bin/busybox box/bin/$n; done',
        'unshare -R box sh',
      ],
    },
    {
      name: 'absolute links, right for the inside',
      commands: [
        'mkdir -p box/bin && cp /usr/local/bin/busybox box/bin',
        'for n in $(busybox --list); do ln -s /bin/busybox box/bin/$n; done',
        'chroot box /bin/sh',
      ],
    },
  ],
  wrongWays: [
    {
      name: 'links that lead outside',
      commands: [
        'mkdir -p box/bin && cp /usr/local/bin/busybox box/bin',
        'for n in $(busybox --list); do ln -s /usr/local/bin/busybox box/bin/$n; done',
        'chroot box /bin/busybox sh',
      ],
      saw: /is a link to \/usr\/local\/bin\/busybox; inside, that path begins in/,
    },
    {
      name: 'the file replaced by a link to itself',
      commands: [
        'mkdir -p box/bin && cp /usr/local/bin/busybox box/bin',
        'for n in $(busybox --list); do ln -sf busybox box/bin/$n; done',
        'chroot box /bin/sh',
      ],
      saw: /bin\/busybox is a link that leads to itself/,
    },
    {
      name: 'only a shell',
      commands: ['mkdir -p box/bin && cp /usr/local/bin/busybox box/bin/sh', 'chroot box /bin/sh'],
      saw: /there is no \/lab\/box\/bin\/ls/,
    },
    {
      name: 'the dynamic programs of the lab',
      commands: ['mkdir -p box/bin', 'cp /bin/sh /bin/ls /bin/ps box/bin', 'chroot box /bin/sh'],
      saw: /is a dynamic program: its loader .* is not in/,
    },
    {
      name: 'not gone in',
      commands: ['mkdir -p box/bin', 'cp /usr/local/bin/busybox box/bin', LINKS, 'cd box/bin'],
      saw: /is complete, but no process has it/,
    },
  ],
}

/** The process that the lab started before the learner came. */
const sleeper = (scene: Scene) =>
  labProcesses(scene)
    .filter(({ comm }) => comm === 'sleep')
    .map(({ pid }) => readProcess(pid))
    .find(process => process?.argv[1] === scene.values.nap)

export const processesTask: Task = {
  id: 'processes',
  title: 'The same processes',
  check(scene) {
    const { nap } = scene.values
    const mounted = mountAt(scene.lab.pid, `${BOX}/proc`)
    const sleeping = sleeper(scene)
    if (!findEntry(scene, BOX)) return no(`there is no ${BOX}; go back one task, or reset the lab`)
    if (!mounted)
      return no(
        findEntry(scene, `${BOX}/proc`)
          ? `nothing is mounted on ${BOX}/proc`
          : `there is no directory ${BOX}/proc to mount on`,
      )
    if (mounted.fsType !== 'proc') return no(`what is mounted on ${BOX}/proc is a ${mounted.fsType}, not a proc`)
    if (sleeping) {
      const stopped = sleeping.state === 'T' ? ' (stopped, but not ended)' : ''
      return no(
        `a proc is mounted on ${BOX}/proc; sleep ${nap} is still there as pid ${sleeping.nsPid.at(-1)}${stopped}`,
      )
    }
    return { passed: true, saw: `a proc is mounted on ${BOX}/proc, and sleep ${nap} has ended` }
  },
  hints: [
    'Inside the box: make the directory `/proc`, then mount.',
    '`mount -t proc proc /proc`. After that `ps` shows a list, with the pid in its first column.',
    '`ps | grep "sleep {{nap}}"` shows its line (and perhaps that of grep itself). The first word is the pid for `kill`.',
  ],
  solution: [
    'chroot box /bin/sh',
    'mkdir -p /proc',
    'mount -t proc proc /proc',
    'ps | grep "[s]leep {{nap}}"',
    "kill $(ps | awk '/[s]leep {{nap}}/ { print $1 }')",
  ],
  leaves: ['mkdir -p box/proc', 'mountpoint -q box/proc || mount -t proc proc box/proc'],
  otherWays: [
    {
      name: 'mounted from outside, ended by its pid',
      commands: [
        'mkdir box/proc && mount -t proc proc box/proc',
        'chroot box /bin/sh',
        `for p in /proc/[0-9]*; do tr '\\0' ' ' <$p/cmdline | grep -q '^sleep {{nap}} ' && kill -9 \${p#/proc/}; done; true`,
      ],
    },
    {
      name: 'a bind mount of the proc that is there',
      commands: ['mkdir box/proc && mount --bind /proc box/proc', 'chroot box /bin/sh', 'killall sleep'],
    },
  ],
  wrongWays: [
    {
      name: 'mounted, not ended',
      commands: ['chroot box /bin/sh', 'mkdir /proc', 'mount -t proc proc /proc', 'ps'],
      saw: /sleep \d+ is still there as pid \d+$/,
    },
    {
      name: 'stopped only',
      commands: ['chroot box /bin/sh', 'mkdir /proc', 'mount -t proc proc /proc', 'killall -STOP sleep'],
      saw: /stopped, but not ended/,
    },
    {
      name: 'another file system on /proc',
      commands: ['chroot box /bin/sh', 'mkdir /proc', 'mount -t tmpfs proc /proc'],
      saw: /is a tmpfs, not a proc/,
    },
    {
      name: 'mounted elsewhere',
      commands: ['mkdir box/proc', 'mount -t proc proc /mnt'],
      saw: /nothing is mounted on \/lab\/box\/proc/,
    },
  ],
}
