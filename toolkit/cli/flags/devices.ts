// The flags that say which devices a container may use. Docker's words.
import { type Stats, statSync } from 'node:fs'
import { reasonOf } from '../../engine/refusal.ts'
import { NAME_MAX, PATH_MAX } from '../../kernel/constants.ts'
import { deviceNode } from '../../observe/devices.ts'
import { isBelow } from '../../observe/mounts.ts'
import type { DeviceRule } from '../../primitives/device-rules.ts'
import { type Device, linksInDev, usualDevices } from '../../primitives/devices.ts'
import type { Flag } from '../options.ts'
import { type Given, many } from './amounts.ts'
import { refuseValue as refuse } from './refuse.ts'

export const flags = {
  device: {
    value: 'PATH[:PATH][:rwm]',
    many: true,
    help: 'a device of the host, under another name or with less rights',
  },
  'device-cgroup-rule': {
    value: 'RULE',
    many: true,
    help: 'devices it may use that are not there yet: type, numbers and rights, as in "c 10:200 rwm"; * is any number',
  },
} satisfies Record<string, Flag>

/** A file of the host. Throws a UsageError where it is not there. */
export function find(flag: string, value: string, path: string): Stats {
  let stat: Stats | undefined
  try {
    stat = statSync(path, { throwIfNoEntry: false })
  } catch (error) {
    throw refuse(flag, value, `${path} cannot be reached: ${reasonOf(error)}; give a device of this host`)
  }
  if (!stat) throw refuse(flag, value, `there is no ${path || 'device without a name'} on this host`)
  return stat
}

/** File systems of the container’s own that take no devices, or are mounted when these have been made. */
const NO_DEVICES = ['/proc', '/sys', '/dev/pts', '/dev/shm', '/dev/mqueue']
const LINKS = linksInDev().map(name => `/dev/${name}`)
/** What is there in every container. */
const TAKEN = ['/dev', ...LINKS]
const NO_DIRECTORIES = [...LINKS, ...usualDevices()]

/** Why no device can be at a place; undefined where one can. */
function forbidden(path: string): string | undefined {
  if (Buffer.byteLength(path) >= PATH_MAX || path.split('/').some(name => Buffer.byteLength(name) > NAME_MAX))
    return `a name has at most ${NAME_MAX} bytes, a path ${PATH_MAX - 1}`
  const top = NO_DEVICES.find(top => isBelow(path, top))
  if (top) return `no device can be in ${top}; give a place in /dev`
  if (TAKEN.includes(path)) return `${path} is something else in every container; give another place in /dev`
  const file = NO_DIRECTORIES.find(file => path !== file && isBelow(path, file))
  return file && `${file} is no directory; give another place in /dev`
}

/** One --device: the node to make, and the rule that lets it work. */
function device(value: string): { node: Device; rule: DeviceRule } {
  const parts = value.split(':')
  const access = parts.length > 1 && !parts.at(-1)!.startsWith('/') ? parts.pop()! : 'rwm'
  const [source = '', path = source] = parts
  const plain = path.startsWith('/') && !/\/(\.{0,2})(\/|$)/.test(path)
  if (parts.length > 2 || !source.startsWith('/') || !plain || !/^(?!.*(.).*\1)[rwm]+$/.test(access))
    throw refuse(
      'device',
      value,
      'give PATH[:PATH_INSIDE][:rwm], both absolute, such as /dev/fuse or /dev/sdb:/dev/data:r',
    )
  const stat = find('device', value, source)
  const node = deviceNode(path, stat)
  if (!node)
    throw refuse('device', value, `${source} is no device${stat.isDirectory() ? '; name each device in it' : ''}`)
  const why = forbidden(path)
  if (why) throw refuse('device', value, why)
  const { type, major, minor } = node
  return { node, rule: { allow: true, type, major, minor, access } }
}

/** One --device-cgroup-rule; admin-guide/cgroup-v1/devices. */
function rule(value: string): DeviceRule {
  const [, type, major, minor, access] = /^([abc]) (\d{1,7}|\*):(\d{1,7}|\*) ([rwm]{1,3})$/.exec(value) ?? []
  if (access === undefined)
    throw refuse(
      'device-cgroup-rule',
      value,
      'give type (a, b or c), numbers and rights (of r, w and m): "c 10:200 rwm"',
    )
  return {
    ...{ allow: true, type: type as 'a' | 'b' | 'c', access },
    ...(major !== '*' && { major: Number(major) }),
    ...(minor !== '*' && { minor: Number(minor) }),
  }
}

/** The nodes, each once, and the rules: first one of each node. Throws a UsageError. */
export function devices(given: Given): { nodes: readonly Device[]; rules: readonly DeviceRule[] } {
  const values = many(given, 'device')
  const named = values.map(device)
  const nodes = new Map<string, Device>()
  for (const [i, { node }] of named.entries()) {
    const there = nodes.get(node.path)
    if (there && !isSame(there, node))
      throw refuse('device', values[i]!, `another device is at ${node.path} already; each place takes one`)
    const other = [...nodes.keys()].find(
      path => path !== node.path && (isBelow(path, node.path) || isBelow(node.path, path)),
    )
    if (other) throw refuse('device', values[i]!, `another device is at ${other}; no device lies below another`)
    nodes.set(node.path, node)
  }
  const rules = many(given, 'device-cgroup-rule').map(rule)
  return { nodes: [...nodes.values()], rules: [...named.map(({ rule }) => rule), ...rules] }
}

const isSame = (a: Device, b: Device): boolean => a.type === b.type && a.major === b.major && a.minor === b.minor
