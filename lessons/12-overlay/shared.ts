// Task 1: one root directory, written by whoever is in it.
import { no, type Task } from '../lesson.ts'
import { readText } from '../look.ts'

export const sharedTask: Task = {
  id: 'shared',
  title: 'A root that everybody shares',
  check(scene) {
    const wanted = scene.values.scribble!
    const motd = readText(scene, '/lab/image/etc/motd')
    if (motd === undefined) return no('there is no file /lab/image/etc/motd any more; reset the lab')
    const lines = motd.split('\n').filter(line => line !== '')
    if (lines.length === 1 && lines[0] === wanted)
      return { passed: true, saw: `/lab/image/etc/motd says ${wanted}, to everybody whose root is /lab/image` }
    if (lines.includes(wanted))
      return no(`/lab/image/etc/motd has ${lines.length} lines; ${wanted} should be the only one`)
    if (readText(scene, '/etc/motd')?.includes(wanted))
      return no(`the lab’s own /etc/motd says ${wanted}: that was written outside of the chroot`)
    return no(`/lab/image/etc/motd says ${JSON.stringify(lines.join(' ').slice(0, 60))}`)
  },
  hints: [
    'Go in with `chroot image /bin/sh`. Inside, `/etc/motd` is the file of the image.',
    '`echo WORD >FILE` makes the word the only line of the file.',
    '`echo {{scribble}} >/etc/motd`, then `exit`.',
  ],
  solution: ['chroot image /bin/sh', 'echo {{scribble}} >/etc/motd', 'exit', 'chroot image /bin/cat /etc/motd'],
  leaves: ['echo {{scribble}} >image/etc/motd'],
  otherWays: [
    { name: 'without a shell to stay in', commands: ["chroot image /bin/sh -c 'echo {{scribble}} >/etc/motd'"] },
    { name: 'from outside, where it is the same file', commands: ['echo {{scribble}} >/lab/image/etc/motd'] },
  ],
  wrongWays: [
    { name: 'outside', commands: ['echo {{scribble}} >/etc/motd'], saw: /the lab’s own \/etc\/motd says/ },
    {
      name: 'appended',
      commands: ['chroot image /bin/sh', 'echo {{scribble}} >>/etc/motd'],
      saw: /has 2 lines/,
    },
    {
      name: 'another word',
      commands: ['chroot image /bin/sh', 'echo mine >/etc/motd'],
      saw: /motd says "mine"/,
    },
  ],
}
