// /proc and /sys for a user namespace. Whoever is root there only gets a new one only where it could see all of one
// already: else it could look past what the host has covered. So they are made while the host's are still in sight, as
// detached mounts, and attached when they are not. mount_namespaces(7), fsmount(2).
import { FSCONFIG, FSMOUNT, FSOPEN, MOUNT_ATTR, O } from '../kernel/constants.ts'
import { type Step, step } from '../kernel/step.ts'

const inside = { lesson: '07-user', shell: '' } as const

/** An entry of `mounts` in an OCI config.json. */
export interface VisibleMount {
  readonly destination: string
  readonly type: string
  readonly options: readonly string[]
}

const ATTRIBUTES: Record<string, number> = {
  ro: MOUNT_ATTR.RDONLY,
  nosuid: MOUNT_ATTR.NOSUID,
  nodev: MOUNT_ATTR.NODEV,
  noexec: MOUNT_ATTR.NOEXEC,
  noatime: MOUNT_ATTR.NOATIME,
  strictatime: MOUNT_ATTR.STRICTATIME,
}

const FIRST = 5 // their descriptors; 3 and 4 are taken and left by many

/** Makes those of the mounts that are proc or sysfs. `prepared` tells the descriptor of each by its destination. */
export function plan(mounts: readonly VisibleMount[]): { steps: Step[]; prepared: Map<string, number> } {
  const wanted = mounts.filter(({ type }) => type === 'proc' || type === 'sysfs')
  return {
    steps: wanted.flatMap((mount, i) => make(mount, FIRST + i)),
    prepared: new Map(wanted.map(({ destination }, i) => [destination, FIRST + i])),
  }
}

const make = ({ type, destination, options }: VisibleMount, kept: number): Step[] => [
  step('close_range', [3, 4, 0], { ...inside, why: 'makes 3 and 4 the lowest free descriptors' }),
  step('fsopen', [type, FSOPEN.CLOEXEC], { ...inside, why: `what will be ${destination}` }),
  ...[`source=${type}`, ...options.filter(option => option.includes('='))].map(option => {
    const [key, value] = option.split('=') as [string, string]
    return step('fsconfig', [3, FSCONFIG.SET_STRING, key, value, 0], { ...inside, why: 'one of its options' })
  }),
  step('fsconfig', [3, FSCONFIG.CMD_CREATE, null, null, 0], { ...inside, why: 'the file system itself' }),
  step('fsmount', [3, FSMOUNT.CLOEXEC, options.reduce((bits, word) => bits | (ATTRIBUTES[word] ?? 0), 0)], {
    ...inside,
    why: 'now, while the host’s is in sight: a user namespace gets none that shows more than it could see',
  }),
  step('dup3', [4, kept, O.CLOEXEC], { ...inside, why: `kept as ${kept} until it can be attached` }),
]
