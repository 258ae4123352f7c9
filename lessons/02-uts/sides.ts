// Task 4, the control: a box that shares the host name with the lab, beside one that doesn't.
import { formatNamespace, readNamespaces } from '../../toolkit/observe/namespaces.ts'
import { readUts } from '../../toolkit/observe/uts.ts'
import { BOX } from '../box.ts'
import { no, type Task } from '../lesson.ts'
import { inhabitants } from '../look.ts'
import { apart } from './names.ts'

export const sidesTask: Task = {
  id: 'sides',
  title: 'Beside the chroot',
  check(scene) {
    const { leak, inside } = scene.values
    const lab = readUts(scene.lab.pid)?.hostname
    const shared = readNamespaces(scene.lab.pid)?.uts
    if (!shared) return no('the lab has ended; reset it')
    if (lab === inside)
      return no(`the lab itself is called ${inside}: that name was set without a UTS namespace of its own`)
    const separate = apart(scene)
    const boxes = inhabitants(scene, BOX)
    const old = boxes.find(({ pid }) => readNamespaces(pid)?.uts.inode === shared.inode)
    if (!old) return no(`no process with the root ${BOX} shares ${formatNamespace(shared)} with the lab`)
    if (lab !== leak) return no(`${old.comm} in ${BOX} and the lab share a name, and that is ${lab}, not ${leak}`)
    const fresh = separate.filter(({ process }) => boxes.some(({ pid }) => pid === process.pid))
    const found = fresh.find(({ hostname }) => hostname === inside)
    if (found)
      return {
        passed: true,
        saw: `${old.comm} shares ${formatNamespace(shared)} with the lab, called ${lab}; ${found.process.comm} is in ${found.namespace}, called ${inside}`,
      }
    if (fresh[0])
      return no(`${fresh[0].process.comm} is in ${fresh[0].namespace}, which is called ${fresh[0].hostname}`)
    const rootless = separate.find(({ hostname }) => hostname === inside)
    if (rootless) return no(`${rootless.process.comm} is called ${inside}, but its root is not ${BOX}`)
    return no(`no process with the root ${BOX} has a UTS namespace of its own`)
  },
  hints: [
    'The old kind is `chroot box PROGRAM`. With `&` it goes on in the background: `chroot box sleep 5000 &`.',
    'Any program in an old box will do for the name: `chroot box hostname {{leak}}`.',
    'The new kind: `unshare --uts chroot box sh`. In it: `hostname {{inside}}`.',
  ],
  solution: [
    'chroot box sleep 5000 &',
    'chroot box hostname {{leak}}',
    'unshare --uts chroot box sh',
    'hostname {{inside}}',
  ],
  otherWays: [
    {
      name: 'both with unshare, and the new one first',
      commands: [
        'setsid unshare --uts --root=box sh -c "hostname {{inside}}; exec sleep 5000" </dev/null >/dev/null 2>&1 &',
        'unshare --root=box sh',
        'hostname {{leak}}',
      ],
    },
    {
      name: 'the root first, then the namespace',
      needsRoot: 'the file belongs to the host’s root',
      commands: [
        'chroot box sleep 5000 &',
        'echo {{leak}} >/proc/sys/kernel/hostname',
        'unshare --uts bash',
        'hostname {{inside}}',
        'chroot box sh',
      ],
    },
  ],
  wrongWays: [
    {
      name: 'two old boxes',
      commands: ['chroot box sleep 5000 &', 'chroot box hostname {{leak}}', 'chroot box sh', 'hostname {{inside}}'],
      saw: /^the lab itself is called/,
    },
    {
      name: 'no old box left',
      commands: ['chroot box hostname {{leak}}', 'unshare --uts chroot box sh', 'hostname {{inside}}'],
      saw: /^no process with the root \/lab\/box shares uts:/,
    },
    {
      name: 'the old box has set no name',
      commands: ['chroot box sleep 5000 &', 'unshare --uts chroot box sh', 'hostname {{inside}}'],
      saw: /share a name, and that is lab, not/,
    },
    {
      name: 'a new name, but no box',
      commands: ['chroot box sleep 5000 &', 'hostname {{leak}}', 'unshare --uts bash', 'hostname {{inside}}'],
      saw: /^bash is called .*, but its root is not/,
    },
    {
      name: 'a new box without a name',
      commands: ['chroot box sleep 5000 &', 'hostname {{leak}}', 'unshare --uts chroot box sh'],
      saw: /^sh is in uts:\[\d+\], which is called/,
    },
  ],
}
