import { update } from '../engine/life/update.ts'
import { findContainer } from '../engine/state/list.ts'
import { UsageError } from '../kernel/usage-error.ts'
import { forEach, needContainers } from './each.ts'
import { type Absent, absentFlags, refuseAbsent } from './flags/absent.ts'
import { flags as careFlags, restartPolicy } from './flags/care.ts'
import { saidBy } from './flags/refuse.ts'
import { flags as resourceFlags, resources } from './flags/resources.ts'
import { withoutZeros } from './flags/zeros.ts'
import { type Command, mainOf, type Parsed } from './options.ts'

/** Of the limits those that can be changed while a container runs. */
const CHANGEABLE = [
  'memory',
  'memory-swap',
  'memory-reservation',
  'cpus',
  'cpu-shares',
  'cpu-quota',
  'cpu-period',
  'cpuset-cpus',
  'cpuset-mems',
  'pids-limit',
  'blkio-weight',
] as const

const absent: Absent = {
  'kernel-memory': { value: 'BYTES', why: 'Linux has no such limit any more, --memory counts it in' },
  'cpu-rt-period': { value: 'MICROSECONDS', why: 'real-time processor time is given with run or create' },
  'cpu-rt-runtime': { value: 'MICROSECONDS', why: 'real-time processor time is given with run or create' },
}

export const command: Command = {
  usage: 'update [OPTIONS] CONTAINER…',
  summary: 'Change the limits of containers, at once and for each later start, and what happens when they end.',
  flags: {
    ...Object.fromEntries(CHANGEABLE.map(name => [name, resourceFlags[name]])),
    restart: careFlags.restart,
    ...absentFlags(absent),
  },
  mixed: true,
}

/** The flags about limits; --memory-swap alone goes by the memory that the container may take already. */
function limits(given: Parsed['flags'], word: string) {
  const old = findContainer(word).state?.options?.resources.memory?.limit
  const alone = given['memory-swap'] !== undefined && given.memory === undefined && old !== undefined
  const wish = alone ? { ...given, memory: String(old) } : given
  const { devices: _none, ...found } = saidBy('update', () => resources(withoutZeros(wish, ['pids-limit'])).resources)
  return found
}

export const main = mainOf(command, ({ flags, rest }) => {
  const words = needContainers('update', rest)
  refuseAbsent('update', flags, absent)
  const { restart, ...given } = flags
  if (Object.keys(flags).length === 0) throw new UsageError("update: change what? See 'toolkit update --help'", 1)
  const policy = restart === undefined ? undefined : saidBy('update', () => restartPolicy(restart as string))
  return forEach(words, word => update(word, { resources: limits(given, word), restart: policy }))
})
