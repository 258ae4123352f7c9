import { update } from '../engine/life/update.ts'
import { findContainer } from '../engine/state/list.ts'
import { UsageError } from '../kernel/usage-error.ts'
import { forEach, needContainers } from './each.ts'
import { flags as careFlags, restartPolicy } from './flags/care.ts'
import { flags as resourceFlags, resources } from './flags/resources.ts'
import { type Command, mainOf, type Parsed } from './options.ts'

const {
  memory,
  'memory-swap': swap,
  'memory-reservation': reservation,
  cpus,
  'cpu-shares': shares,
  'cpu-quota': quota,
  'cpu-period': period,
  'cpuset-cpus': cpuset,
  'cpuset-mems': mems,
  'pids-limit': pids,
  'blkio-weight': weight,
} = resourceFlags

export const command: Command = {
  usage: 'update [OPTIONS] CONTAINER…',
  summary: 'Change the limits of containers, at once and for each later start, and what happens when they end.',
  flags: {
    memory,
    'memory-swap': swap,
    'memory-reservation': reservation,
    cpus,
    'cpu-shares': shares,
    'cpu-quota': quota,
    'cpu-period': period,
    'cpuset-cpus': cpuset,
    'cpuset-mems': mems,
    'pids-limit': pids,
    'blkio-weight': weight,
    restart: careFlags.restart,
  },
  mixed: true,
}

/** The flags about limits; --memory-swap alone goes by the memory that the container may take already. */
function limits(given: Parsed['flags'], word: string) {
  const old = findContainer(word).state?.options?.resources.memory?.limit
  const alone = given['memory-swap'] !== undefined && given.memory === undefined && old !== undefined
  try {
    const { devices: _none, ...found } = resources(alone ? { ...given, memory: String(old) } : given).resources
    return found
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    throw new UsageError(error.message.replace(/^run: /, 'update: '), error.exitCode)
  }
}

export const main = mainOf(command, ({ flags, rest }) => {
  const words = needContainers('update', rest)
  const { restart, ...given } = flags
  if (Object.keys(flags).length === 0) throw new UsageError("update: change what? See 'toolkit update --help'")
  const policy = restart === undefined ? undefined : restartPolicy(restart as string)
  return forEach(words, word => update(word, { resources: limits(given, word), restart: policy }))
})
