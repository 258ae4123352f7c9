// The flags that say who the process is and what it may do. Docker's words and values.
import { MAX_ID, parseId } from '../../image/users.ts'
import { RLIMIT } from '../../kernel/constants.ts'
import { ALL_CAPABILITIES, type CapabilityName, type CapabilityWish } from '../../primitives/capabilities.ts'
import type { Rlimit, RlimitType } from '../../primitives/rlimits.ts'
import { checkName, type Sysctl } from '../../primitives/sysctl.ts'
import type { Flag, Parsed } from '../options.ts'
import { refuseValue, unreadable } from './refuse.ts'
import { suggest } from './suggest.ts'

export const flags = {
  user: {
    short: 'u',
    value: 'USER[:GROUP]',
    help: 'who runs the command: names of the image or numbers (default: root)',
    blank: true,
  },
  'group-add': { value: 'GROUP', many: true, help: 'a further group for it' },
  'cap-add': { value: 'NAME', many: true, help: 'a capability besides the default ones, or ALL' },
  'cap-drop': { value: 'NAME', many: true, help: 'a capability it is not to have, or ALL' },
  privileged: { help: 'every capability and device we have, no masks, no seccomp filter: it may harm the host' },
  'security-opt': {
    value: 'OPTION',
    many: true,
    help: 'no-new-privileges, seccomp=unconfined, seccomp=FILE, systempaths=unconfined',
  },
  ulimit: { value: 'NAME=SOFT[:HARD]', many: true, help: 'a resource limit, such as nofile=1024:2048; -1 is none' },
  'oom-score-adj': { value: 'NUMBER', help: 'how gladly it is killed when memory runs out, -1000 to 1000' },
  sysctl: { value: 'NAME=VALUE', many: true, help: 'a kernel setting of its own network or ipc namespace' },
  'read-only': { help: 'it cannot write to its root file system' },
} satisfies Record<string, Flag>

export interface Security {
  readonly capabilities: CapabilityWish
  /** UID[:GID] or NAME[:GROUP]; looked up in the image later. */
  readonly user: string | undefined
  readonly groupAdd: readonly string[]
  readonly noNewPrivileges: boolean
  /** `default`, `unconfined`, or the path of a profile. */
  readonly seccomp: { readonly profile: 'default' | 'unconfined' } | { readonly file: string }
  /** Hide and protect parts of /proc and /sys. */
  readonly masks: boolean
  readonly rlimits: readonly Rlimit[]
  readonly oomScoreAdj: number | undefined
  readonly sysctl: Sysctl
  readonly readOnly: boolean
}

/** Reads the flags. Throws a UsageError that names the flag, the value and what is allowed. */
export function security(given: Parsed['flags']): Security {
  const many = (flag: string) => (given[flag] ?? []) as readonly string[]
  const one = (flag: string) => given[flag] as string | undefined
  const privileged = given.privileged === true
  const options = many('security-opt').map(securityOption)
  const seccomp = options.findLast(option => 'seccomp' in option)?.seccomp
  return {
    capabilities: {
      add: many('cap-add').map(value => capability('cap-add', value)),
      drop: many('cap-drop').map(value => capability('cap-drop', value)),
      privileged,
    },
    user: one('user') === undefined ? undefined : user(one('user')!),
    groupAdd: many('group-add').map(value => id('group-add', value, value)),
    noNewPrivileges: options.findLast(option => 'noNewPrivileges' in option)?.noNewPrivileges ?? false,
    seccomp: seccomp ?? { profile: privileged ? 'unconfined' : 'default' },
    masks: !privileged && !options.some(option => 'systemPaths' in option),
    rlimits: [...new Map(many('ulimit').map(value => [value.split('=')[0], ulimit(value)])).values()],
    oomScoreAdj: one('oom-score-adj') === undefined ? undefined : oomScoreAdj(one('oom-score-adj')!),
    sysctl: Object.fromEntries(many('sysctl').map(sysctl)),
    readOnly: given['read-only'] === true,
  }
}

function capability(flag: string, value: string): CapabilityName | 'ALL' {
  const word = value.toUpperCase().replace(/^CAP_/, '')
  if (word === 'ALL') return 'ALL'
  const name = ALL_CAPABILITIES.find(name => name === `CAP_${word}`)
  if (name) return name
  const close = suggest(
    word,
    ALL_CAPABILITIES.map(name => name.slice(4)),
  )
  throw refuseValue(
    flag,
    value,
    `no such capability${close ? `; did you mean ${close}?` : ''}; allowed: ALL, or a name of capabilities(7)`,
  )
}

/** A name, or a number that may be one. */
function id(flag: string, value: string, word: string): string {
  if (word === '') throw refuseValue(flag, value, 'allowed: a name of the image, or a number')
  if (/^[+-]?\d+$/.test(word) && parseId(word) === undefined) throw refuseValue(flag, value, `allowed: 0 to ${MAX_ID}`)
  return word
}

function user(value: string): string {
  const words = value.split(':')
  if (words.length > 2 || words.includes('')) throw refuseValue('user', value, 'allowed: UID[:GID] or NAME[:GROUP]')
  for (const word of words) id('user', value, word)
  return value
}

type Option =
  | { readonly seccomp: Security['seccomp'] }
  | { readonly noNewPrivileges: boolean }
  | { readonly systemPaths: false }
  | { readonly nothing: true }

const OPTIONS = 'no-new-privileges[=true|false], seccomp=unconfined|FILE, systempaths=unconfined'

function securityOption(given: string): Option {
  const [, name = '', value] = /^([^=:]*)(?:[=:](.*))?$/s.exec(given) ?? []
  if (name === 'no-new-privileges') {
    if (value === undefined || value === 'true') return { noNewPrivileges: true }
    if (value === 'false') return { noNewPrivileges: false }
    throw refuseValue('security-opt', given, 'allowed: true or false')
  }
  if (name === 'seccomp' && value) {
    if (value === 'unconfined') return { seccomp: { profile: 'unconfined' } }
    return { seccomp: value === 'builtin' ? { profile: 'default' } : { file: value } }
  }
  if (name === 'systempaths' && value === 'unconfined') return { systemPaths: false }
  if ((name === 'apparmor' && value === 'unconfined') || (name === 'label' && value === 'disable'))
    return { nothing: true }
  if (name === 'apparmor' || name === 'label')
    throw refuseValue(
      'security-opt',
      given,
      `we load no ${name === 'label' ? 'SELinux labels' : 'AppArmor profiles'}; allowed: ${name === 'label' ? 'label=disable' : 'apparmor=unconfined'}`,
    )
  throw refuseValue('security-opt', given, `allowed: ${OPTIONS}`)
}

const LIMITS = Object.keys(RLIMIT).map(name => name.toLowerCase())

/** With less the container would end while it is made: 0, 1 and 2 are open, and we open one; and it takes some time. */
const LEAST: Record<string, number> = { nofile: 4, cpu: 1 }

function ulimit(given: string): Rlimit {
  const [, name = '', softText = '', hardText = softText] = /^([^=]*)=(-1|\d+)(?::(-1|\d+))?$/.exec(given) ?? []
  if (softText === '') throw unreadable('ulimit', given, 'allowed: NAME=SOFT[:HARD] with numbers; -1 is no limit')
  if (!LIMITS.includes(name))
    throw unreadable('ulimit', given, `no such limit; allowed: ${LIMITS.toSorted().join(', ')}`)
  const [soft, hard] = [Number(softText), Number(hardText)]
  if (Math.max(soft, hard) > Number.MAX_SAFE_INTEGER)
    throw refuseValue('ulimit', given, `allowed: at most ${Number.MAX_SAFE_INTEGER}, or -1`)
  if (hard !== -1 && (soft === -1 || soft > hard)) throw unreadable('ulimit', given, 'allowed: SOFT not above HARD')
  const least = LEAST[name] ?? 0
  if (soft !== -1 && soft < least) throw refuseValue('ulimit', given, `allowed: ${name}=${least} or more`)
  return { type: `RLIMIT_${name.toUpperCase()}` as RlimitType, soft, hard }
}

function oomScoreAdj(given: string): number {
  if (!/^-?\d{1,4}$/.test(given) || Math.abs(Number(given)) > 1000)
    throw refuseValue('oom-score-adj', given, 'allowed: -1000 to 1000')
  return Number(given)
}

function sysctl(given: string): [string, string] {
  const [, name = '', value = ''] = /^([^=]+)=(.+)$/s.exec(given) ?? []
  if (value === '') throw refuseValue('sysctl', given, 'allowed: NAME=VALUE')
  checkName(name, value)
  return [name, value]
}
