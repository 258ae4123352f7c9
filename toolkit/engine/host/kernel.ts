// Checks: the kernel itself, and what we may ask of it.
import { closeSync, readFileSync } from 'node:fs'
import { attempt } from '../../kernel/call.ts'
import { AT, type CAP, MFD, SECCOMP } from '../../kernel/constants.ts'
import { ERRNO } from '../../kernel/errno.ts'
import type { Arg } from '../../kernel/step.ts'
import type { SyscallName } from '../../kernel/syscalls.ts'
import { readCapabilities } from '../../observe/capabilities.ts'
import { readLayout } from '../../observe/cgroups.ts'
import { inInitialUsers } from '../../observe/id-maps.ts'
import { readLimits } from '../../observe/limits.ts'
import { readSurroundings } from '../../observe/surroundings.ts'
import { canDetach } from '../../primitives/overlay.ts'
import { bootWith, moreRights, newKernel } from '../remedies.ts'
import { writable } from './cgroups.ts'
import { errorOf, type Finding, isRoot, missing, NEEDS_ROOT, ok } from './check.ts'

const release = (): string => readFileSync('/proc/sys/kernel/osrelease', 'utf8').trim()

const NO_FD = -1
const LAST_FD = 0xffffffff
const NOTHING = Buffer.alloc(0)

// Each with arguments that cannot do anything: it fails, but not with ENOSYS.
const CALLS: readonly [SyscallName, readonly Arg[]][] = [
  ['clone3', [0, 0]],
  ['close_range', [LAST_FD, LAST_FD, 0]],
  ['pidfd_open', [-1, 0]],
  ['pidfd_send_signal', [NO_FD, 0, null, 0]],
  ['openat2', [NO_FD, '', NOTHING, 0]],
]

export function processor(): Finding {
  return process.arch === 'x64' || process.arch === 'arm64' ? ok(process.arch) : missing(`this is ${process.arch}`)
}

export function linux(): Finding {
  const absent = CALLS.filter(([name, args]) => errorOf(name, args) === 'ENOSYS').map(([name]) => name)
  if (absent.length === 0) return ok(release())
  // A newer kernel that answers so is behind somebody's seccomp filter: we are in a container ourselves.
  const [major = 0, minor = 0] = release().split('.').map(Number)
  const isHidden = major > 5 || (major === 5 && minor >= 9)
  return missing(`${release()}, without ${absent.join(', ')}`, isHidden ? moreRights() : undefined)
}

export function detachedMounts(): Finding {
  if (!isRoot()) return NEEDS_ROOT
  return canDetach() ? ok() : missing()
}

export const mountAttributes = (): Finding =>
  errorOf('mount_setattr', [NO_FD, '', AT.EMPTY_PATH, NOTHING, 0]) === 'ENOSYS' ? missing() : ok()

const ACTIONS = { errno: 0x00050000, allow: 0x7fff0000 } // SECCOMP_RET_*, seccomp(2)

export function seccomp(): Finding {
  const word = Buffer.alloc(4)
  const absent = Object.entries(ACTIONS).filter(([, action]) => {
    word.writeUInt32LE(action)
    return errorOf('seccomp', [SECCOMP.GET_ACTION_AVAIL, 0, word]) !== undefined
  })
  return absent.length === 0 ? ok() : missing(`no ${absent.map(([name]) => name).join(', ')}`)
}

export function memfdExec(): Finding {
  let fd = attempt('memfd_create', ['toolkit-doctor', MFD.CLOEXEC | MFD.EXEC])
  if (fd === -ERRNO.EINVAL) fd = attempt('memfd_create', ['toolkit-doctor', MFD.CLOEXEC]) // before Linux 6.3
  if (fd < 0) return missing()
  closeSync(fd)
  return ok()
}

export function root(): Finding {
  if (!isRoot()) return { ...missing(`we are user ${process.getuid!()}, who may make no user namespace`), fatal: true }
  return inInitialUsers() ? ok() : missing('we are root of a user namespace only')
}

const FOR_THE_ENGINE = 'CHOWN DAC_OVERRIDE FOWNER KILL MKNOD NET_ADMIN SETGID SETPCAP SETUID SYS_ADMIN SYS_CHROOT'
// What docker gives, see capabilities(7) for each.
const FOR_CONTAINERS =
  'AUDIT_WRITE CHOWN DAC_OVERRIDE FOWNER FSETID KILL MKNOD NET_BIND_SERVICE NET_RAW SETFCAP SETGID SETPCAP SETUID SYS_CHROOT'

function lacking(words: string): (keyof typeof CAP)[] {
  const there = readCapabilities(process.pid)?.permitted ?? []
  return (words.split(' ') as (keyof typeof CAP)[]).filter(name => !there.includes(name))
}

export function capabilities(): Finding {
  if (!isRoot()) return NEEDS_ROOT
  const absent = lacking(FOR_THE_ENGINE)
  return absent.length > 0 ? missing(absent.join(' ')) : ok()
}

/** A container, or WSL, in which something is missing that its maker can give. */
export function surroundings(): Finding {
  const where = readSurroundings()
  if (where.kind === 'machine') return ok('a machine of its own')
  if (where.kind === 'wsl') {
    const isMixed = readLayout(process.pid)?.layout !== 'v2'
    if (where.version === 1) return missing('WSL 1: it has no namespaces', newKernel())
    return isMixed ? missing('WSL 2, with cgroups of v1 and v2 mixed', bootWith('cgroup_no_v1=all')) : ok('WSL 2')
  }
  const name = `a container of ${where.engine}`
  if (!isRoot()) return ok(name)
  const absent = lacking(FOR_THE_ENGINE)
  const closed = writable().state === 'missing'
  if (absent.length === 0 && !closed) return ok(name)
  const without = absent.length > 0 ? `, without ${absent.join(' ')}` : ''
  return missing(`${name}${without}${closed ? ', with cgroups that are read-only' : ''}`)
}

export function containerCapabilities(): Finding {
  if (!isRoot()) return NEEDS_ROOT
  const absent = lacking(FOR_CONTAINERS)
  return absent.length > 0 ? missing(absent.join(' ')) : ok()
}

export function sysResource(): Finding {
  if (!isRoot()) return NEEDS_ROOT
  return lacking('SYS_RESOURCE').length > 0 ? missing() : ok()
}

const ENOUGH_FILES = 1024

export function openFiles(): Finding {
  const hard = readLimits(process.pid)?.NOFILE.hard ?? 0
  return hard < ENOUGH_FILES ? missing(`${hard}`) : ok(String(hard))
}
