// Capabilities: root's power in some forty pieces, each of which can be given up. capabilities(7).
//
// A process has five sets of them. `bounding` is what it and its children can ever get again, `permitted` what it may
// use, `effective` what it uses now. `inheritable` and `ambient` would carry a right over execve to a program that is
// not root's; both stay empty, or file capabilities in an image could make use of them (CVE-2022-24769).
import { attempt } from '../kernel/call.ts'
import { CAP, PR } from '../kernel/constants.ts'
import { type Step, type Struct, step } from '../kernel/step.ts'

const lesson = '17-security'

export type CapabilityName = `CAP_${keyof typeof CAP}`

/** `process.capabilities` in an OCI config.json. */
export interface Capabilities {
  readonly bounding: readonly CapabilityName[]
  readonly effective: readonly CapabilityName[]
  readonly permitted: readonly CapabilityName[]
  readonly inheritable: readonly CapabilityName[]
  readonly ambient: readonly CapabilityName[]
}

/** Whoever has it may … */
const POWER: Record<keyof typeof CAP, string> = {
  CHOWN: 'give files away to other users',
  DAC_OVERRIDE: 'read, write and enter what the modes forbid',
  DAC_READ_SEARCH: 'read what the modes forbid, and open files by handle, past every mount',
  FOWNER: 'change modes and attributes of other users’ files',
  FSETID: 'keep the set-user-ID bit of a file when changing it',
  KILL: 'send signals to other users’ processes',
  SETGID: 'take any group',
  SETUID: 'become any user',
  SETPCAP: 'drop capabilities for good',
  LINUX_IMMUTABLE: 'change the flags that make a file immutable',
  NET_BIND_SERVICE: 'listen on ports below 1024',
  NET_BROADCAST: 'use it: the kernel has never asked for it',
  NET_ADMIN: 'change links, addresses, routes and the firewall',
  NET_RAW: 'send and receive raw packets, as ping may',
  IPC_LOCK: 'keep memory from being swapped, without limit',
  IPC_OWNER: 'use other users’ shared memory and queues',
  SYS_MODULE: 'load code into the kernel',
  SYS_RAWIO: 'use the hardware’s ports and memory directly',
  SYS_CHROOT: 'change the root directory of a process',
  SYS_PTRACE: 'look into other users’ processes and change them',
  SYS_PACCT: 'switch process accounting on',
  SYS_ADMIN: 'mount, enter namespaces, and very much else',
  SYS_BOOT: 'restart the machine, or load another kernel',
  SYS_NICE: 'raise priorities, and bind processes to processors',
  SYS_RESOURCE: 'raise limits and use what is reserved for root',
  SYS_TIME: 'set the clock',
  SYS_TTY_CONFIG: 'hang up terminals',
  MKNOD: 'make device nodes',
  LEASE: 'take leases on files',
  AUDIT_WRITE: 'write to the audit log, as login must',
  AUDIT_CONTROL: 'change what is audited',
  SETFCAP: 'put capabilities on files',
  MAC_OVERRIDE: 'pass by the rules of a security module',
  MAC_ADMIN: 'change the rules of a security module',
  SYSLOG: 'read the kernel’s log and its addresses',
  WAKE_ALARM: 'wake the machine up by a timer',
  BLOCK_SUSPEND: 'keep the machine from sleeping',
  AUDIT_READ: 'read the audit log',
  PERFMON: 'watch the whole machine’s performance events',
  BPF: 'load BPF programs into the kernel',
  CHECKPOINT_RESTORE: 'choose the pid of a new process',
}

/** All that this program knows by name, in the kernel's order: the position of each is its bit. */
export const ALL_CAPABILITIES: readonly CapabilityName[] = (Object.keys(CAP) as (keyof typeof CAP)[]).map(
  name => `CAP_${name}` as const,
)

const bitOf = (name: CapabilityName): number => CAP[name.slice(4) as keyof typeof CAP]

/** What root of a container has unless told otherwise; docker's list. */
export const DEFAULT_CAPABILITIES: readonly CapabilityName[] = [
  'CAP_CHOWN',
  'CAP_DAC_OVERRIDE',
  'CAP_FOWNER',
  'CAP_FSETID',
  'CAP_KILL',
  'CAP_SETGID',
  'CAP_SETUID',
  'CAP_SETPCAP',
  'CAP_NET_BIND_SERVICE',
  'CAP_NET_RAW',
  'CAP_SYS_CHROOT',
  'CAP_MKNOD',
  'CAP_AUDIT_WRITE',
  'CAP_SETFCAP',
]

/** What there is to give. */
export interface Available {
  /** What this process has in its bounding set, by name. */
  readonly held: readonly CapabilityName[]
  /** The highest number that the kernel knows. It may be one that has no name here yet. */
  readonly last: number
}

let found: Available | undefined

/** What this process can pass on. Asks the kernel, once: it stays the same as long as nobody drops something. */
export function available(): Available {
  found ??= ask()
  return found
}

function ask(): Available {
  const has = (bit: number): number => attempt('prctl', [PR.CAPBSET_READ, bit, 0, 0, 0]) // 1, 0, or -EINVAL
  let last = ALL_CAPABILITIES.length - 1
  while (has(last) < 0) last--
  while (has(last + 1) >= 0) last++
  return { last, held: ALL_CAPABILITIES.filter(name => has(bitOf(name)) === 1) }
}

export interface CapabilityWish {
  /** Names or 'ALL'. */
  readonly add: readonly (CapabilityName | 'ALL')[]
  readonly drop: readonly (CapabilityName | 'ALL')[]
  readonly privileged: boolean
}

/** What was asked for by name, and is not there to be given; undefined where all is. */
export const lacking = (
  { add, privileged }: CapabilityWish,
  { held }: Pick<Available, 'held'>,
): CapabilityName | undefined =>
  privileged ? undefined : add.filter(name => name !== 'ALL').find(name => !held.includes(name))

/**
 * The capabilities of a container, docker's way: privileged is all; --cap-add ALL is all but those dropped; --cap-drop
 * ALL is only those added; else the default without those dropped and with those added. What this process
 * has not got itself is left out; whether that was asked for, tells `lacking`.
 */
export function choose({ add, drop, privileged }: CapabilityWish, { held }: Pick<Available, 'held'>): Capabilities {
  const named = add.filter(name => name !== 'ALL')
  const chosen = new Set<string>(
    privileged
      ? held
      : add.includes('ALL')
        ? held.filter(name => !drop.includes(name))
        : drop.includes('ALL')
          ? named
          : [...DEFAULT_CAPABILITIES.filter(name => !drop.includes(name)), ...named],
  )
  const set = held.filter(name => chosen.has(name))
  return { bounding: set, effective: set, permitted: set, inheritable: [], ambient: [] }
}

/** Gives up for good, also for a set-user-ID program, what the container is not to have. Needs SETPCAP. */
export function bound({ bounding }: Pick<Capabilities, 'bounding'>, { last }: Pick<Available, 'last'>): Step[] {
  const steps: Step[] = []
  for (let bit = 0; bit <= last; bit++) {
    const name = ALL_CAPABILITIES[bit]
    if (name && bounding.includes(name)) continue
    const power = name ? POWER[name.slice(4) as keyof typeof CAP] : 'do what only a newer kernel knows'
    steps.push(
      step('prctl', [PR.CAPBSET_DROP, bit, 0, 0, 0], {
        why: `${name ?? `capability ${bit}`}: nobody in here will ever ${power}`,
        lesson,
        shell: `capsh --drop=${name?.toLowerCase() ?? bit}`,
      }),
    )
  }
  return steps
}

const header: Struct = {
  bytes: Buffer.from(Uint32Array.of(0x20080522, 0).buffer),
  text: '{_LINUX_CAPABILITY_VERSION_3}',
}

/** struct cap_user_data_t[2] of capset(2): the low words of the three sets, then the high words. */
function sets(permitted: readonly CapabilityName[], inheritable: readonly CapabilityName[]): Struct {
  const words = new Uint32Array(6)
  const put = (at: number, names: readonly CapabilityName[]) => {
    for (const bit of names.map(bitOf)) words[at + 3 * (bit >> 5)]! |= 1 << (bit & 31)
  }
  const say = (names: readonly CapabilityName[]) => names.map(name => name.slice(4)).join('|') || '0'
  put(0, permitted) // effective
  put(1, permitted)
  put(2, inheritable)
  const text = `{effective=permitted=${say(permitted)}, inheritable=${say(inheritable)}}`
  return { bytes: Buffer.from(words.buffer), text }
}

/** What the last steps before the program need besides what the container may have. */
const STILL_NEEDED: readonly CapabilityName[] = ['CAP_SYS_ADMIN', 'CAP_DAC_READ_SEARCH']

/** The rights of the last steps: to enter the working directory, and to load a seccomp filter. After the change of user. */
export function keep({ permitted }: Pick<Capabilities, 'permitted'>): Step[] {
  const set = ALL_CAPABILITIES.filter(name => permitted.includes(name) || STILL_NEEDED.includes(name))
  return [
    step('capset', [header, sets(set, [])], {
      why: 'the change of user has switched the capabilities off; SYS_ADMIN stays until the seccomp filter is loaded',
      lesson,
      shell: '',
    }),
  ]
}

/**
 * What is left at last. A program of an ordinary user has none of it: execve empties both sets for all but root. With
 * nothing inheritable the kernel empties the ambient set, too.
 */
export function final({ permitted, inheritable }: Pick<Capabilities, 'permitted' | 'inheritable'>): Step[] {
  return [
    step('capset', [header, sets(permitted, inheritable)], {
      why: 'root in here has these pieces of root’s power and no others',
      lesson,
      shell: '',
    }),
  ]
}
