// A seccomp profile: the `linux.seccomp` of an OCI config.json, and the extended form in which docker and podman write
// their files, with rules for some capabilities, processors or kernels only. Extended is reduced to plain before it is
// compiled.
// https://github.com/opencontainers/runtime-spec/blob/main/config-linux.md#seccomp

/** seccomp(2): the value that a filter returns for each action, where several filters apply the lowest wins. */
export const ACTIONS = {
  SCMP_ACT_KILL: 0,
  SCMP_ACT_KILL_THREAD: 0,
  SCMP_ACT_KILL_PROCESS: 0x80000000,
  SCMP_ACT_TRAP: 0x30000,
  SCMP_ACT_ERRNO: 0x50000,
  SCMP_ACT_TRACE: 0x7ff00000,
  SCMP_ACT_LOG: 0x7ffc0000,
  SCMP_ACT_ALLOW: 0x7fff0000,
} as const
export type Action = keyof typeof ACTIONS

export const OPERATORS = [
  'SCMP_CMP_NE',
  'SCMP_CMP_LT',
  'SCMP_CMP_LE',
  'SCMP_CMP_EQ',
  'SCMP_CMP_GE',
  'SCMP_CMP_GT',
  'SCMP_CMP_MASKED_EQ',
] as const
export type Operator = (typeof OPERATORS)[number]

/** The processors whose calls a kernel of ours may take, by libseccomp's names. */
export const ARCHITECTURES = {
  SCMP_ARCH_X86_64: 'x64',
  SCMP_ARCH_X86: 'i386',
  SCMP_ARCH_X32: 'x32',
  SCMP_ARCH_AARCH64: 'arm64',
  SCMP_ARCH_ARM: 'arm',
} as const

/** What seccomp(2) is told besides the filter. TSYNC means all threads; a new process has one. */
export const FLAGS = {
  SECCOMP_FILTER_FLAG_TSYNC: 1,
  SECCOMP_FILTER_FLAG_LOG: 2,
  SECCOMP_FILTER_FLAG_SPEC_ALLOW: 4,
} as const
export type Flag = keyof typeof FLAGS

/** One comparison with an argument of the call, all 64 bits of it, unsigned. */
export interface Condition {
  /** Which argument, 0 to 5. */
  readonly index: number
  /** What it is compared with; the mask, for MASKED_EQ. */
  readonly value: number | bigint
  /** What is left under the mask, for MASKED_EQ. */
  readonly valueTwo?: number | bigint
  readonly op: Operator
}

export interface Rule {
  readonly names: readonly string[]
  readonly action: Action
  /** For ERRNO and TRACE, 0 to 4095; EPERM where it is left out. */
  readonly errnoRet?: number
  readonly args?: readonly Condition[]
}

/** `linux.seccomp` of the OCI runtime spec. */
export interface Seccomp {
  readonly defaultAction: Action
  readonly defaultErrnoRet?: number
  /** SCMP_ARCH_…; the processor's own is always meant. */
  readonly architectures?: readonly string[]
  readonly flags?: readonly Flag[]
  readonly syscalls?: readonly Rule[]
}

/** Where a rule of an extended profile applies. */
export interface Filter {
  /** CAP_…: all of them to include, any of them to exclude. */
  readonly caps?: readonly string[]
  /** amd64, arm64 … */
  readonly arches?: readonly string[]
  /** major.minor */
  readonly minKernel?: string
}

/** The extended form of docker and podman. */
export interface Profile extends Omit<Seccomp, 'syscalls'> {
  readonly archMap?: readonly { readonly architecture: string; readonly subArchitectures?: readonly string[] }[]
  readonly syscalls?: readonly (Rule & { readonly includes?: Filter; readonly excludes?: Filter })[]
}

/** What an extended profile is reduced for. */
export interface Host {
  readonly arch: 'x64' | 'arm64'
  /** The bounding set: CAP_CHOWN … */
  readonly capabilities: readonly string[]
  /** As `uname -r` says it; only major.minor counts. */
  readonly kernel: string
}

const NATIVE = {
  x64: { scmp: 'SCMP_ARCH_X86_64', go: 'amd64' },
  arm64: { scmp: 'SCMP_ARCH_AARCH64', go: 'arm64' },
} as const

function atLeast(kernel: string, wanted: string): boolean {
  const [major = 0, minor = 0] = kernel.split(/[.-]/).map(Number)
  const [wantedMajor = 0, wantedMinor = 0] = wanted.split('.').map(Number)
  return major !== wantedMajor ? major > wantedMajor : minor >= wantedMinor
}

/** The plain OCI form of a profile on this host. */
export function reduce(profile: Profile, { arch, capabilities, kernel }: Host): Seccomp {
  const { scmp, go } = NATIVE[arch]
  const has = (name: string) => capabilities.includes(name)
  const included = ({ caps = [], arches = [], minKernel }: Filter) =>
    caps.every(has) && (arches.length === 0 || arches.includes(go)) && (!minKernel || atLeast(kernel, minKernel))
  const excluded = ({ caps = [], arches = [], minKernel }: Filter) =>
    caps.some(has) || arches.includes(go) || (minKernel !== undefined && atLeast(kernel, minKernel))
  const { archMap, syscalls = [], ...plain } = profile
  const mapped = archMap?.find(({ architecture }) => architecture === scmp)
  return {
    ...plain,
    architectures: [...(profile.architectures ?? []), scmp, ...(mapped?.subArchitectures ?? [])].filter(
      (name, i, all) => all.indexOf(name) === i,
    ),
    syscalls: syscalls
      .filter(({ includes = {}, excludes = {} }) => included(includes) && !excluded(excludes))
      .map(({ names, action, errnoRet, args }) => ({
        names,
        action,
        ...(errnoRet !== undefined && { errnoRet }),
        ...(args?.length && { args }),
      })),
  }
}
