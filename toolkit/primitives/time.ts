// The time namespace: two clocks that begin elsewhere, the one since the start of the machine (boottime, /proc/uptime)
// and the one that only runs on (monotonic). The time of day is everybody's. time_namespaces(7).
import { AT, CLONE, O } from '../kernel/constants.ts'
import { type Namespace, type Step, step } from '../kernel/step.ts'
import { UsageError } from '../kernel/usage-error.ts'

const lesson = '08-cgroup-time'

/** One whose clocks are the host's until they are set. Where they shall be set, `plan` makes it instead. */
export const namespace: Namespace = {
  flag: CLONE.NEWTIME,
  why: 'clocks of its own: a container that is moved to another machine can take its uptime along',
  lesson,
  shell: '--time',
}

/** An entry of `linux.timeOffsets` in an OCI config.json, added to the host's clock. */
export interface Offset {
  readonly secs?: number
  /** 0 to 999,999,999; counts forwards, too, where `secs` is below 0. */
  readonly nanosecs?: number
}

export type Offsets = Readonly<Partial<Record<'monotonic' | 'boottime', Offset>>>

/** The text of /proc/PID/timens_offsets. Throws UsageError for what is no offset. */
export function formatOffsets(offsets: Offsets): string {
  return Object.entries(offsets)
    .map(([clock, { secs = 0, nanosecs = 0 }]) => {
      if (clock !== 'monotonic' && clock !== 'boottime')
        throw new UsageError(
          `time offset: ${JSON.stringify(clock)} is no clock that has one; there are monotonic and boottime`,
        )
      if (!Number.isSafeInteger(secs) || !Number.isInteger(nanosecs) || nanosecs < 0 || nanosecs > 999_999_999)
        throw new UsageError(`time offset of ${clock}: give whole seconds, and 0 to 999999999 nanoseconds`)
      return `${clock} ${secs} ${nanosecs}\n`
    })
    .join('')
}

/**
 * Makes a time namespace with these offsets, and enters it. unshare(2) makes one for the children only, as long as it is
 * empty its clocks can be set, and setns(2) moves the process itself. Run it while the host's /proc is in sight; uses
 * descriptor 3. None without offsets: then being born in a namespace is enough. Throws UsageError for what is no offset.
 */
export function plan({ timeOffsets = {} }: { timeOffsets?: Offsets }): Step[] {
  const text = formatOffsets(timeOffsets)
  if (text === '') return []
  const inside = { lesson, shell: '' } as const
  const open = (path: string, flags: number): Step[] => [
    step('close_range', [3, 3, 0], { ...inside, why: 'makes 3 the lowest free descriptor' }),
    step('openat', [AT.FDCWD, path, flags | O.CLOEXEC, 0], { ...inside, why: `descriptor 3 is ${path}` }),
  ]
  return [
    step('unshare', [CLONE.NEWTIME], {
      lesson,
      why: 'clocks of its own, for its children for now',
      shell: 'unshare --time',
    }),
    ...open('/proc/self/timens_offsets', O.WRONLY),
    step('write', [3, text, text.length], {
      lesson,
      why: 'how far its clocks are from the host’s: set now or never, before somebody reads them',
      shell: `printf '${text.replaceAll('\n', '\\n')}' >/proc/self/timens_offsets`,
    }),
    ...open('/proc/self/ns/time_for_children', O.RDONLY),
    step('setns', [3, CLONE.NEWTIME], { ...inside, why: 'the process itself goes there, too' }),
    step('close', [3], { ...inside, why: 'the handle has served' }),
  ]
}
