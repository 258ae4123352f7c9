import { refuse } from '../engine/host.ts'
import { createContainer } from '../engine/life/detach.ts'
import { findRootfs } from '../image/rootfs.ts'
import { UsageError } from '../kernel/usage-error.ts'
import { reserveIdFile } from './cidfile.ts'
import { commandOf, pullFlag } from './flags/program.ts'
import { ofCommand } from './flags/refuse.ts'
import { type Command, mainOf, type Parsed } from './options.ts'
import { getRootfs, warnOf, wishes, wishOf } from './run.ts'
import { print } from './text/output.ts'

export const command: Command = {
  usage: 'create [OPTIONS] ROOTFS COMMAND [ARG…]',
  summary: `Make a container as 'run' does, and print its id; 'start' starts it.`,
  flags: {
    ...wishes,
    ...pullFlag,
    cidfile: { value: 'FILE', help: 'write its id to this file, which must be new' },
    yes: { short: 'y', help: 'do not ask before getting a busybox' },
  },
}

export const main = mainOf(command, async parsed => {
  try {
    return await create(parsed)
  } catch (error) {
    throw ofCommand('create', error)
  }
})

async function create({ flags, rest }: Parsed): Promise<number> {
  const [name, ...words] = rest
  if (name === undefined)
    throw new UsageError("create: which root file system? For example 'toolkit create busybox sh'")
  const args = commandOf(flags, words)
  if (args.length === 0)
    throw new UsageError(`create: which command in ${name}? For example 'toolkit create ${name} sh'`)
  const wish = wishOf(flags)
  if (process.getuid!() !== 0) throw refuse('root', { asked: 'create' })
  await getRootfs(name, flags)
  await warnOf(wish, flags)
  const idFile = reserveIdFile('create', flags.cidfile as string | undefined)
  try {
    const id = await createContainer({ ...wish, rootfs: findRootfs(name), args })
    idFile.write(id)
    print(id)
  } catch (error) {
    idFile.remove()
    throw error
  }
  return 0
}
