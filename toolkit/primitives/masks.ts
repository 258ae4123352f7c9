// What of /proc and /sys is no business of a container. They are windows into the one kernel that all share: no
// namespace hides its memory, its timers, its firmware, or the switches that change the whole machine.
import { AT, MOUNT_ATTR, MS } from '../kernel/constants.ts'
import { mountAttr } from '../kernel/mount-structs.ts'
import { type Step, step } from '../kernel/step.ts'

const lesson = '17-security'

/** Hidden; docker's list. There is also one for each processor: observe/masks.ts. */
export const MASKED_PATHS: readonly string[] = [
  '/proc/acpi',
  '/proc/asound',
  '/proc/interrupts',
  '/proc/kcore',
  '/proc/keys',
  '/proc/latency_stats',
  '/proc/sched_debug',
  '/proc/scsi',
  '/proc/timer_list',
  '/proc/timer_stats',
  '/sys/devices/virtual/powercap',
  '/sys/firmware',
]

/** To be read only; docker's list. */
export const READONLY_PATHS: readonly string[] = [
  '/proc/bus',
  '/proc/fs',
  '/proc/irq',
  '/proc/sys',
  '/proc/sysrq-trigger',
]

const WHY: Record<string, string> = {
  '/proc/kcore': 'the memory of the kernel as a file',
  '/proc/keys': 'the keys that the kernel keeps, of everybody',
  '/proc/interrupts': 'how often keys are struck, and how busy the disks are',
  '/proc/timer_list': 'what every process of the machine waits for',
  '/proc/sched_debug': 'the names of all processes of the machine',
  '/sys/firmware': 'the firmware’s tables and variables',
  '/sys/devices/virtual/powercap': 'the power drawn by the processor tells what others compute',
  '/proc/sys': 'most settings here are the whole machine’s',
  '/proc/sysrq-trigger': 'a letter written here restarts the machine',
}

export interface Masks {
  /** `linux.maskedPaths` and `linux.readonlyPaths` of an OCI config.json. */
  readonly maskedPaths: readonly string[]
  readonly readonlyPaths: readonly string[]
  /**
   * Which of maskedPaths are directories. All others are taken for files: one that is not there is as good, and one
   * that turns out to be a directory stops the container (ENOTDIR) rather than stay visible.
   */
  readonly directories: ReadonlySet<string>
}

/**
 * Hides the masked files behind /dev/null and the masked directories behind one empty tmpfs, and makes the others
 * read-only. Run it when /proc, /sys and /dev are mounted.
 */
export function plan({ maskedPaths, readonlyPaths, directories }: Masks): Step[] {
  const masked = [...new Set(maskedPaths)]
  const [first, ...others] = masked.filter(path => directories.has(path))
  return [
    ...masked.filter(path => !directories.has(path)).map(path => hideBehind('/dev/null', path)),
    ...(first === undefined ? [] : [hideBehindTmpfs(first), ...others.map(path => hideBehind(first, path))]),
    ...[...new Set(readonlyPaths)].flatMap(makeReadOnly),
  ]
}

const about = (path: string, otherwise: string) => ({ why: WHY[path] ?? otherwise, lesson, allow: ['ENOENT'] }) as const

const hideBehind = (source: string, path: string): Step =>
  step('mount', [source, path, null, MS.BIND, null], {
    ...about(path, 'shows the whole machine; a program finds it empty'),
    shell: `mount --bind ${source} ${path}`,
  })

// If this one were missing, the others would have no source to be bound from, and ENOENT would leave them visible: it
// must be there.
const hideBehindTmpfs = (path: string): Step =>
  step('mount', ['tmpfs', path, 'tmpfs', MS.RDONLY | MS.NOSUID | MS.NODEV | MS.NOEXEC, 'nr_blocks=1,nr_inodes=1'], {
    why: WHY[path] ?? 'an empty directory, in place of what shows the whole machine',
    lesson,
    shell: `mount -t tmpfs -o ro,nosuid,nodev,noexec,nr_blocks=1,nr_inodes=1 tmpfs ${path}`,
  })

const readOnly = mountAttr({ set: MOUNT_ATTR.RDONLY })

// mount_setattr, not a remount: that would clear nosuid, nodev and noexec unless they are repeated, and it does not
// reach what is mounted below.
const makeReadOnly = (path: string): Step[] => [
  step('mount', [path, path, null, MS.BIND | MS.REC, null], {
    ...about(path, 'a mount of its own, so that it can have another mode than what it lies on'),
    shell: `mount --rbind ${path} ${path}`,
  }),
  step('mount_setattr', [AT.FDCWD, path, AT.RECURSIVE, readOnly, readOnly.bytes.length], {
    ...about(path, 'what is written here would change the machine'),
    shell: `mount -o remount,bind,ro ${path}`,
  }),
]
