// Tasks 1 and 2: bash alone, then bash with its libraries.
import { type Elf, readElf } from '../../toolkit/observe/elf.ts'
import { no, type Scene, type Task } from '../lesson.ts'
import { type Found, find, findEntry, inhabitants, isFound, type Missing } from '../look.ts'

const JAIL = '/lab/jail'
/** A program file, as seen from the jail's own root. */
function program(scene: Scene): Found | string {
  const jail = findEntry(scene, JAIL)
  if (!jail) return `there is no directory ${JAIL} yet`
  if (jail.isSymbolicLink()) return `${JAIL} is a symbolic link; make it a directory of its own`
  if (!jail.isDirectory()) return `${JAIL} is a file, and should be a directory`
  const bin = findEntry(scene, `${JAIL}/bin`)
  if (bin && !bin.isDirectory() && !bin.isSymbolicLink())
    return `${JAIL}/bin is a file: bin did not exist as a directory when bash was copied`
  const found = find(scene, '/bin/bash', JAIL)
  if (!isFound(found)) return missing(scene, found)
  if (!found.stat.isFile()) return `${JAIL}/bin/bash is not a file`
  if ((found.stat.mode & 0o111n) === 0n) return `${JAIL}/bin/bash is not executable; chmod +x makes it so`
  return found
}

function missing(scene: Scene, { link }: Missing): string {
  if (link)
    return `${JAIL}${link.path} is a symbolic link to ${link.target}, and seen from inside ${JAIL} nothing is there`
  if (findEntry(scene, `${JAIL}/bash`)) return `the program bash lies in ${JAIL} itself; it should be ${JAIL}/bin/bash`
  return `there is no ${JAIL}/bin/bash yet`
}

const elfOf = ({ hostPath }: Found): Elf | undefined => readElf(hostPath)

export const copyTask: Task = {
  id: 'copy-bash',
  title: 'Put bash into a directory',
  check(scene) {
    const bash = program(scene)
    if (typeof bash === 'string') return no(bash)
    const elf = elfOf(bash)
    if (!elf) return no(`${JAIL}/bin/bash is no program that the kernel could load`)
    const loader = elf.interpreter
    const present = loader !== undefined && isFound(find(scene, loader, JAIL))
    return {
      passed: true,
      saw: `${JAIL}/bin/bash is a program; its loader is ${present ? '' : 'not '}in ${JAIL}`,
    }
  },
  hints: [
    'The directory is `jail` in `/lab`, where your shell stands at first. The program goes into a directory `bin` below it.',
    '`mkdir -p` makes a directory and all those above it. `cp FILE DIRECTORY/` copies.',
  ],
  solution: ['mkdir -p jail/bin', 'cp /bin/bash jail/bin/'],
  leaves: ['mkdir -p jail/bin', 'cp -f /bin/bash jail/bin/'],
  otherWays: [
    { name: 'install makes the directories too', commands: ['install -D /bin/bash /lab/jail/bin/bash'] },
    {
      name: 'through a pipe',
      commands: ['mkdir -p jail/bin && cat /bin/bash >jail/bin/bash', 'chmod +x jail/bin/bash'],
    },
  ],
  wrongWays: [
    {
      name: 'a link to the bash outside',
      commands: ['mkdir -p jail/bin', 'ln -s /bin/bash jail/bin/bash'],
      saw: /jail\/bin\/bash is a symbolic link to \/bin\/bash, and seen from inside/,
    },
    {
      name: 'no directory bin',
      commands: ['mkdir jail', 'cp /bin/bash jail/bin'],
      saw: /jail\/bin is a file/,
    },
    {
      name: 'into the wrong directory',
      commands: ['mkdir jail', 'cp /bin/bash jail/'],
      saw: /bash lies in \/lab\/jail itself/,
    },
    {
      name: 'not executable',
      commands: ['mkdir -p jail/bin', 'cat /bin/bash >jail/bin/bash'],
      saw: /not executable/,
    },
  ],
}

const LIBRARY_PATH = ['/lib', '/usr/lib', '/lib64', '/usr/lib64']

/** Where the loader would look: the plain directories and Debian's, one per architecture. */
function libraryPlaces(name: string): string[] {
  const triplet = process.arch === 'arm64' ? 'aarch64-linux-gnu' : 'x86_64-linux-gnu'
  return LIBRARY_PATH.flatMap(directory => [`${directory}/${triplet}/${name}`, `${directory}/${name}`])
}

/** What of a program and its libraries is not in the jail: a path of the loader, or names of libraries. */
function lacking(scene: Scene, elf: Elf): string | undefined {
  const { interpreter } = elf
  if (interpreter !== undefined && !isFound(find(scene, interpreter, JAIL)))
    return `the loader is missing: bash asks for ${interpreter}, and ${JAIL} has no such file`
  const done = new Set<string>()
  const wanted = [...elf.needed]
  for (let name = wanted.shift(); name !== undefined; name = wanted.shift()) {
    if (done.has(name)) continue
    done.add(name)
    const library = libraryPlaces(name)
      .map(place => find(scene, place, JAIL))
      .find(isFound)
    if (!library) return `the loader is in ${JAIL}, but it will not find the library ${name} there`
    wanted.push(...(elfOf(library)?.needed ?? []))
  }
  return undefined
}

export const librariesTask: Task = {
  id: 'libraries',
  title: 'Give bash its libraries',
  check(scene) {
    const bash = program(scene)
    const inside = inhabitants(scene, JAIL)[0]
    if (inside) return { passed: true, saw: `the process ${inside.comm} has ${JAIL} as its root directory` }
    if (typeof bash === 'string') return no(bash)
    const elf = elfOf(bash)
    if (!elf) return no(`${JAIL}/bin/bash is no program that the kernel could load`)
    const saw = lacking(scene, elf) ?? `all that bash needs is in ${JAIL}, but no process has ${JAIL} as its root yet`
    return no(saw)
  },
  hints: [
    'Three files of the list have a path. Each must be in `jail` under that same path.',
    'For one file: `cp --parents /lib64/ld-linux-x86-64.so.2 jail`. Take the paths that `ldd` printed for you.',
    "All at once: `ldd /bin/bash | grep -o '/[^ ]*'` prints only the paths, and `$(…)` puts them into another command.",
    'Then `chroot jail /bin/bash`, and do not leave it yet.',
  ],
  solution: ["cp --parents $(ldd /bin/bash | grep -o '/[^ ]*') jail", 'chroot jail /bin/bash'],
  leaves: ["cp -f --parents $(ldd /bin/bash | grep -o '/[^ ]*') jail"],
  otherWays: [
    {
      name: 'the directories of the lab, by bind mounts',
      commands: [
        'for d in lib lib64 usr; do mkdir -p jail/$d; done',
        'for d in lib lib64 usr; do [ ! -d /$d ] || mount --bind /$d jail/$d; done',
        'chroot /lab/jail',
      ],
    },
    {
      name: 'one by one, and another program that changes the root',
      commands: [
        'for f in $(ldd /bin/bash | grep -o "/[^ ]*"); do install -D $f jail$f; done',
        'unshare --root=jail /bin/bash',
      ],
    },
  ],
  wrongWays: [
    {
      name: 'only the loader',
      commands: ["cp --parents $(ldd /bin/bash | grep -o '/[^ ]*ld-linux[^ ]*') jail", 'chroot jail /bin/bash'],
      saw: /will not find the library lib\w+\.so/,
    },
    {
      name: 'all of them into one directory',
      commands: ['mkdir jail/libs', "cp $(ldd /bin/bash | grep -o '/[^ ]*') jail/libs", 'chroot jail /bin/bash'],
      saw: /loader is missing: bash asks for \/lib/,
    },
    {
      name: 'not gone in',
      commands: ["cp --parents $(ldd /bin/bash | grep -o '/[^ ]*') jail", 'cd jail'],
      saw: /all that bash needs is in \/lab\/jail, but no process/,
    },
  ],
}
