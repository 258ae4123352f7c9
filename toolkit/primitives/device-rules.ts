// Which device nodes work in a container, whoever made them: its root may make any node (mknod), and this decides what
// opening one gives. On cgroup v1 the devices controller has files for it, admin-guide/cgroup-v1/devices in the kernel's
// documentation; on v2 it is a BPF program that the kernel runs at each mknod and open, bpf(2).
import type { Action } from '../kernel/action.ts'
import { attempt, invoke } from '../kernel/call.ts'
import { AT, BPF, O } from '../kernel/constants.ts'
import {
  and,
  bytesOf,
  copy,
  exit,
  type Instruction,
  load32,
  set,
  shiftRight,
  skipIf,
  skipUnless,
} from '../kernel/ebpf.ts'
import type { Struct } from '../kernel/step.ts'

const lesson = '11-limits'

/** An entry of `linux.resources.devices` in an OCI config.json. What is left out means all. */
export interface DeviceRule {
  readonly allow: boolean
  /** a: both. */
  readonly type?: 'a' | 'b' | 'c'
  readonly major?: number
  readonly minor?: number
  /** r read, w write, m mknod. */
  readonly access?: string
}

const allow = (type: 'b' | 'c', major?: number, minor?: number, access = 'rwm'): DeviceRule => ({
  allow: true,
  type,
  access,
  ...(major !== undefined && { major }),
  ...(minor !== undefined && { minor }),
})

/** What every container may use; docker's list, without /dev/net/tun. */
export const defaultRules: readonly DeviceRule[] = [
  allow('c', undefined, undefined, 'm'), // a node that cannot be opened does no harm
  allow('b', undefined, undefined, 'm'),
  allow('c', 1, 3), //    /dev/null
  allow('c', 1, 5), //    /dev/zero
  allow('c', 1, 7), //    /dev/full
  allow('c', 1, 8), //    /dev/random
  allow('c', 1, 9), //    /dev/urandom
  allow('c', 5, 0), //    /dev/tty
  allow('c', 5, 1), //    /dev/console
  allow('c', 5, 2), //    /dev/pts/ptmx
  allow('c', 136), //     /dev/pts/0 …
]

/** Rules in the form that the v1 controller keeps: one answer for all devices, and exceptions from it. */
export interface DeviceList {
  readonly allow: boolean
  readonly exceptions: readonly Exception[]
}

export interface Exception {
  readonly type: 'b' | 'c'
  /** undefined: all. */
  readonly major: number | undefined
  readonly minor: number | undefined
  readonly access: string
}

const letters = (access: string): string => [...'rwm'].filter(letter => access.includes(letter)).join('')
const isSame = (a: Exception, b: Exception): boolean => a.type === b.type && a.major === b.major && a.minor === b.minor

/**
 * Applies rules in order, a later one over an earlier one, as the v1 controller does with its files (device_cgroup.c).
 * Begins with nothing allowed, and ends with `defaultRules`: the runtime specification wants these devices to work.
 */
export function deviceList(rules: readonly DeviceRule[]): DeviceList {
  let list: DeviceList = { allow: false, exceptions: [] }
  for (const rule of [...rules, ...defaultRules]) list = change(list, rule)
  return list
}

function change(list: DeviceList, { allow, type = 'a', major, minor, access = 'rwm' }: DeviceRule): DeviceList {
  if (type === 'a') {
    if (major === undefined && minor === undefined && letters(access) === 'rwm') return { allow, exceptions: [] }
    const both = (['b', 'c'] as const).map(type => ({ allow, type, access, ...wherever(major, minor) }))
    return both.reduce(change, list)
  }
  const named: Exception = { type, major, minor, access: letters(access) }
  const before = list.exceptions.find(exception => isSame(exception, named))
  const others = list.exceptions.filter(exception => exception !== before)
  const left =
    allow === list.allow
      ? [...(before?.access ?? '')].filter(letter => !named.access.includes(letter)).join('')
      : letters(named.access + (before?.access ?? ''))
  return { allow: list.allow, exceptions: left ? [...others, { ...named, access: left }] : others }
}

const wherever = (major: number | undefined, minor: number | undefined) => ({
  ...(major !== undefined && { major }),
  ...(minor !== undefined && { minor }),
})

const star = (n: number | undefined): string => (n === undefined ? '*' : String(n))

/** The lines to write into a v1 group, each in a write of its own: first the answer for all, then the exceptions. */
export function v1Lines({ allow, exceptions }: DeviceList): { first: string; rest: string; lines: string[] } {
  const [first, rest] = allow ? ['devices.allow', 'devices.deny'] : ['devices.deny', 'devices.allow']
  const lines = exceptions.map(({ type, major, minor, access }) => `${type} ${star(major)}:${star(minor)} ${access}`)
  return { first: first!, rest: rest!, lines }
}

const about = {
  why: 'asked at every mknod and open of a device: root in the container must not open the host’s disks',
  lesson,
} as const

/** Makes the rules hold in a v1 group. Throws a KernelError: EPERM where the group above allows less. */
export function v1Action(directory: string, list: DeviceList): Action {
  const { first, rest, lines } = v1Lines(list)
  return {
    ...about,
    text: `write("${directory}/${first}", "a"), write("${directory}/${rest}", each of ${JSON.stringify(lines)})`,
    shell: `cd ${directory}; echo a > ${first}; printf '%s\\n' ${lines.map(line => `'${line}'`).join(' ')} | while read rule; do echo "$rule" > ${rest}; done`,
    apply() {
      writeEach(`${directory}/${first}`, ['a'])
      writeEach(`${directory}/${rest}`, lines)
    },
  }
}

function writeEach(path: string, lines: readonly string[]): void {
  const fd = invoke('openat', [AT.FDCWD, path, O.WRONLY | O.CLOEXEC, 0])
  try {
    for (const line of lines) invoke('write', [fd, line, line.length])
  } finally {
    attempt('close', [fd])
  }
}

// The program for v2, of kernel/ebpf.ts. r0 is the answer, r1 points to struct bpf_cgroup_dev_ctx { u32 access_type, major,
// minor }, whose access_type is the wish << 16 | the type of device.
const TYPE = { b: 1, c: 2 } as const
const ACCESS = { m: 1, r: 2, w: 4 } as const
const [ANSWER, CONTEXT, KIND, WISH, MAJOR, MINOR, REST] = [0, 1, 2, 3, 4, 5, 6] as const

const ALL = ACCESS.m | ACCESS.r | ACCESS.w
const bitsOf = (access: string): number => [...access].reduce((bits, l) => bits | ACCESS[l as keyof typeof ACCESS], 0)

/** One exception: answers at once where it fits, else falls through to the next. */
function block({ type, major, minor, access }: Exception, answer: boolean): Instruction[] {
  const asked = bitsOf(access)
  // To allow, all that is wished must be in the exception; to deny, one part of it is enough.
  const test = (over: number): Instruction[] =>
    answer
      ? [copy(REST, WISH), and(REST, ALL & ~asked), skipUnless(REST, 0, over)]
      : [copy(REST, WISH), and(REST, asked), skipIf(REST, 0, over)]
  let code = [set(ANSWER, answer ? 1 : 0), exit()]
  if (asked !== ALL) code = [...test(code.length), ...code]
  if (minor !== undefined) code = [skipUnless(MINOR, minor, code.length), ...code]
  if (major !== undefined) code = [skipUnless(MAJOR, major, code.length), ...code]
  return [skipUnless(KIND, TYPE[type], code.length), ...code]
}

/** The program as instructions: 1 allows, 0 makes the call fail with EPERM. */
export function program({ allow, exceptions }: DeviceList): Instruction[] {
  return [
    load32(KIND, CONTEXT, 0),
    copy(WISH, KIND),
    and(KIND, 0xffff),
    shiftRight(WISH, 16),
    load32(MAJOR, CONTEXT, 4),
    load32(MINOR, CONTEXT, 8),
    ...exceptions.flatMap(exception => block(exception, !allow)),
    set(ANSWER, allow ? 1 : 0),
    exit(),
  ]
}

const CGROUP_DEVICE = { program: 15, attach: 6 } as const // BPF_PROG_TYPE_CGROUP_DEVICE, BPF_CGROUP_DEVICE
const ALLOW_MULTI = 2 // BPF_F_ALLOW_MULTI: beside those of systemd or an outer engine; all must allow

/** union bpf_attr for BPF_PROG_LOAD. */
function loadAttributes(list: DeviceList): Struct {
  const code = bytesOf(program(list))
  const bytes = Buffer.alloc(48)
  bytes.writeUInt32LE(CGROUP_DEVICE.program, 0)
  bytes.writeUInt32LE(code.length / 8, 4)
  return {
    bytes,
    text: `{prog_type=BPF_PROG_TYPE_CGROUP_DEVICE, insn_cnt=${code.length / 8}}`,
    pointers: [
      { at: 8, to: code },
      { at: 16, to: Buffer.from('MIT\0') },
    ],
  }
}

/** union bpf_attr for BPF_PROG_ATTACH. */
function attachAttributes(cgroup: number, loaded: number): Struct {
  const bytes = Buffer.alloc(16)
  for (const [i, value] of [cgroup, loaded, CGROUP_DEVICE.attach, ALLOW_MULTI].entries())
    bytes.writeUInt32LE(value, 4 * i)
  return { bytes, text: '{target_fd=cgroup, attach_type=BPF_CGROUP_DEVICE, attach_flags=BPF_F_ALLOW_MULTI}' }
}

/**
 * Makes the rules hold in the v2 group whose directory an action before has opened under the name `cgroup`. The program
 * lives as long as the group. Throws a KernelError: EPERM without CAP_BPF or CAP_SYS_ADMIN, EINVAL without
 * CONFIG_CGROUP_BPF.
 */
export function v2Action(list: DeviceList): Action {
  const attributes = loadAttributes(list)
  return {
    ...about,
    text: `program = bpf(BPF_PROG_LOAD, ${attributes.text}), bpf(BPF_PROG_ATTACH, {target_fd=cgroup, attach_bpf_fd=program, …})`,
    shell: '',
    apply({ descriptors }) {
      const loaded = invoke('bpf', [BPF.PROG_LOAD, attributes, attributes.bytes.length])
      try {
        const attach = attachAttributes(descriptors.get('cgroup')!, loaded)
        invoke('bpf', [BPF.PROG_ATTACH, attach, attach.bytes.length])
      } finally {
        attempt('close', [loaded])
      }
    },
  }
}
