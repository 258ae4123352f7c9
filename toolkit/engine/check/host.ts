// What is left on the machine of containers that are gone: groups, mounts, processes; and of tutors, and of tools.
import { closeSync, existsSync, readFileSync, realpathSync, statSync } from 'node:fs'
import { basename, resolve } from 'node:path'
import { stateDir } from '../../image/paths.ts'
import { rootfsDir } from '../../image/rootfs.ts'
import { attempt, invoke } from '../../kernel/call.ts'
import { MNT, SIG } from '../../kernel/constants.ts'
import { cgroupsBelow, processesIn, readLayout } from '../../observe/cgroups.ts'
import { isLabName } from '../../observe/lab-name.ts'
import { readMounts } from '../../observe/mounts.ts'
import { overlayLayers } from '../../observe/overlay.ts'
import { isAlive, processes, readStat } from '../../observe/process.ts'
import { removeCgroup } from '../cgroup/cgroup.ts'
import { labsDir, sweepLabs } from '../lab/record.ts'
import { entries, isFree, remove } from '../state/files.ts'
import { idsIn, rootDir } from '../state/store.ts'
import type { Finding } from './finding.ts'

const OLD = 600_000 // milliseconds without a process after which a group is nobody's: one is made just before its process

/** The groups of containers, wherever they lie: TOP/…/toolkit/ID, or in a --cgroup-parent. */
const containerGroups = (directory: string): string[] =>
  cgroupsBelow(directory).flatMap(group => (/\/[0-9a-f]{12}$/.test(group) ? [group] : containerGroups(group)))

function isOld(directory: string): boolean {
  try {
    return Date.now() - statSync(directory).mtimeMs > OLD
  } catch {
    return false // gone
  }
}

/** Groups of containers that have ended; and empty ones where our own lie, which nobody has known for a while. */
function cgroups(): Finding[] {
  const [live, ended] = [idsIn('live'), idsIn('ended')]
  const hierarchies = readLayout(process.pid)?.hierarchies ?? []
  return hierarchies.flatMap(({ mountPoint, directory }) =>
    (mountPoint === undefined ? [] : containerGroups(mountPoint)).flatMap((group): Finding[] => {
      const id = basename(group)
      const known = ended.includes(id)
      const isNobodys = group === `${directory}/toolkit/${id}` && processesIn(group).length === 0 && isOld(group)
      if (live.includes(id) || !(known || isNobodys)) return []
      const meaning = known ? `a group of container ${id}, which has ended` : 'an empty group of no container'
      const repair = () => {
        removeCgroup([group])
        return 'removed it'
      }
      return [{ kind: 'cgroup', subject: group, meaning, repair }]
    }),
  )
}

const isBelow = (path: string, top: string): boolean => path.startsWith(`${top}/`)

/** The engine mounts nothing on the host that anybody else could see. */
function mounts(top: string): Finding[] {
  const found = (readMounts(process.pid) ?? []).filter(({ mountPoint }) => isBelow(mountPoint, top))
  return found.toReversed().map(({ mountPoint, fsType }) => ({
    kind: 'mount',
    subject: mountPoint,
    meaning: `mounted on the host (${fsType}), where containers keep their files`,
    repair() {
      const result = attempt('umount2', [mountPoint, MNT.DETACH])
      return result === 0 ? 'unmounted it' : 'it had gone'
    },
  }))
}

/** Processes whose files are those of a container that has no directory any more. */
function lost(top: string): Finding[] {
  const known = new Set([...idsIn('live'), ...idsIn('ended')])
  return processes().flatMap(({ pid, startTime }): Finding[] => {
    const root = readMounts(pid)?.find(({ mountPoint }) => mountPoint === '/')
    const upper = root && overlayLayers(root)?.upper
    if (!upper || !isBelow(upper, top)) return []
    const [, id = ''] = /\/live\/([0-9a-f]{12})\/upper$/.exec(upper) ?? []
    if (id === '' || known.has(id)) return []
    const repair = () => {
      const pidfd = attempt('pidfd_open', [pid, 0])
      if (pidfd < 0) return 'it had ended'
      try {
        if (isAlive(pid, startTime)) invoke('pidfd_send_signal', [pidfd, SIG.KILL, null, 0])
      } finally {
        closeSync(pidfd)
      }
      return 'ended it'
    }
    return [
      { kind: 'process', subject: String(pid), meaning: `of container ${id}, of which nothing else is left`, repair },
    ]
  })
}

function labs(): Finding[] {
  return entries(labsDir())
    .filter(isLabName)
    .flatMap((name): Finding[] => {
      if (!isFree(`${labsDir()}/${name}`)) return [] // it lives
      const repair = () => {
        sweepLabs()
        return 'removed what was left of it'
      }
      return [{ kind: 'lab', subject: name, meaning: 'its tutor was killed', repair }]
    })
}

/** What can be made again. */
function caches(): Finding[] {
  const removed = (path: string) => () => {
    remove(path)
    return 'removed it: it is made again when it is needed'
  }
  const cache = `${resolve(stateDir())}/cache/seccomp`
  const torn = entries(cache)
    .map(name => `${cache}/${name}`)
    .filter(path => (path.endsWith('.new') ? isOld(path) : !isFilter(path)))
    .map(path => ({
      kind: 'cache' as const,
      subject: path,
      meaning: 'a compiled filter, not whole',
      repair: removed(path),
    }))
  const halves = entries(rootfsDir()).flatMap(name => {
    const path = `${rootfsDir()}/${name}`
    const [, pid] = /^\.busybox-rootfs-(\d+)$/.exec(name) ?? []
    const isHalf = pid !== undefined ? !readStat(Number(pid)) : name.endsWith('.gone') || isEmptyBusybox(name, path)
    return isHalf
      ? [{ kind: 'cache' as const, subject: path, meaning: 'a root file system, not whole', repair: removed(path) }]
      : []
  })
  return [...torn, ...halves]
}

const isEmptyBusybox = (name: string, path: string): boolean => name === 'busybox' && !existsSync(`${path}/bin/busybox`)

function isFilter(path: string): boolean {
  try {
    const bytes = readFileSync(path)
    const [size, rest] = [bytes.readUInt32LE(8), bytes.readUInt32LE(12)]
    return size > 0 && 20 + size + rest === bytes.length
  } catch {
    return false
  }
}

/** Changes nothing. */
export function checkHost(): Finding[] {
  const state = existsSync(rootDir()) ? realpathSync(rootDir()) : undefined
  return [...(state === undefined ? [] : [...lost(state), ...cgroups(), ...mounts(state)]), ...labs(), ...caches()]
}
