// Tasks 3 to 5: what a write, a removal and a replaced directory leave in the upper directory.
import { readdirSync } from 'node:fs'
import { orGone } from '../../toolkit/observe/read.ts'
import { no, type Scene, type Task } from '../lesson.ts'
import { find, findEntry, isFound, readText } from '../look.ts'
import { missing } from './stack.ts'

const ONE = '/lab/one'
const GREETING = '/etc/greeting'

export const copyUpTask: Task = {
  id: 'copy-up',
  title: 'Write in the container',
  check(scene) {
    const saw = missing(scene, 'one')
    if (saw !== undefined) return no(saw)
    const wanted = scene.values.line!
    const [image, upper, lab] = ['/lab/image', `${ONE}/upper`, ''].map(place => readText(scene, place + GREETING))
    if (image === undefined) return no(`there is no /lab/image${GREETING} any more; reset the lab`)
    if (image.includes(wanted)) return no(`/lab/image${GREETING} itself has the line: it was written into the image`)
    if (upper === undefined && lab?.includes(wanted))
      return no(`the lab’s own ${GREETING} has the line: that was written outside of the container`)
    if (upper === undefined)
      return no(`there is no ${ONE}/upper${GREETING}: nothing has been written to it in the container`)
    if (!upper.startsWith(image))
      return no(`${ONE}/upper${GREETING} does not begin with the lines of the image: they were replaced, not added to`)
    if (!upper.split('\n').includes(wanted))
      return no(`${ONE}/upper${GREETING} has all lines of the image, but no line that is ${wanted}`)
    return { passed: true, saw: `${ONE}/upper${GREETING} has the lines of the image and ${wanted}; the image has not` }
  },
  hints: [
    'Go in with `chroot one/root /bin/sh`. In there it is the file `/etc/greeting`.',
    '`echo WORD >>FILE` adds a line. With one `>` only, the old lines would be gone.',
    '`echo {{line}} >>/etc/greeting`, then `exit`.',
  ],
  solution: ['chroot one/root /bin/sh', 'echo {{line}} >>/etc/greeting', 'exit'],
  leaves: ['grep -q {{line}} one/root/etc/greeting || echo {{line}} >>one/root/etc/greeting'],
  otherWays: [
    { name: 'by its path from outside', commands: ['echo {{line}} >>one/root/etc/greeting'] },
    {
      name: 'with an editor that writes a new file',
      commands: ["chroot one/root /bin/sed -i '$a {{line}}' /etc/greeting"],
    },
  ],
  wrongWays: [
    {
      name: 'the old lines are gone',
      commands: ['chroot one/root /bin/sh', 'echo {{line}} >/etc/greeting'],
      saw: /they were replaced, not added to/,
    },
    {
      name: 'into the image',
      commands: ['chroot image /bin/sh', 'echo {{line}} >>/etc/greeting'],
      saw: /it was written into the image/,
    },
    {
      name: 'outside',
      commands: ['echo {{line}} >>/etc/greeting'],
      saw: /written outside of the container/,
    },
    {
      name: 'another line',
      commands: ['chroot one/root /bin/sh', 'echo hello >>/etc/greeting'],
      saw: /but no line that is/,
    },
  ],
}

export const whiteoutTask: Task = {
  id: 'whiteout',
  title: 'Delete a file',
  check(scene) {
    const saw = missing(scene, 'one')
    if (saw !== undefined) return no(saw)
    const path = `/etc/${scene.values.secret}`
    if (!findEntry(scene, `/lab/image${path}`))
      return no(`/lab/image${path} is gone itself, for everybody; put it back: echo swordfish >image${path}`)
    const upper = findEntry(scene, `${ONE}/upper${path}`)
    if (!upper) return no(`there is no ${ONE}/upper${path}, so ${ONE}/root shows the file of the image`)
    if (upper.isFile()) return no(`${ONE}/upper${path} is a file of ${upper.size} bytes: it was changed, not deleted`)
    if (!upper.isCharacterDevice() || upper.rdev !== 0n) return no(`${ONE}/upper${path} is no device 0:0`)
    if (findEntry(scene, `${ONE}/root${path}`)) return no(`${ONE}/root${path} can still be seen`)
    return { passed: true, saw: `${ONE}/upper${path} is a device 0:0; the image still has the file` }
  },
  hints: [
    'Inside, it is removed as any file: `rm`.',
    '`chroot one/root /bin/sh`, then `rm /etc/{{secret}}` and `exit`.',
  ],
  solution: ['chroot one/root /bin/sh', 'rm /etc/{{secret}}', 'exit', 'ls -l one/upper/etc'],
  leaves: ['rm -f one/root/etc/{{secret}}'],
  otherWays: [
    { name: 'by its path from outside', commands: ['rm one/root/etc/{{secret}}'] },
    {
      name: 'the whiteout by hand, while it is not mounted',
      commands: [
        'umount one/root && mkdir -p one/upper/etc && mknod one/upper/etc/{{secret}} c 0 0',
        'mount -t overlay overlay -o lowerdir=image,upperdir=one/upper,workdir=one/work one/root',
      ],
    },
  ],
  wrongWays: [
    { name: 'from the image', commands: ['rm image/etc/{{secret}}'], saw: /is gone itself, for everybody/ },
    { name: 'emptied', commands: [': >one/root/etc/{{secret}}'], saw: /is a file of 0 bytes: it was changed/ },
    {
      name: 'an image without it, mounted instead',
      commands: ['umount one/root', 'mount -t overlay overlay -o lowerdir=one/upper:image one/root'],
      saw: /reads from one\/upper and image, not from/,
    },
  ],
}

const NOTES = '/usr/share/notes'

function namesIn(scene: Scene, path: string): string[] | undefined {
  const found = find(scene, path)
  return isFound(found) ? orGone(() => readdirSync(found.hostPath).sort()) : undefined
}

export const opaqueTask: Task = {
  id: 'opaque',
  title: 'Empty a directory',
  check(scene) {
    const saw = missing(scene, 'one')
    if (saw !== undefined) return no(saw)
    const note = scene.values.note!
    const image = namesIn(scene, `/lab/image${NOTES}`) ?? []
    if (image.length < 3)
      return no(`/lab/image${NOTES} has not its three files any more: they were removed from the image`)
    const upper = findEntry(scene, `${ONE}/upper${NOTES}`)
    if (upper && !upper.isDirectory())
      return no(`${ONE}/upper${NOTES} is a whiteout: the directory is gone, and not yet made anew`)
    const names = namesIn(scene, `${ONE}/upper${NOTES}`) ?? []
    const hidden = names.filter(name => image.includes(name))
    if (hidden.length > 0)
      return no(`${ONE}/upper${NOTES} hides ${hidden.length} files one by one; it was emptied, and not itself removed`)
    const seen = namesIn(scene, `${ONE}/root${NOTES}`) ?? []
    const shown = seen.filter(name => image.includes(name))
    if (shown.length > 0) return no(`${ONE}/root${NOTES} still shows ${shown.join(', ')}`)
    if (seen.join() !== note)
      return no(
        `${ONE}/root${NOTES} is a new directory and has ${seen.join(', ') || 'nothing'} in it, not only ${note}`,
      )
    return {
      passed: true,
      saw: `${ONE}/root${NOTES} shows only ${note}; the ${image.length} files of the image are hidden`,
    }
  },
  hints: [
    'Inside: remove the directory with all that is in it, make it again, put a file into it.',
    '`rm -r DIRECTORY`, `mkdir DIRECTORY`, `touch DIRECTORY/FILE`.',
    'The file is `/usr/share/notes/{{note}}`.',
  ],
  solution: [
    'chroot one/root /bin/sh',
    'rm -r /usr/share/notes',
    'mkdir /usr/share/notes',
    'touch /usr/share/notes/{{note}}',
    'exit',
  ],
  leaves: [
    'test -e one/root/usr/share/notes/{{note}} || rm -r one/root/usr/share/notes',
    'mkdir -p one/root/usr/share/notes',
    'touch one/root/usr/share/notes/{{note}}',
  ],
  otherWays: [
    {
      name: 'made beside it, and exchanged',
      commands: [
        'cd one/root/usr/share && mkdir new && echo hello >new/{{note}}',
        'rm -r notes && mv new notes && cd /lab',
      ],
    },
  ],
  wrongWays: [
    {
      name: 'only the files',
      commands: ['chroot one/root /bin/sh', 'rm /usr/share/notes/*', 'touch /usr/share/notes/{{note}}'],
      saw: /hides 3 files one by one/,
    },
    {
      name: 'not made anew',
      commands: ['rm -r one/root/usr/share/notes'],
      saw: /is a whiteout: the directory is gone/,
    },
    { name: 'only added to', commands: ['touch one/root/usr/share/notes/{{note}}'], saw: /still shows friday, monday/ },
    {
      name: 'in the image',
      commands: ['rm -r image/usr/share/notes', 'mkdir image/usr/share/notes'],
      saw: /they were removed from the image/,
    },
    {
      name: 'another file',
      commands: ['cd one/root/usr/share && rm -r notes && mkdir notes && touch notes/hello'],
      saw: /has hello in it, not only/,
    },
  ],
}
