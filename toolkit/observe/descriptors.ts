// What a process holds open, by kind: the links of /proc/PID/fd, proc_pid_fd(5).

import { readdirSync, statSync } from 'node:fs'
import { deviceNumber } from '../kernel/device-number.ts'
import { orGone, readLink } from './read.ts'

export const DESCRIPTOR_KINDS = ['file', 'device', 'terminal', 'pipe', 'socket', 'memfd', 'namespace', 'other'] as const
export type DescriptorKind = (typeof DESCRIPTOR_KINDS)[number]

export interface Descriptors {
  readonly count: number
  /** Only the kinds that are there. `other`: of the kernel's anonymous ones, as epoll, and what else has no path. */
  readonly kinds: Readonly<Partial<Record<DescriptorKind, number>>>
}

/** What a link of /proc/PID/fd leads to. By its text alone: a path may mean another file outside. */
export function descriptorKind(target: string): DescriptorKind {
  if (target.startsWith('/memfd:')) return 'memfd'
  if (/^\/dev\/(pts\/|tty|console$|ptmx$)/.test(target)) return 'terminal'
  if (target.startsWith('/dev/') && !target.startsWith('/dev/shm/')) return 'device'
  if (target.startsWith('/')) return 'file'
  if (target.startsWith('pipe:')) return 'pipe'
  if (target.startsWith('socket:')) return 'socket'
  return /^\w+:\[\d+\]$/.test(target) ? 'namespace' : 'other'
}

/** Undefined where the process is gone or not ours to look at; a zombie has none. */
export function readDescriptors(pid: number): Descriptors | undefined {
  const names = orGone(() => readdirSync(`/proc/${pid}/fd`))
  if (!names) return undefined
  const found = names.map(name => readLink(`/proc/${pid}/fd/${name}`)).filter(target => target !== undefined)
  const kinds: Partial<Record<DescriptorKind, number>> = {}
  for (const kind of found.map(descriptorKind)) kinds[kind] = (kinds[kind] ?? 0) + 1
  const sorted = DESCRIPTOR_KINDS.filter(kind => kinds[kind]).map(kind => [kind, kinds[kind]!] as const)
  return { count: found.length, kinds: Object.fromEntries(sorted) }
}

/** As `b 8:0` or `c 1:3`, the form of cgroup rules; whatever its file is called. */
const deviceOf = (path: string): string | undefined => {
  const found = orGone(() => statSync(path))
  const type = found?.isBlockDevice() ? 'b' : found?.isCharacterDevice() ? 'c' : undefined
  if (!found || !type) return undefined
  const { major, minor } = deviceNumber(found.rdev)
  return `${type} ${major}:${minor}`
}

/** The devices that a process has open, each once; undefined as above. */
export function openDevices(pid: number): string[] | undefined {
  const names = orGone(() => readdirSync(`/proc/${pid}/fd`))
  if (!names) return undefined
  return [...new Set(names.map(name => deviceOf(`/proc/${pid}/fd/${name}`)).filter(device => device !== undefined))]
}
