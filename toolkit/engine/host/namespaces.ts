// Checks: can a process be born in a new namespace of each type.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { CLONE } from '../../kernel/constants.ts'
import { KernelError } from '../../kernel/error.ts'
import { moreRights, newKernel, orMoreRights } from '../remedies.ts'
import { type Finding, inThrowaway, isRoot, missing, NEEDS_ROOT, ok } from './check.ts'

export const FLAGS = {
  mnt: CLONE.NEWNS,
  uts: CLONE.NEWUTS,
  ipc: CLONE.NEWIPC,
  pid: CLONE.NEWPID,
  net: CLONE.NEWNET,
  user: CLONE.NEWUSER,
  cgroup: CLONE.NEWCGROUP,
  time: CLONE.NEWTIME,
} as const

export function namespace(type: keyof typeof FLAGS): Finding {
  if (!existsSync(`/proc/self/ns/${type}`)) return missing('not built into this kernel')
  if (type !== 'user' && !isRoot()) return NEEDS_ROOT
  try {
    return inThrowaway([FLAGS[type]], () => ok())
  } catch (error) {
    if (!(error instanceof KernelError)) throw error
    const limit = `user.max_${type}_namespaces`
    if (error.code === 'ENOSPC') return missing(`the limit ${limit} is reached`, `sudo sysctl ${limit}=15000`)
    // a filter of system calls answers ENOSYS, too
    const remedy = { EPERM: moreRights(), ENOSYS: orMoreRights(newKernel()) }[error.code as string]
    return missing(`${error.code} from ${error.call}`, remedy)
  }
}

const LIMITS = '/proc/sys/user'
const LOW = 100

/** The limits of this user namespace; those above it count, too, but cannot be seen. */
export function limits(): Finding {
  const low = (existsSync(LIMITS) ? readdirSync(LIMITS) : [])
    .filter(name => /^max_\w+_namespaces$/.test(name))
    .map(name => [name, Number(readFileSync(`${LIMITS}/${name}`, 'utf8'))] as const)
    .filter(([, value]) => value < LOW)
  return low.length === 0 ? ok() : missing(low.map(([name, value]) => `${name} is ${value}`).join(', '))
}

// Debian's and Ubuntu's own switches; other kernels have neither.
const SWITCHES = [
  ['kernel.unprivileged_userns_clone', '0', '1'],
  ['kernel.apparmor_restrict_unprivileged_userns', '1', '0'],
] as const

export function forUsers(): Finding {
  for (const [name, closed, open] of SWITCHES) {
    const path = `/proc/sys/${name.replaceAll('.', '/')}`
    if (existsSync(path) && readFileSync(path, 'utf8').trim() === closed)
      return missing(`${name} is ${closed}`, `sudo sysctl ${name}=${open}`)
  }
  return ok()
}
