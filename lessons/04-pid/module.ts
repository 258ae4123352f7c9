// Task 6: the module, in the learner's file.
import { formatNamespace, procNamespace, readNamespaces } from '../../toolkit/observe/namespaces.ts'
import { readUts } from '../../toolkit/observe/uts.ts'
import { no, type Task } from '../lesson.ts'
import { labProcesses } from '../look.ts'
import { apart, innerPid } from './family.ts'

export const moduleTask: Task = {
  id: 'module',
  title: 'The module',
  check(scene) {
    const { name } = scene.values
    if (readUts(scene.lab.pid)?.hostname === name)
      return no(`the lab itself is called ${name} now: the name belongs to the box alone`)
    const called = labProcesses(scene).filter(({ pid }) => readUts(pid)?.hostname === name)
    if (called.length === 0) return no(`no process has the host name ${name}; 'node box.ts' starts one`)
    const inside = apart(scene).filter(({ pid }) => called.some(other => other.pid === pid))
    const open = inside[0]
    if (!open) return no(`${called[0]!.comm} has the host name ${name}, but it is in the pid namespace of the lab`)
    const own = formatNamespace(open.pidNamespace)
    const fits = inside.find(({ pid, pidNamespace }) => procNamespace(pid)?.inode === pidNamespace.inode)
    if (!fits) return no(`${open.comm} is called ${name} and is in ${own}, but its /proc shows another namespace`)
    if (procNamespace(scene.lab.pid)?.inode !== readNamespaces(scene.lab.pid)?.pid.inode)
      return no(`${open.comm} has a proc that fits, but so has the whole lab now: 'umount /proc' out there`)
    return {
      passed: true,
      saw: `${fits.comm} is called ${name}, is number ${innerPid(fits)} of ${own}, and its /proc fits`,
    }
  },
  hints: [
    'Two lines are missing: one in the list `namespaces`, one among the steps, before the shell.',
    'The namespace has the name `pid.namespace`. The proc is a mount, so it is made by `mount.plan`.',
    'In `namespaces`: `pid.namespace,`. Among the steps: `...mount.plan({ mounts: [proc] }),`',
  ],
  solution: [
    "sed -i 's|// TODO: pid.*|pid.namespace,|' box.ts",
    "sed -i 's|// TODO: mount.*|...mount.plan({ mounts: [proc] }),|' box.ts",
    'node box.ts',
  ],
  otherWays: [
    {
      name: 'tied to its parent, too',
      commands: [
        "sed -i 's|// TODO: pid.*|pid.namespace,|' box.ts",
        "sed -i 's|// TODO: mount.*|...pid.dieWithParent(), ...mount.plan({ mounts: [proc] }),|' box.ts",
        'node box.ts',
      ],
    },
    {
      name: 'by hand',
      commands: ['unshare --uts --pid --fork --mount-proc bash --norc', 'hostname {{name}}'],
    },
  ],
  wrongWays: [
    {
      name: 'only the namespace',
      commands: ["sed -i 's|// TODO: pid.*|pid.namespace,|' box.ts", 'node box.ts'],
      saw: /, but its \/proc shows another namespace/,
    },
    {
      name: 'only the mount',
      commands: ["sed -i 's|// TODO: mount.*|...mount.plan({ mounts: [proc] }),|' box.ts", 'node box.ts'],
      saw: /, but it is in the pid namespace of the lab/,
    },
    {
      name: 'not run',
      commands: ["sed -i 's|// TODO: pid.*|pid.namespace,|' box.ts"],
      saw: /^no process has the host name/,
    },
  ],
}
