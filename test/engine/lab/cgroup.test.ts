// The cgroups of a lab: a machine's own tree inside, a group with limits outside.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest'
import { PIDS, planLabCgroups } from '../../../toolkit/engine/lab/cgroup.ts'
import { type Lab, startLab } from '../../../toolkit/engine/lab/lab.ts'
import { cgroupsBelow, hierarchyOf, readLayout } from '../../../toolkit/observe/cgroups.ts'
import { difference, snapshot } from '../../../toolkit/observe/leaks.ts'
import { type Controller, limitAction, settings } from '../../../toolkit/primitives/limits.ts'
import { skipped, World } from '../../cli/toolkit.ts'
import { slow } from '../../slow.ts'

const world = new World()
process.env.TOOLKIT_STATE = world.state
afterAll(() => world.end())

const layout = readLayout(process.pid)!
const none = layout.hierarchies.some(({ directory, writable }) => directory && writable)
  ? skipped
  : ' (skipped: no cgroups can be made here)'

/** A program of the lab's, its output; fails the test where it fails. */
async function sh(lab: Lab, script: string): Promise<string> {
  const { code, output } = await lab.run(['sh', '-ec', script])
  expect(code, output).toBe(0)
  return output.trim()
}

/** Where a controller's groups are in the lab; on v2 in one tree with all others. */
const place = (controller: string): string => {
  const found = hierarchyOf(layout, controller)
  if (!found || found.version === 2) return layout.layout === 'hybrid' ? '/sys/fs/cgroup/unified' : '/sys/fs/cgroup'
  return `/sys/fs/cgroup/${found.controllers.join()}`
}
const has = (controller: string) => hierarchyOf(layout, controller) !== undefined || layout.layout === 'v2'

/** Sets a limit of a group in the lab, with the file that its version has, from outside. */
function limit(lab: Lab, controller: Controller, group: string, resources: object): void {
  const version = layout.layout === 'v2' ? 2 : 1
  const directory = `/proc/${lab.pid}/root${place(controller)}/${group}`
  for (const setting of settings(controller, resources, version))
    limitAction(directory, controller, setting).apply({ descriptors: new Map() })
}

describe.skipIf(none)(`in the lab${none}`, () => {
  let lab: Lab
  beforeEach(async () => {
    lab = await startLab()
  })
  afterEach(() => lab.stop())

  test('every hierarchy of the host has a tree there, which begins at the lab and can be written to', async () => {
    const own = layout.hierarchies.filter(({ directory, writable }) => directory && writable)
    expect(lab.cgroups).toHaveLength(own.length)
    const seen = await sh(lab, 'cat /proc/self/cgroup /proc/1/cgroup')
    const home = ({ version }: { version: 1 | 2 }) => (version === 1 || layout.layout === 'v2' ? '/lab' : '/')
    for (const { version, controllers } of own) {
      const names = version === 2 ? '' : controllers.join()
      expect(seen.match(new RegExp(`^\\d+:${names}:${home({ version })}$`, 'gm')), names).toHaveLength(2)
      const top = version === 1 ? place(controllers[0]!).replace('name=', '') : layout.layout === 'v2' ? '' : 'unified'
      const directory = top.startsWith('/') ? top : `/sys/fs/cgroup/${top}`
      expect(
        await sh(lab, `cd ${directory}; mkdir box box/inner; echo $$ >box/inner/cgroup.procs; cat /proc/self/cgroup`),
      ).toMatch(new RegExp(`^\\d+:${names}:/box/inner$`, 'm'))
    }
  })

  test('a program that comes later lands there, too; the tutor stays where it was', async () => {
    const before = readFileSync('/proc/self/cgroup', 'utf8')
    const shell = lab.shell({ columns: 80, rows: 24 })
    const groups = readFileSync(`/proc/${shell.pid}/cgroup`, 'utf8').trim().split('\n')
    const named = groups.filter(line => line.includes(`/toolkit/${basename(lab.cgroups[0]!)}`))
    expect(named).toHaveLength(lab.cgroups.length)
    expect(readFileSync('/proc/self/cgroup', 'utf8')).toBe(before)
    shell.kill()
  })

  test.skipIf(layout.layout !== 'v2')('v2: what is made below the top can be limited (skipped on v1)', async () => {
    const all = await sh(lab, 'cat /sys/fs/cgroup/cgroup.controllers')
    expect(await sh(lab, 'cat /sys/fs/cgroup/cgroup.subtree_control')).toBe(all)
    for (const name of ['memory', 'pids', 'cpu']) expect(all.split(' ')).toContain(name)
    expect(await sh(lab, 'cat /sys/fs/cgroup/cgroup.procs')).toBe('')
  })

  test.skipIf(layout.layout === 'v2')(
    'v1: beside the hierarchies nothing can be made; their other names lead there',
    async () => {
      expect((await lab.run(['mkdir', '/sys/fs/cgroup/box'])).output).toMatch(/Read-only file system/)
      for (const name of ['memory', 'pids', 'cpu'].filter(has))
        await sh(lab, `test -f /sys/fs/cgroup/${name}/cgroup.procs`)
    },
  )

  test.skipIf(!has('cpuset'))('a new cpuset takes processes at once', async () => {
    await sh(lab, `mkdir ${place('cpuset')}/one; echo $$ >${place('cpuset')}/one/cgroup.procs`)
  })

  test.skipIf(!has('pids'))('limits work: processes', async () => {
    await sh(lab, `mkdir ${place('pids')}/few`)
    limit(lab, 'pids', 'few', { pids: { limit: 3 } })
    const script = `echo $$ >${place('pids')}/few/cgroup.procs; for i in 1 2 3 4; do sleep 1 & done`
    expect(await lab.run(['sh', '-c', script])).toMatchObject({ output: expect.stringMatching(/fork/) })
  })

  test.skipIf(!has('memory'))('limits work: memory', async () => {
    await sh(lab, `mkdir ${place('memory')}/small`)
    limit(lab, 'memory', 'small', { memory: { limit: 20e6 } })
    const script = `echo $$ >${place('memory')}/small/cgroup.procs; head -c 100m /dev/zero | tail -n 1 >/dev/null`
    expect((await lab.run(['sh', '-c', script])).code).toBe(137)
  })

  test('toolkit run works there, with limits, and its groups lie below the lab’s', async () => {
    const look = `cat /sys/fs/cgroup/pids/pids.max /sys/fs/cgroup/pids.max 2>/dev/null; sleep ${Math.min(0.3 * slow, 3)}`
    const running = sh(lab, `toolkit run --rm -m 64m --pids-limit 20 busybox sh -c '${look}'`)
    const pattern = /\/toolkit\/[0-9a-f]{12}$/
    const find = (directory: string): string[] => cgroupsBelow(directory).flatMap(group => [group, ...find(group)])
    const inside = () => lab.cgroups.flatMap(find).filter(path => pattern.test(path)).length
    await expect.poll(inside, { timeout: 1000 * slow }).toBeGreaterThan(0)
    expect(await running).toBe('20')
  })

  test.skipIf(!has('pids') || !has('memory'))('the whole lab is limited', async () => {
    const read = (name: string) =>
      lab.cgroups.flatMap(top => (existsSync(`${top}/${name}`) ? [readFileSync(`${top}/${name}`, 'utf8').trim()] : []))
    expect(read('pids.max')).toEqual([String(PIDS)])
    const [memory] = [...read('memory.limit_in_bytes'), ...read('memory.max')]
    const free = process.availableMemory()
    expect(Number(memory)).toBeLessThan(free)
    expect(Number(memory)).toBeGreaterThan(free / 4)
  })

  test('frozen as a whole, it lets nobody in, and says so; and it ends', async () => {
    for (const top of lab.cgroups) {
      if (existsSync(`${top}/freezer.state`)) writeFileSync(`${top}/lab/freezer.state`, 'FROZEN')
      else if (layout.layout === 'v2') writeFileSync(`${top}/lab/cgroup.freeze`, '1')
    }
    await sleep(50)
    await expect(lab.run(['true'])).rejects.toThrow(/the lab is frozen/)
    expect(() => lab.shell({ columns: 80, rows: 24 })).toThrow(/the lab is frozen/)
  })
})

describe('where cgroups cannot be had', () => {
  const directory = mkdtempSync(join(tmpdir(), 'lab-cgroup-'))
  afterAll(() => rmSync(directory, { recursive: true }))

  test('none at all: no groups, no mounts, but a namespace', () => {
    const { directories, before, mounts, steps, settle, enter } = planLabCgroups('lab-1-1-1', ['pids'], {
      layout: 'v2',
      hierarchies: [],
    })
    expect([directories, before, mounts, settle, enter]).toEqual([[], [], [], [], { join: [], born: undefined }])
    expect(steps.map(({ call }) => call)).toEqual(['unshare'])
  })

  test('v2 with two controllers: these, and no limit for what is not there', () => {
    for (const [file, text] of [
      ['controllers', 'pids cpu'],
      ['subtree_control', ''],
      ['procs', ''],
    ])
      writeFileSync(`${directory}/cgroup.${file}`, text!)
    const v2 = {
      version: 2,
      controllers: ['pids', 'cpu'],
      path: '/',
      mountPoint: directory,
      directory,
      writable: true,
    } as const
    const { before, settle, enter } = planLabCgroups('lab-1-1-1', ['memory', 'pids', 'cpu', 'io'], {
      layout: 'v2',
      hierarchies: [v2],
    })
    expect(before.map(({ text }) => text).filter(text => text.includes('.max'))).toEqual([
      `write("${directory}/toolkit/lab-1-1-1/pids.max", "${PIDS}")`,
    ])
    expect(settle.flatMap(({ shell }) => shell || [])).toEqual([
      'mkdir /sys/fs/cgroup/lab',
      'echo 0 > /sys/fs/cgroup/lab/cgroup.procs',
      'echo +pids +cpu > /sys/fs/cgroup/cgroup.subtree_control',
    ])
    expect(enter).toEqual({ join: [], born: `${directory}/toolkit/lab-1-1-1/lab` })
  })
})

test.skipIf(none)(`a lab starts where no cgroups are mounted, or none can be made${none}`, () => {
  const script = `import { startLab } from '${import.meta.dirname}/../../../toolkit/engine/lab/lab.ts'
    const lab = await startLab()
    console.log(lab.cgroups.length, (await lab.run(['echo', 'hello'])).output)
    await lab.stop()`
  const ways = {
    'not mounted': 'umount -R /sys/fs/cgroup',
    'read-only': 'for m in $(findmnt -rno TARGET -t cgroup,cgroup2); do mount -o remount,bind,ro $m; done',
  }
  for (const [way, prepare] of Object.entries(ways)) {
    const shell = `${prepare} && exec "$0" --input-type=module -e "$1"`
    const { stdout, stderr } = spawnSync('unshare', ['-m', 'sh', '-c', shell, process.execPath, script], {
      encoding: 'utf8',
    })
    expect([stdout, stderr], way).toEqual(['0 hello\n\n', ''])
  }
})

describe.skipIf(none)(`stop${none}`, () => {
  const trees = `cd /sys/fs/cgroup; for tree in . */; do [ -f $tree/cgroup.procs ] || continue;`
  const burn = `sh -c 'echo $$ >'$g/cgroup.procs'; while :; do :; done' >/dev/null 2>&1 &`
  const states = {
    'groups, one in another': `${trees} mkdir -p $tree/a/b/c $tree/a/x; done`,
    'busy ones': `${trees} mkdir -p $tree/a/b/c; for g in $tree/a $tree/a/b/c; do ${burn} done; done; sleep 0.1`,
    'frozen ones': `sleep 1000 >/dev/null 2>&1 & ${trees} mkdir -p $tree/ice/deep; echo $! >$tree/ice/deep/cgroup.procs
      for f in ice ice/deep; do [ -f $tree/$f/freezer.state ] && echo FROZEN >$tree/$f/freezer.state
      [ -f $tree/$f/cgroup.freeze ] && echo 1 >$tree/$f/cgroup.freeze; done; done; true`,
    'a fork bomb': 'b() { b & b & }; b >/dev/null 2>&1 & sleep 0.5',
  }
  test.each(Object.entries(states))('%s: all is gone', async (_, script) => {
    const first = await startLab() // what the first one opens, and Node keeps
    await first.stop()
    const before = snapshot({ directories: [world.state] })
    const lab = await startLab()
    await lab.run(['bash', '-c', script])
    await lab.stop()
    for (const group of lab.cgroups) expect(existsSync(group), group).toBe(false)
    expect(readdirSync(`${world.state}/labs`)).toEqual([])
    expect(difference(before, snapshot({ directories: [world.state] }))).toEqual([])
  })
})
