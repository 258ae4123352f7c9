// The flags that say how much a container may use, and which devices. Docker's words, units and limits.
import type { UsageError } from '../../kernel/usage-error.ts'
import type { DeviceRule } from '../../primitives/device-rules.ts'
import type { Device } from '../../primitives/devices.ts'
import type { Resources } from '../../primitives/limits.ts'
import type { Flag } from '../options.ts'
import { bytes, defined, type Given, integer, one } from './amounts.ts'
import * as cgroups from './cgroups.ts'
import * as cpu from './cpu.ts'
import * as devices from './devices.ts'
import * as disks from './disks.ts'
import { refuseValue } from './refuse.ts'
import { withoutZeros } from './zeros.ts'

export const flags = {
  memory: { short: 'm', value: 'BYTES', help: 'the most memory that it may take, such as 512m' },
  'memory-swap': { value: 'BYTES', help: 'memory and swap together; -1: any amount of swap (default: twice --memory)' },
  'memory-reservation': { value: 'BYTES', help: 'memory that it keeps longest when the host runs short' },
  'memory-swappiness': {
    value: 'NUMBER',
    help: 'how gladly its memory goes to swap, 0 to 100 (cgroup v1; -1: as the host’s)',
  },
  'oom-kill-disable': { help: 'who takes more than --memory waits, and is not killed (cgroup v1)' },
  ...cpu.flags,
  'pids-limit': { value: 'NUMBER', help: 'the most processes and threads; 0 or -1: no limit (default: 2048)' },
  ...disks.flags,
  ...devices.flags,
  ...cgroups.flags,
} satisfies Record<string, Flag>

export interface ResourceFlags extends cgroups.CgroupFlags {
  /** `linux.resources`. */
  readonly resources: Resources & { readonly devices: readonly DeviceRule[] }
  /** `linux.devices`. */
  readonly devices: readonly Device[]
}

const refuse: (flag: keyof typeof flags, value: string, allowed: string) => UsageError = refuseValue

/** Of these 0 is none. */
const AMOUNTS = Object.keys(flags).filter(flag => /^(memory(?!-swappiness)|cpus$|cpu-|blkio)/.test(flag))

function memory(given: Given): Resources['memory'] {
  const limit = bytes(given, 'memory')
  const reservation = bytes(given, 'memory-reservation')
  const value = one(given, 'memory-swap')
  const swap = value === '-1' ? -1 : bytes(given, 'memory-swap')
  if (value !== undefined && limit === undefined)
    throw refuse('memory-swap', value, 'it limits memory and swap together; give --memory, too')
  if (swap !== undefined && swap >= 0 && swap < limit!)
    throw refuse(
      'memory-swap',
      value!,
      `it is memory and swap together; give at least --memory ${one(given, 'memory')}`,
    )
  if (reservation !== undefined && limit !== undefined && reservation > limit)
    throw refuse(
      'memory-reservation',
      one(given, 'memory-reservation')!,
      `give no more than --memory ${one(given, 'memory')}`,
    )
  const swappiness = integer(given, 'memory-swappiness', [0, 100], 'what the host has')
  return defined<NonNullable<Resources['memory']>>({
    ...{ limit, swap, reservation },
    swappiness: swappiness === -1 ? undefined : swappiness,
    disableOOMKiller: given['oom-kill-disable'] === true ? true : undefined,
  })
}

/** Reads the flags. Throws a UsageError that names the flag, the value and what is allowed. */
export function resources(all: Given): ResourceFlags {
  const given = withoutZeros(all, AMOUNTS)
  const pids = integer(given, 'pids-limit', [0, 4_194_304], 'no limit')
  const { nodes, rules } = devices.devices(given)
  return {
    resources: {
      ...defined<Resources>({
        memory: memory(given),
        cpu: cpu.cpu(given),
        blockIO: disks.blockIO(given),
        pids: pids === undefined ? undefined : { limit: pids },
      } as Resources),
      devices: rules,
    },
    devices: nodes,
    ...cgroups.cgroups(given),
  }
}
