// A name for a new container: making a link of that name is what decides a race.
import { symlinkSync, unlinkSync } from 'node:fs'
import { UsageError } from '../../kernel/usage-error.ts'
import { checkName, makeUpName } from './container-name.ts'
import { holderOf, idsIn, PLACES, randomBytes, rootDir, shorten } from './store.ts'

/** Links the name to the id, where nobody has it. Returns the one that it has become. To be called `exclusively`. */
export function takeName({ id, name }: { readonly id: string; readonly name: string | undefined }): string {
  if (name !== undefined) checkName(name)
  const bytes = randomBytes(32)
  for (let attempt = 0; ; attempt++) {
    const wanted = name ?? (attempt < 6 ? makeUpName(bytes, attempt) : shorten(id))
    const link = `${rootDir()}/names/${wanted}`
    try {
      symlinkSync(shorten(id), link)
      return wanted
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    }
    const holder = holderOf(wanted)
    if (holder === undefined) throw new UsageError(`--name ${wanted}: ${link} is in the way, and is no link; remove it`)
    if (!PLACES.some(place => idsIn(place).includes(holder))) {
      unlinkSync(link) // its container has been removed by hand
      continue
    }
    if (name !== undefined)
      throw new UsageError(
        `--name ${wanted}: container ${holder} has this name; 'toolkit rm ${holder}' when it has ended, or choose another`,
      )
  }
}
