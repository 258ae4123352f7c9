// Cgroups on the real kernel, whichever layout it has: limits by what they prevent, and groups that leave nothing.
import { execFileSync, spawnSync } from 'node:child_process'
import { closeSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import {
  type AllResources,
  figures,
  oomKilled,
  type Prepared,
  pause,
  prepareCgroup,
  removeCgroup,
  resume,
} from '../../toolkit/engine/cgroup/cgroup.ts'
import { CLONE } from '../../toolkit/kernel/constants.ts'
import { UsageError } from '../../toolkit/kernel/usage-error.ts'
import { controllerState, directoriesOf, readLayout } from '../../toolkit/observe/cgroups.ts'
import { readStat } from '../../toolkit/observe/process.ts'
import { join } from '../../toolkit/primitives/cgroups.ts'
import * as mount from '../../toolkit/primitives/mount.ts'
import { until } from '../observe/helpers.ts'
import { type Inside, inCgroup, newId, type Options } from './in-cgroup.ts'

const root = process.getuid!() === 0
const { layout } = readLayout(process.pid)!

let open: Inside[] = []
const inside = (resources: AllResources, script: string, options: Options = {}): Inside => {
  const process = inCgroup(resources, script, options)
  open.push(process)
  return process
}
afterEach(() => {
  const last = open
  open = []
  for (const process of last) process.end()
  for (const directory of last.flatMap(({ directories }) => directories)) expect(existsSync(directory)).toBe(false)
})

/** Makes the groups. */
function apply({ before }: Prepared): void {
  const descriptors = new Map<string, number>()
  try {
    for (const action of before) action.apply({ descriptors })
  } finally {
    for (const fd of descriptors.values()) closeSync(fd)
  }
}

const plain = () => ({ id: newId(), resources: {}, privateNamespace: false })
const has = (directory: string, controller: string) =>
  readFileSync(`${directory}/cgroup.subtree_control`, 'utf8').split(/\s+/).includes(controller)

/** What stands in the way of a controller here, as the end of a test's name; '' where nothing does. */
function without(resources: AllResources): string {
  if (!root) return ' (skipped: needs root)'
  try {
    prepareCgroup({ id: newId(), resources, privateNamespace: false })
    return ''
  } catch (error) {
    return ` (skipped: ${(error as Error).message})`
  }
}

describe.skipIf(!root)(`groups on ${layout}${root ? '' : ' (skipped: needs root)'}`, () => {
  test('a process is in its groups and in no other', () => {
    const { directories, pid } = inside({}, 'read x')
    expect(directories.length).toBeGreaterThan(0)
    const [ours, its] = [directoriesOf(process.pid), directoriesOf(pid)]
    expect(its).toEqual(expect.arrayContaining([...directories]))
    for (const directory of its) {
      if (!directories.includes(directory)) expect(ours).toContain(directory)
      else expect(readFileSync(`${directory}/cgroup.procs`, 'utf8')).toBe(`${pid}\n`)
    }
    expect(figures(directories).processes).toEqual([pid])
  })

  test('on v1 they lie below our own, on v2 below it or the nearest group above that can pass controllers on', () => {
    for (const directory of inside({}, ':').directories) {
      const top = dirname(dirname(directory))
      expect(directoriesOf(process.pid).some(own => own === top || (layout === 'v2' && own.startsWith(top)))).toBe(true)
    }
  })

  test('a group that is there already is refused, and left alone', () => {
    const wish = { id: newId(), resources: {}, privateNamespace: false }
    const prepared = prepareCgroup(wish)
    const taken = prepared.directories.at(-1)!
    mkdirSync(taken, { recursive: true })
    try {
      expect(() => prepareCgroup(wish)).toThrow(/is there already/)
      expect(() => apply(prepared)).toThrow(UsageError)
      expect(() => apply(prepared)).toThrow(/is there already/)
    } finally {
      removeCgroup(prepared.directories)
    }
    expect(existsSync(taken)).toBe(false)
  })

  test('the shared group above may vanish while a group is made in it', () => {
    const [first, second] = [1, 2].map(() => prepareCgroup({ id: newId(), resources: {}, privateNamespace: false }))
    apply(first!)
    removeCgroup(first!.directories) // with it goes the group above
    apply(second!)
    expect(second!.directories.every(directory => statSync(directory).isDirectory())).toBe(true)
    removeCgroup(second!.directories)
    removeCgroup(second!.directories) // gone is as good
  })

  test('removal ends what is left, also in groups that the container has made', async () => {
    const { directories, scratch, wait } = inside(
      {},
      `sleep 1000 & echo $! > $SCRATCH/a
       for group in $(cat $SCRATCH/groups); do mkdir $group/nested $group/nested/deep; done
       sleep 1000 & for group in $(cat $SCRATCH/groups); do echo $! > $group/nested/deep/cgroup.procs; done
       echo $! > $SCRATCH/b`.replace(/^/, 'until [ -s $SCRATCH/groups ]; do sleep 0.01; done; '),
    )
    writeFileSync(`${scratch}/groups`, directories.join(' '))
    expect(wait()).toBe(0)
    const pids = ['a', 'b'].map(name => Number(readFileSync(`${scratch}/${name}`, 'utf8')))
    expect(figures(directories).processes.toSorted()).toEqual(pids.toSorted())
    removeCgroup(directories)
    for (const directory of directories) expect(existsSync(directory)).toBe(false)
    for (const pid of pids) await until(() => ['Z', undefined].includes(readStat(pid)?.state)) // nobody here waits for it
  })

  test('removal refuses the group that we are in ourselves', () => {
    const own = directoriesOf(process.pid).find(directory => readFileSync(`${directory}/cgroup.procs`, 'utf8'))!
    expect(() => removeCgroup([own])).toThrow(/this process itself is in it|rmdir|EBUSY/)
    expect(existsSync(own)).toBe(true)
  })

  const place = layout === 'v2' && root ? dirname(dirname(prepareCgroup(plain()).directories[0]!)) : undefined
  const noPlace = place && has(place, 'memory') ? '' : ' (skipped: needs v2 and its memory controller)'
  test.skipIf(noPlace)(`a controller that systemd takes back in the meantime is passed on once more${noPlace}`, () => {
    const top = `${place}/test-${process.pid}`
    const own = `${top}/own`
    for (const directory of [top, own, `${own}/engine`]) mkdirSync(directory)
    for (const group of [top, own]) writeFileSync(`${group}/cgroup.subtree_control`, '+memory')
    const unified = { version: 2, controllers: ['memory'], path: '/own/engine', writable: true } as const
    const hierarchies = [{ ...unified, mountPoint: top, directory: `${own}/engine` }]
    const resources = { memory: { limit: 32 << 20 } }
    const prepared = prepareCgroup({ ...plain(), resources }, { layout: 'v2', hierarchies })
    for (const group of [own, top]) writeFileSync(`${group}/cgroup.subtree_control`, '-memory')
    apply(prepared)
    expect(figures(prepared.directories).memory?.limit).toBe(32 << 20)
    removeCgroup(prepared.directories)
    removeCgroup([top])
    expect(existsSync(top)).toBe(false)
  })

  test('joining on v1 is by tasks, which does not stop the machine’s forks', () => {
    const steps = join(['/a', '/b'])
    expect(steps.map(({ call }) => call)).toEqual('close_range openat write close openat write close'.split(' '))
    expect(steps.filter(({ call }) => call === 'openat').map(({ args }) => args[1])).toEqual(['/a/tasks', '/b/tasks'])
  })
})

describe('limits, by their effect', () => {
  const memory = { memory: { limit: 16 << 20, swap: 16 << 20 } }
  test.skipIf(without(memory))(`a program that takes more memory is killed, and counted${without(memory)}`, () => {
    const { output, wait, directories } = inside(memory, 'tail /dev/zero; echo status $?')
    expect(oomKilled(directories)).toBe(false)
    expect(wait()).toBe(0)
    expect(output()).toContain('status 137')
    expect(oomKilled(directories)).toBe(true)
    const { memory: found } = figures(directories)
    expect(found).toMatchObject({ limit: 16 << 20, oomKills: 1 })
    expect(found!.peak).toBeLessThanOrEqual(16 << 20)
    if (found!.swap) expect(found!.swap.limit).toBe(0)
  })

  const pids = { pids: { limit: 5 } }
  test.skipIf(without(pids))(`a program that starts processes without end gets an error${without(pids)}`, () => {
    const { output, wait, directories } = inside(
      pids,
      'i=0; while [ $i -lt 20 ]; do sleep 1000 & i=$((i+1)); done; echo all',
    )
    expect(wait()).not.toBe(0)
    expect(output()).toMatch(/fork/i)
    expect(figures(directories).pids).toMatchObject({ current: 4, limit: 5 })
  })

  test.skipIf(without(pids))(`without being asked, it is 2048 processes${without(pids)}`, () => {
    expect(figures(inside({}, ':').directories).pids?.limit).toBe(2048)
    expect(figures(inside({ pids: { limit: -1 } }, ':').directories).pids?.limit).toBe(Number.POSITIVE_INFINITY)
  })

  const cpu = { cpu: { quota: 10_000, period: 50_000, shares: 512 } }
  test.skipIf(without(cpu))(`a busy program waits for its next period${without(cpu)}`, () => {
    const { wait, directories } = inside(cpu, 'i=0; while [ $i -lt 40000 ]; do i=$((i+1)); done')
    expect(wait()).toBe(0)
    const found = figures(directories).cpu!
    expect(found).toMatchObject({ quota: 10_000, period: 50_000 })
    expect(found.throttledPeriods).toBeGreaterThan(0)
    expect(found.throttled).toBeGreaterThan(0)
    expect(found.usage).toBeGreaterThan(10_000)
    expect(found.shares ?? found.weight).toBe(found.shares === undefined ? 59 : 512)
  })

  const cpuset = { cpu: { cpus: '0', mems: '0' } }
  test.skipIf(without(cpuset))(`it runs on these processors only${without(cpuset)}`, () => {
    const { output, wait, directories } = inside(cpuset, 'grep Cpus_allowed_list: /proc/self/status')
    expect(wait()).toBe(0)
    expect(output()).toBe('Cpus_allowed_list:\t0\n')
    expect(figures(directories).cpuset).toEqual({ cpus: '0', mems: '0' })
  })

  const [disk] = root ? disks() : []
  const io = { blockIO: { throttleReadBpsDevice: [{ major: 0, minor: 0, rate: 1 << 20, ...disk }] } }
  const noDisk = disk ? without(io) : ' (skipped: no disk here)'
  test.skipIf(noDisk)(`a limit for a disk is what the kernel shows${noDisk}`, () => {
    const { directories } = inside(io, ':')
    const files = directories.flatMap(directory =>
      ['blkio.throttle.read_bps_device', 'io.max'].map(file => `${directory}/${file}`),
    )
    const text = files.filter(existsSync).map(file => readFileSync(file, 'utf8'))
    expect(text.join()).toMatch(new RegExp(`^${disk!.major}:${disk!.minor} (rbps=)?1048576`, 'm'))
  })

  const weight = { blockIO: { weight: 500 } }
  test.skipIf(without(weight))(`a share of busy disks, or an error that says what it needs${without(weight)}`, () => {
    try {
      const { directories } = inside(weight, ':')
      const files = directories.flatMap(directory =>
        ['blkio.bfq.weight', 'blkio.weight', 'io.bfq.weight', 'io.weight'].map(file => `${directory}/${file}`),
      )
      const [found] = files.filter(existsSync).map(file => readFileSync(file, 'utf8'))
      expect(found).toMatch(/^(default )?(500|4950)$/m)
    } catch (error) {
      expect((error as Error).message).toMatch(/^--blkio-weight: this kernel has no .*BFQ/)
    }
  })

  test.skipIf(!root)('what the kernel does not take is an error that names flag, value and reason', () => {
    const refused = (resources: AllResources) => {
      const prepared = prepareCgroup({ id: newId(), resources, privateNamespace: false })
      try {
        apply(prepared)
      } finally {
        removeCgroup(prepared.directories)
      }
    }
    if (!without(cpu)) expect(() => refused({ cpu: { quota: 5 } })).toThrow(/--cpu-quota: .* 5 .*1000 µs/)
    if (!without(cpuset))
      expect(() => refused({ cpu: { cpus: '4000' } })).toThrow(/--cpuset-cpus: .* 4000 .*cpuset.cpus/)
    if (!noDisk) {
      const throttleReadBpsDevice = [{ major: 4000, minor: 9, rate: 1 }]
      expect(() => refused({ blockIO: { throttleReadBpsDevice } })).toThrow(/--device-read-bps: .*no such disk/)
    }
  })
})

function disks(): { major: number; minor: number }[] {
  return readdirSync('/sys/block')
    .filter(name => /^(vd|sd|nvme|xvd)/.test(name))
    .map(name => readFileSync(`/sys/block/${name}/dev`, 'utf8').trim().split(':').map(Number))
    .map(([major, minor]) => ({ major: major!, minor: minor! }))
}

describe.skipIf(!root)(`devices${root ? '' : ' (skipped: needs root)'}`, () => {
  const tries = (nodes: string) => `cd $SCRATCH
    for node in ${nodes}; do set -- $(echo $node | tr : ' ')
      mknod n$2-$3 $1 $2 $3 && { head -c 1 n$2-$3 >/dev/null 2>error && echo $node works || cat error; }
    done`

  test('any node can be made, and opening one that is not allowed fails with EPERM', () => {
    const { output, wait } = inside({}, tries('c:1:1 b:8:0 c:10:229 c:1:3 c:1:5'))
    expect(wait()).toBe(0)
    const text = output().split('\n').filter(Boolean)
    expect(text.filter(line => line.endsWith('Operation not permitted'))).toHaveLength(3)
    expect(text.filter(line => line.endsWith('works'))).toEqual(['c:1:3 works', 'c:1:5 works'])
  })

  // 1:11 is the kernel's log
  test('one that is given works as far as it is given', () => {
    const devices = [{ allow: true, type: 'c' as const, major: 1, minor: 11, access: 'r' }]
    const { output, wait } = inside({ devices }, 'cd $SCRATCH; mknod log c 1 11; exec 3<log && echo reads; exec 4>log')
    expect(wait()).not.toBe(0)
    expect(output()).toMatch(/^reads\n.*Operation not permitted/s)
  })

  test('all of them, as for --privileged', () => {
    const devices = [{ allow: true, access: 'rwm' }]
    const { output, wait } = inside({ devices }, 'cd $SCRATCH; mknod log c 1 11; exec 3<>log && echo works')
    expect(wait()).toBe(0)
    expect(output()).toBe('works\n')
  })
})

const noFreezer = !root ? 'needs root' : layout !== 'v2' && controllerState('freezer') !== 'mounted' ? 'no freezer' : ''
describe.skipIf(noFreezer)(`the freezer${noFreezer && ` (skipped: ${noFreezer})`}`, () => {
  const busy = 'while :; do echo >> $SCRATCH/progress; sleep 0.01; done'
  const size = (scratch: string) => statSync(`${scratch}/progress`, { throwIfNoEntry: false })?.size ?? 0

  test('stops all processes and lets them go on', async () => {
    const { directories, scratch } = inside({}, busy)
    await until(() => size(scratch) > 1)
    expect(figures(directories).frozen).toBe(false)
    pause(directories)
    expect(figures(directories).frozen).toBe(true)
    const before = size(scratch)
    await new Promise(resolve => setTimeout(resolve, 100))
    expect(size(scratch)).toBe(before)
    resume(directories)
    expect(figures(directories).frozen).toBe(false)
    await until(() => size(scratch) > before)
  })

  test('a frozen group is removed like any other', async () => {
    const { directories, scratch, wait } = inside({}, busy)
    await until(() => size(scratch) > 1)
    pause(directories)
    removeCgroup(directories)
    expect(directories.filter(existsSync)).toEqual([])
    expect(wait()).toBe(137)
  })
})

const isNew = ({ options }: mount.Mount) => !options.includes('remount')

const userNamespace = { flag: CLONE.NEWUSER, why: 'to be tested', lesson: '07-user' as const, shell: '--user' }
const noUser = !root ? 'needs root' : spawnSync('unshare', ['--user', 'true']).status !== 0 ? 'no user namespaces' : ''
test.skipIf(noUser)(
  `born in a user namespace it joins, too: its map of ids may come later${noUser && ` (skipped: ${noUser})`}`,
  () => {
    const { pid, directories } = inside({}, 'read x', { namespaces: [userNamespace] })
    expect(directoriesOf(pid)).toEqual(expect.arrayContaining([...directories]))
  },
)

describe.skipIf(!root)(`the cgroup namespace${root ? '' : ' (skipped: needs root)'}`, () => {
  test('its own groups are / in it, and those above cannot be seen', () => {
    const { output, wait, directories } = inside({}, 'cat /proc/self/cgroup', { privateNamespace: true })
    expect(wait()).toBe(0)
    const paths = output()
      .trim()
      .split('\n')
      .map(line => line.split(':').slice(2).join(':'))
    expect(new Set(paths)).toEqual(new Set(['/']))
    expect(directories.join()).toContain('toolkit')
  })

  test('what is mounted in it shows its own groups only, and is read-only', () => {
    const { view } = prepareCgroup({ id: newId(), resources: {}, privateNamespace: true })
    const mounts = view({ destination: '/mnt', type: 'cgroup', source: 'cgroup', options: ['nosuid', 'nodev', 'ro'] })
    const { output, wait, pid, directories } = inside(
      {},
      'for file in $(find /mnt -name cgroup.procs); do echo group; cat $file; mkdir $(dirname $file)/x; done',
      {
        privateNamespace: true,
        namespaces: [mount.namespace],
        steps: [...mount.makePrivate(), ...mount.plan({ mounts: mounts.filter(isNew) })],
      },
    )
    expect(wait()).not.toBe(0)
    const groups = output().split('group\n').slice(1)
    expect(groups).toHaveLength(directories.length)
    for (const group of groups) {
      expect(group.split('\n')[0]).toBe(String(pid))
      expect(group).toContain('Read-only file system')
    }
  })

  test('without one the host’s cgroups are shown', () => {
    const { view } = prepareCgroup({ id: newId(), resources: {}, privateNamespace: false })
    const mounts = view({ destination: '/sys/fs/cgroup', type: 'cgroup', source: 'cgroup', options: ['ro'] })
    const here = readLayout(process.pid)!.hierarchies.filter(({ mountPoint }) => mountPoint)
    expect(mounts.filter(({ type }) => type.startsWith('cgroup'))).toHaveLength(here.length)
  })
})

test('nothing is left of all this', () => {
  const tops = readLayout(process.pid)!.hierarchies.flatMap(({ mountPoint }) => mountPoint ?? [])
  const found = execFileSync('find', [...tops, '-type', 'd', '-name', `${process.pid.toString(16)}c*`], {
    encoding: 'utf8',
  })
  expect(found).toBe('')
})
