// The flags that say how much a container gets of the host's disks. Docker's words, units and limits.
import type { UsageError } from '../../kernel/usage-error.ts'
import { deviceNode } from '../../observe/devices.ts'
import type { DiskWeight, Resources, Throttle } from '../../primitives/limits.ts'
import type { Flag } from '../options.ts'
import { defined, type Given, integer, many, parseBytes } from './amounts.ts'
import { find } from './devices.ts'
import { refuseValue } from './refuse.ts'

export const flags = {
  'blkio-weight': { value: 'NUMBER', help: 'its share of busy disks beside other containers, 10 to 1000' },
  'blkio-weight-device': { value: 'DISK:NUMBER', many: true, help: 'the same for one disk' },
  'device-read-bps': { value: 'DISK:BYTES', many: true, help: 'the most it reads from a disk in a second' },
  'device-write-bps': { value: 'DISK:BYTES', many: true, help: 'the most it writes to a disk in a second' },
  'device-read-iops': { value: 'DISK:NUMBER', many: true, help: 'the most read operations on a disk in a second' },
  'device-write-iops': { value: 'DISK:NUMBER', many: true, help: 'the most write operations on a disk in a second' },
} satisfies Record<string, Flag>

type Name = keyof typeof flags
const refuse: (flag: Name, value: string, allowed: string) => UsageError = refuseValue

/** DISK:TEXT, the disk by its number. */
function diskOf(flag: Name, value: string, example: string): { major: number; minor: number; text: string } {
  const [, path, text = ''] = /^(.*):([^:]*)$/s.exec(value) ?? []
  if (!path?.startsWith('/')) throw refuse(flag, value, `give ${flags[flag].value} such as /dev/sda:${example}`)
  const node = deviceNode(path, find(flag, value, path))
  if (node?.type !== 'b') throw refuse(flag, value, `${path} is no disk; lsblk lists them`)
  return { major: node.major, minor: node.minor, text }
}

function throttles(
  given: Given,
  flag: Name,
  rate: (text: string) => number | undefined,
): readonly Throttle[] | undefined {
  const example = flag.endsWith('bps') ? '10m' : '1000'
  const list = many(given, flag).map(value => {
    const limit = rate(/[^:]*$/.exec(value)![0])
    if (!limit) throw refuse(flag, value, `give ${flags[flag].value} such as /dev/sda:${example}`)
    const { major, minor } = diskOf(flag, value, example)
    return { major, minor, rate: limit }
  })
  return list.length > 0 ? list : undefined
}

function weights(given: Given): readonly DiskWeight[] | undefined {
  const flag = 'blkio-weight-device'
  const list = many(given, flag).flatMap(value => {
    const { text, ...disk } = diskOf(flag, value, '500')
    const weight = count(text)
    if (weight === 0) return [] // as docker: the weight that it has anyway
    if (!weight || weight < 10 || weight > 1000) throw refuse(flag, value, 'give a weight from 10 to 1000')
    return [{ ...disk, weight }]
  })
  return list.length > 0 ? list : undefined
}

const count = (text: string): number | undefined => (/^\d{1,10}$/.test(text) ? Number(text) : undefined)

/** Throws a UsageError that names the flag, the value and what is allowed. */
export function blockIO(given: Given): Resources['blockIO'] {
  return defined<NonNullable<Resources['blockIO']>>({
    weight: integer(given, 'blkio-weight', [10, 1000]),
    weightDevice: weights(given),
    throttleReadBpsDevice: throttles(given, 'device-read-bps', parseBytes),
    throttleWriteBpsDevice: throttles(given, 'device-write-bps', parseBytes),
    throttleReadIOPSDevice: throttles(given, 'device-read-iops', count),
    throttleWriteIOPSDevice: throttles(given, 'device-write-iops', count),
  })
}
