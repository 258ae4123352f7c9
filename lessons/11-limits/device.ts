// Task 6: a device file, made by hand.
import { deviceNumber } from '../../toolkit/kernel/device-number.ts'
import { no, type Task } from '../lesson.ts'
import { findEntry } from '../look.ts'

const WANTED = 'character device 1:11' // the kernel's log

export const deviceTask: Task = {
  id: 'device',
  title: 'Devices',
  check(scene) {
    const path = `/lab/${scene.values.node}`
    const found = findEntry(scene, path)
    if (!found) return no(`there is no ${path} yet`)
    if (!found.isCharacterDevice() && !found.isBlockDevice()) return no(`${path} is no device file`)
    const { major, minor } = deviceNumber(found.rdev)
    const device = `${found.isBlockDevice() ? 'block' : 'character'} device ${major}:${minor}`
    return { passed: device === WANTED, saw: `${path} is the ${device}` }
  },
  hints: [
    '`mknod` takes the name, a letter for the type, and the two numbers, with spaces between all of them.',
    'The letter for a character device is `c`. In `/lab`: `mknod {{node}} c 1 11`. (Is there a wrong file of that name? `rm` it.)',
  ],
  solution: ['mknod {{node}} c 1 11'],
  leaves: ['[ -e {{node}} ] || mknod {{node}} c 1 11'],
  otherWays: [
    {
      name: 'made under another name, and for root alone',
      commands: ['mkdir of-mine', 'mknod -m 600 of-mine/log c 1 11', 'mv of-mine/log {{node}}'],
    },
  ],
  wrongWays: [
    { name: 'a block device', commands: ['mknod {{node}} b 1 11'], saw: /is the block device 1:11$/ },
    { name: 'the numbers swapped', commands: ['mknod {{node}} c 11 1'], saw: /is the character device 11:1$/ },
    { name: 'a plain file', commands: ['touch {{node}}'], saw: /is no device file$/ },
    { name: 'another name', commands: ['mknod log c 1 11'], saw: /^there is no \/lab\/\S+ yet$/ },
  ],
}
