// Which files a program needs and a root directory doesn't have: why the first chroot usually fails.
import { statSync } from 'node:fs'
import { basename, join } from 'node:path'
import { type Elf, readElf } from './elf.ts'
import { orGone, readLink } from './read.ts'

const MAX_LINKS = 40 // as the kernel, path_resolution(7)

// Where the loaders of glibc and musl look without a cache or LD_LIBRARY_PATH, ld.so(8).
const TRIPLETS: Record<string, string> = { x64: 'x86_64-linux-gnu', arm64: 'aarch64-linux-gnu', ia32: 'i386-linux-gnu' }
const directoriesFor = ({ machine, bits }: Elf): string[] => {
  const bases = [TRIPLETS[machine] && `lib/${TRIPLETS[machine]}`, bits === 64 ? 'lib64' : 'lib32', 'lib']
  return bases.filter(base => base !== undefined).flatMap(base => [`/${base}`, `/usr/${base}`, `/usr/local/${base}`])
}

/**
 * Where a path of another root directory lies in ours: symbolic links are followed as the kernel follows them after
 * chroot(root), absolute ones and `..` included. Undefined where nothing is there.
 */
export function resolveIn(root: string, path: string): string | undefined {
  const ahead = path.split('/').reverse()
  const reached: string[] = []
  let links = 0
  while (ahead.length > 0) {
    const name = ahead.pop()!
    if (name === '' || name === '.') continue
    if (name === '..') {
      reached.pop()
      continue
    }
    const target = readLink(join(root, ...reached, name))
    if (target === undefined) {
      reached.push(name)
      continue
    }
    if (++links > MAX_LINKS) return undefined
    if (target.startsWith('/')) reached.length = 0
    ahead.push(...target.split('/').reverse())
  }
  const found = join(root, ...reached)
  return orGone(() => statSync(found)) && found
}

/**
 * What is missing in a root directory for a program to start there: the program itself, its loader (as paths), its
 * libraries and theirs (by name, for their place is the loader's choice). Empty: nothing.
 */
export function missingIn(root: string, program: string): string[] {
  const missing: string[] = []
  const seen = new Set<string>()
  const visit = (path: string): void => {
    const file = resolveIn(root, path)
    if (file === undefined) missing.push(path)
    const elf = file === undefined ? undefined : readElf(file)
    if (!elf) return
    if (elf.interpreter !== undefined && !seen.has(basename(elf.interpreter))) {
      seen.add(basename(elf.interpreter)) // by name: libc asks for the loader too, as a library
      if (resolveIn(root, elf.interpreter) === undefined) missing.push(elf.interpreter)
    }
    for (const name of elf.needed) {
      if (seen.has(name)) continue
      seen.add(name)
      const places = name.includes('/') ? [name] : directoriesFor(elf).map(directory => `${directory}/${name}`)
      const place = places.find(candidate => resolveIn(root, candidate) !== undefined)
      if (place === undefined) missing.push(name)
      else visit(place)
    }
  }
  visit(program)
  return missing
}
