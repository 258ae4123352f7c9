// Task 7: a shell on an overlay of its own, by the engine's module.
import { mountAt } from '../../toolkit/observe/mounts.ts'
import { compareNamespaces, readNamespaces } from '../../toolkit/observe/namespaces.ts'
import { rootOf } from '../../toolkit/observe/process.ts'
import { no, type Task } from '../lesson.ts'
import { labProcesses, readText, rerooted } from '../look.ts'
import { IMAGE, LEAVE, obstacle } from './stack.ts'

const complete = [
  `sed -i "s|lower: \\[\\],.*|lower: ['${IMAGE}'],|" three.ts`,
  "sed -i 's|// TODO: the steps.*|...overlay.plan(layers, root),|' three.ts",
]
const MAKE = 'mkdir -p three/upper three/work three/root'

export const moduleTask: Task = {
  id: 'module',
  title: 'The module',
  check(scene) {
    const lab = readNamespaces(scene.lab.pid)
    if (!lab) return no('the lab has ended; reset it')
    if (mountAt(scene.lab.pid, '/lab/three/root'))
      return no(
        'something is mounted on /lab/three/root in the mount table of the lab; it should be in that of the shell only',
      )
    const apart = rerooted(scene).find(({ pid }) => {
      const own = readNamespaces(pid)
      return own && compareNamespaces(lab, own).includes('mnt')
    })
    if (!apart) {
      const shell = labProcesses(scene).find(({ pid }) => {
        const own = readNamespaces(pid)
        return own && compareNamespaces(lab, own).includes('mnt') && rootOf(pid)?.id === rootOf(scene.lab.pid)?.id
      })
      if (shell) return no(`the process ${shell.comm} has a mount namespace of its own, but still the root of the lab`)
      return no('no process has both a mount namespace and a root directory of its own')
    }
    const mount = mountAt(apart.pid, '/')
    const saw = mount ? obstacle(scene, mount, 'three') : 'its root is no mount'
    if (saw !== undefined) return no(`the root of ${apart.comm} is not container three: ${saw}`)
    const owner = readText(scene, '/lab/three/upper/etc/owner')?.trim()
    if (owner !== scene.values.third)
      return no(
        `the root of ${apart.comm} is an overlay over ${IMAGE}; its /etc/owner says ${JSON.stringify(owner ?? '')}, not ${scene.values.third}`,
      )
    return {
      passed: true,
      saw: `${apart.comm} has an overlay over ${IMAGE} as its root, which the lab’s mount table does not show`,
    }
  },
  hints: [
    'Three directories: `three/upper`, `three/work`, `three/root`. Container three reads from the same image as the others, with its absolute path.',
    "The first place: `lower: ['/lab/image'],`. It is a list, because there can be several.",
    'The second place: `...overlay.plan(layers, root),`. The three dots put the steps of a list into the list around it.',
    'Then `node three.ts`, and in its shell `echo {{third}} >/etc/owner`.',
  ],
  solution: [MAKE, ...complete, 'node three.ts', 'echo {{third}} >/etc/owner'],
  otherWays: [
    {
      name: 'by hand, with pivot_root',
      commands: [
        MAKE,
        'unshare --mount bash',
        `mount -t overlay overlay -o ${'lowerdir=/lab/image,upperdir=/lab/three/upper,workdir=/lab/three/work'} three/root`,
        'cd three/root && pivot_root . . && umount -l . && exec chroot . /bin/sh',
        'echo {{third}} >/etc/owner',
      ],
    },
  ],
  wrongWays: [
    {
      name: 'mounted in the lab',
      commands: [...LEAVE('three'), 'chroot three/root /bin/sh', 'echo {{third}} >/etc/owner'],
      saw: /in the mount table of the lab; it should be in that of the shell only/,
    },
    {
      name: 'not completed',
      commands: [MAKE, complete[0]!, 'node three.ts'],
      saw: /^no process has both a mount namespace and a root/,
    },
    {
      name: 'a container as lower',
      commands: [
        MAKE,
        `sed -i "s|lower: \\[\\],.*|lower: ['/lab/one/root'],|" three.ts`,
        complete[1]!,
        'node three.ts',
      ],
      saw: /is not container three: .* reads from \/lab\/one\/root/,
    },
    {
      name: 'nothing written',
      commands: [MAKE, ...complete, 'node three.ts'],
      saw: /its \/etc\/owner says "", not/,
    },
    {
      name: 'only a namespace',
      commands: ['unshare --mount bash'],
      saw: /own, but still the root of the lab/,
    },
  ],
}
