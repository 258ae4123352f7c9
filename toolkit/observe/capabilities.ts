// What of root's power a process has: the capability sets of /proc/PID/status by name, capabilities(7).
import { CAP } from '../kernel/constants.ts'
import { readStatus, type Status } from './status.ts'

export type CapabilitySet = keyof Status['capabilities']

/** Each set as names without CAP_, in the kernel's order: CHOWN, DAC_OVERRIDE … */
export type Capabilities = Readonly<Record<CapabilitySet, readonly string[]>>

const NAMES = new Map<number, string>(Object.entries(CAP).map(([name, bit]) => [bit, name]))

/** All that this program knows of, in the kernel's order. */
export const CAPABILITY_NAMES: readonly string[] = [...NAMES.values()]

/** The names of the bits of a set; one that is newer than this program is named by its number. */
export function capabilityNames(set: bigint): string[] {
  const names: string[] = []
  for (let bit = 0; set >> BigInt(bit) > 0n; bit++) {
    if ((set >> BigInt(bit)) & 1n) names.push(NAMES.get(bit) ?? String(bit))
  }
  return names
}

/** The five capability sets of a process; undefined where it is gone. */
export function readCapabilities(pid: number): Capabilities | undefined {
  const sets = readStatus(pid)?.capabilities
  if (!sets) return undefined
  return Object.fromEntries(Object.entries(sets).map(([name, set]) => [name, capabilityNames(set)])) as Record<
    CapabilitySet,
    string[]
  >
}
