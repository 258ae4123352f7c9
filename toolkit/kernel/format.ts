// System calls as a person writes them in C: mount("proc", "/proc", "proc", MS_NOSUID|MS_NODEV|MS_NOEXEC, NULL).

import { AT, type Group, groups, O, S } from './constants.ts'
import { deviceNumber } from './device-number.ts'
import { type Arg, isDescriptor, isStruct } from './step.ts'
import { type Param, type SyscallName, syscalls } from './syscalls.ts'

const SHOWN = 80 // characters of a string; the rest of a long environment tells nobody anything

const quote = (text: string): string => JSON.stringify(text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text)

/** What C calls a constant: MS_BIND, SIGTERM, WNOHANG. */
export function constantName(group: Group, name: string): string {
  if (group === 'IOCTL') return name
  if (group === 'SIG') return `SIG${name}`
  if (group === 'OPEN_TREE' && name === 'RECURSIVE') return 'AT_RECURSIVE'
  if (group === 'W') return name === 'ALL' ? '__WALL' : `W${name}`
  return `${group}_${name}`
}

/** The bits of `value` by their names in `group`, joined by | ; what has no name stays a number. */
export function formatFlags(group: Group, value: number): string {
  const names: string[] = []
  let rest = BigInt(value)
  for (const [name, bit] of Object.entries(groups[group]).sort(([, a], [, b]) => b - a)) {
    const bits = BigInt(bit)
    if (bits === 0n || (rest & bits) !== bits) continue
    names.unshift(constantName(group, name))
    rest &= ~bits
  }
  if (rest !== 0n) names.push(`0x${rest.toString(16)}`)
  return names.join('|') || '0'
}

function formatEnum(group: Group, value: number): string {
  const name = Object.entries(groups[group]).find(([, n]) => n === value)?.[0]
  return name === undefined ? String(value) : constantName(group, name)
}

function formatMode(mode: number): string {
  const type = Object.entries(S).find(([name, bits]) => name !== 'IFMT' && bits === (mode & S.IFMT))?.[0]
  const permissions = (mode & ~S.IFMT).toString(8)
  return `${type ? `S_${type}|` : ''}${permissions === '0' ? '' : '0'}${permissions}`
}

function formatArg(param: Param | undefined, arg: Arg): string {
  if (arg === null) return 'NULL'
  if (typeof arg === 'string') return quote(arg)
  if (arg instanceof Uint8Array) return `{${arg.length} bytes}`
  if (isStruct(arg)) return arg.text
  if (isDescriptor(arg)) return arg.descriptor
  if (typeof arg !== 'number') return `[${arg.slice(0, 8).map(quote).join(', ')}${arg.length > 8 ? ', …' : ''}]`
  if (param === 'dirfd' && arg === AT.FDCWD) return 'AT_FDCWD'
  if (param === 'mode') return formatMode(arg)
  if (param === 'access')
    return (arg & 3) === O.RDONLY
      ? ['O_RDONLY', ...(arg ? [formatFlags('O', arg)] : [])].join('|')
      : formatFlags('O', arg)
  if (param === 'dev') {
    const { major, minor } = deviceNumber(arg)
    return `makedev(${major}, ${minor})`
  }
  if (param === 'clone') return `${formatFlags('CLONE', arg & ~0xff)}|${formatEnum('SIG', arg & 0xff)}`
  if (param === 'ptr' && arg === 0) return 'NULL'
  if (param?.startsWith('flags:')) return formatFlags(param.slice(6) as Group, arg)
  if (param?.startsWith('enum:')) return formatEnum(param.slice(5) as Group, arg)
  return String(arg)
}

/** A call with its arguments decoded, as strace(1) prints it. */
export function formatCall(name: SyscallName, args: readonly Arg[]): string {
  const { params } = syscalls[name]
  return `${name}(${args.map((arg, i) => formatArg(params[i], arg)).join(', ')})`
}
