import { formatConfig, ociConfig } from '../engine/oci.ts'
import { findRootfs } from '../image/rootfs.ts'
import { UsageError } from '../kernel/usage-error.ts'
import { commandOf } from './flags/program.ts'
import { type Command, mainOf } from './options.ts'
import { wishes, wishOf } from './run.ts'
import { print, printError } from './text/output.ts'

export const command: Command = {
  usage: 'spec [OPTIONS] ROOTFS COMMAND [ARG…]',
  summary: `Print what 'toolkit run' with the same words would carry out, as a config.json of the OCI runtime specification.
Put into a directory, it is a bundle: 'runc run --bundle DIRECTORY NAME'. What it cannot say comes on stderr.`,
  flags: wishes,
}

export const main = mainOf(command, async ({ flags, rest }) => {
  const [name, ...words] = rest
  if (name === undefined) throw new UsageError("spec: which root file system? For example 'toolkit spec busybox sh'")
  const args = commandOf(flags, words)
  if (args.length === 0) throw new UsageError(`spec: which command in ${name}? For example 'toolkit spec ${name} sh'`)
  const { config, unsaid } = await ociConfig({ ...wishOf(flags), rootfs: findRootfs(name), args })
  for (const line of unsaid) printError(`toolkit: not in the spec: ${line}`)
  print(formatConfig(config))
  return 0
})
