// The state directory when others have been at it: damaged, full, read-only; too few descriptors; and who gets a name.
import fs from 'node:fs'
import path from 'node:path'
import { afterAll, beforeEach, describe, expect, test } from 'vitest'
import { readLayout } from '../../toolkit/observe/cgroups.ts'
import { eventually, nothing, skipped, World } from '../cli/toolkit.ts'

const world = new World()
const containers = `${world.state}/containers`
afterAll(() => world.end())
beforeEach(() => fs.rmSync(containers, { recursive: true, force: true }))

const oneLine = expect.stringMatching(/^toolkit: .*\n$/)
const works = () =>
  expect(world.toolkit(['run', '--rm', 'busybox', 'echo', 'works'])).toMatchObject({ stdout: 'works\n', stderr: '' })
const kept = (name: string) => expect(world.toolkit(['run', '--name', name, 'busybox', 'true']).status).toBe(0)
const idOf = (name: string) => fs.readlinkSync(`${containers}/names/${name}`)

/** What happens to a file: as others find it. */
const damages: [string, (path: string) => void][] = [
  ['empty', path => fs.truncateSync(path)],
  ['cut off', path => fs.truncateSync(path, Math.floor(fs.statSync(path).size / 2))],
  ['full of zeros', path => fs.writeFileSync(path, Buffer.alloc(fs.statSync(path).size))],
  ['not JSON', path => fs.writeFileSync(path, 'hello')],
  ['null', path => fs.writeFileSync(path, 'null')],
  ['a list', path => fs.writeFileSync(path, '[]')],
  ['of another version', path => change(path, { version: 1 })],
  ['of another container', path => change(path, { id: 'f'.repeat(64) })],
  ['about groups that are not its own', path => change(path, { resources: { cgroups: ['/sys/fs/cgroup/pids'] } })],
  [
    'a directory',
    path => {
      fs.rmSync(path)
      fs.mkdirSync(path)
    },
  ],
  ['gone', path => fs.rmSync(path)],
]
function change(path: string, fields: object) {
  fs.writeFileSync(path, JSON.stringify({ ...JSON.parse(fs.readFileSync(path, 'utf8')), ...fields }))
}

describe.skipIf(skipped)(`state.json${skipped}`, () => {
  test.each(damages)('%s: ps -a says so, others work, rm removes it', (_, damage) => {
    for (const name of ['good', 'bad']) kept(name)
    const id = idOf('bad')
    damage(`${containers}/ended/${id}/state.json`)
    const { stdout, stderr } = world.toolkit(['ps', '-a'])
    expect({ stdout, stderr }).toEqual({
      stdout: expect.stringMatching(new RegExp(`^${id} .*its state.json cannot be read`, 'm')),
      stderr: '',
    })
    expect(stdout).toMatch(/Exited \(0\) .* +good$/m)
    works()
    expect(world.toolkit(['rm', 'bad', 'good'])).toMatchObject({ status: 0, stderr: '' })
    expect(world.left()).toEqual(nothing)
    expect(fs.readdirSync(`${containers}/names`)).toEqual([])
  })

  test.each(damages.filter(([name]) => name !== 'gone'))(
    '%s, after kill -9: kept until rm, its groups are gone',
    (_, damage) => {
      const killed = world.toolkit(['run', '--name', 'bad', 'busybox', 'true'], {
        env: { ...world.env, TOOLKIT_FAILPOINT: 'program ended:kill' },
      })
      expect(killed.signal).toBe('SIGKILL')
      const id = idOf('bad')
      const path = `${containers}/live/${id}/state.json`
      const groups: string[] = JSON.parse(fs.readFileSync(path, 'utf8')).resources.cgroups
      expect(groups.some(group => fs.existsSync(group))).toBe(true)
      damage(path)
      works()
      expect(groups.filter(group => fs.existsSync(group))).toEqual([])
      expect(fs.existsSync(`${containers}/ended/${id}/upper`)).toBe(true)
      expect(world.toolkit(['ps', '-a']).stdout).toMatch(new RegExp(`^${id} .*cannot be read`, 'm'))
      expect(world.toolkit(['rm', 'bad'])).toMatchObject({ status: 0, stderr: '' })
      expect(world.left()).toEqual(nothing)
    },
  )

  const hierarchies = (skipped ? undefined : readLayout(process.pid))?.hierarchies ?? []
  const own = hierarchies.find(({ controllers, writable }) => writable && controllers.includes('memory'))?.directory
  const noGroup = own ? '' : ' (skipped: no memory controller here)'
  test.skipIf(noGroup)(`not JSON, of an engine that was in another group: its groups are gone, too${noGroup}`, () => {
    const other = `${own}/test-${process.pid}`
    world.shell(`mkdir ${other}; echo $$ >${other}/cgroup.procs
      TOOLKIT_FAILPOINT='program ended:kill' $TOOLKIT run --name bad busybox true`)
    const path = `${containers}/live/${idOf('bad')}/state.json`
    const groups: string[] = JSON.parse(fs.readFileSync(path, 'utf8')).resources.cgroups
    expect(groups.some(group => fs.existsSync(group))).toBe(true)
    fs.writeFileSync(path, 'hello')
    works()
    expect(groups.filter(group => fs.existsSync(group))).toEqual([])
    fs.rmdirSync(other)
    expect(world.toolkit(['rm', 'bad']).status).toBe(0)
  })

  test.each(damages)('%s, while it runs: it goes on, and ends as ever', async (what, damage) => {
    const run = world.start(['run', '--name', 'bad', '-i', 'busybox', 'sh', '-c', 'echo up; read x; exit 4'], 'pipe')
    await run.until('up')
    const id = idOf('bad')
    const groups: string[] = JSON.parse(fs.readFileSync(`${containers}/live/${id}/state.json`, 'utf8')).resources
      .cgroups
    damage(`${containers}/live/${id}/state.json`)
    works()
    expect(world.toolkit(['rm', 'bad']).status).toBe(1) // it runs
    run.child.stdin!.end('\n')
    expect(await run.exit).toEqual({ code: 4, signal: null })
    if (what !== 'gone') expect(world.toolkit(['rm', 'bad'])).toMatchObject({ status: 0, stderr: '' }) // or nobody knows it
    expect(world.left()).toEqual(nothing)
    expect(groups.filter(group => fs.existsSync(group))).toEqual([])
  })

  test('a copy of a running container’s directory: removed without a hand on the original', async () => {
    const run = world.start(['run', '--rm', '--name', 'one', '-i', 'busybox', 'sh', '-c', 'echo up; read x'], 'pipe')
    await run.until('up')
    fs.cpSync(`${containers}/live/${idOf('one')}`, `${containers}/live/aaaaaaaaaaaa`, { recursive: true })
    works()
    expect(world.toolkit(['rm', 'aaaa'])).toMatchObject({ status: 0, stderr: '' })
    run.child.stdin!.end('\n')
    expect(await run.exit).toEqual({ code: 0, signal: null })
    expect(world.left()).toEqual(nothing)
  })
})

describe.skipIf(skipped)(`what else lies there${skipped}`, () => {
  test('no lock, of a container that was killed: its groups are undone all the same', () => {
    const env = { ...world.env, TOOLKIT_FAILPOINT: 'program ended:kill' }
    expect(world.toolkit(['run', '--name', 'bad', 'busybox', 'true'], { env }).signal).toBe('SIGKILL')
    const live = `${containers}/live/${idOf('bad')}`
    const { resources } = JSON.parse(fs.readFileSync(`${live}/state.json`, 'utf8'))
    fs.rmSync(`${live}/lock`)
    works()
    expect(resources.cgroups.filter((path: string) => fs.existsSync(path))).toEqual([])
    expect(world.toolkit(['rm', 'bad'])).toMatchObject({ status: 0, stderr: '' })
    expect(world.left()).toEqual(nothing)
  })

  test('files and directories that are not ours stay', () => {
    kept('good')
    const strange = ['live/file', 'live/directory/x', 'ended/file', 'ended/directory/x', 'file', 'names/not-a-link']
    for (const file of strange) {
      fs.mkdirSync(path.dirname(`${containers}/${file}`), { recursive: true })
      fs.writeFileSync(`${containers}/${file}`, '')
    }
    const lines = world.toolkit(['ps', '-a']).stdout.trim().split('\n')
    expect(lines).toHaveLength(2)
    works()
    expect(world.toolkit(['run', '--rm', '--name', 'not-a-link', 'busybox', 'true'])).toMatchObject({
      status: 125,
      stderr: expect.stringMatching(/^toolkit: --name not-a-link: .* is in the way.*\n$/),
    })
    expect(world.toolkit(['rm', 'good']).status).toBe(0)
    for (const file of strange) expect(fs.existsSync(`${containers}/${file}`), file).toBe(true)
  })

  test('a name whose container was removed by hand can be taken again', () => {
    kept('web')
    fs.rmSync(`${containers}/ended/${idOf('web')}`, { recursive: true })
    expect(world.toolkit(['run', '--rm', '--name', 'web', 'busybox', 'true'])).toMatchObject({ status: 0, stderr: '' })
    expect(fs.readdirSync(`${containers}/names`)).toEqual([])
  })

  test('names removed by hand: the container is found by its state', () => {
    kept('web')
    fs.rmSync(`${containers}/names`, { recursive: true })
    expect(world.toolkit(['rm', 'web'])).toMatchObject({ status: 0, stderr: '' })
    expect(world.left()).toEqual(nothing)
  })

  test.each(damages.slice(0, 3))('the cache of filters is %s: made again', (_, damage) => {
    works()
    const directory = `${world.state}/cache/seccomp`
    const [file] = fs.readdirSync(directory)
    const good = fs.readFileSync(`${directory}/${file}`)
    damage(`${directory}/${file}`)
    expect(world.sh('grep Seccomp: /proc/self/status')).toMatch(/\t2$/m)
    expect(fs.readFileSync(`${directory}/${file}`)).toEqual(good)
  })
})

describe.skipIf(skipped)(`no room${skipped}`, () => {
  /** In a mount namespace of its own, with a small tmpfs at /mnt as the state directory. */
  const onDisk = (options: string, script: string) =>
    world.shell(
      `unshare -m bash --norc -c 'mount -t tmpfs -o ${options} none /mnt; export TOOLKIT_STATE=/mnt; ${script}'`,
    )

  test('at each inode and page of a kept container: all of it, or one line and nothing', () => {
    const sizes = [...Array(18).keys()].map(n => `nr_inodes=${n + 4}`)
    const pages = [...Array(7).keys()].map(n => `size=${4 * (n + 1)}k`)
    const seen = new Set<string>()
    for (const options of [...sizes, ...pages]) {
      const { stdout, stderr } = onDisk(
        options,
        '$TOOLKIT run --name box $ROOTFS true; echo $?; find /mnt/containers/live/* 2>/dev/null; ls /mnt/containers/ended; ls /mnt/containers/names',
      )
      const [code, ...left] = stdout.trim().split('\n')
      seen.add(code!)
      if (code === '0') expect(left, options).toEqual([expect.stringMatching(/^[0-9a-f]{12}$/), 'box'])
      else {
        expect({ code, left }, options).toEqual({ code: '125', left: [] })
        expect(stderr.replace(/^ls: .*\n/gm, ''), options).toMatch(/^toolkit: .*no space.*\n$/i)
      }
    }
    expect([...seen].sort()).toEqual(['0', '125'])
  })

  test('rm on a full disk makes room', () => {
    const { stdout } = onDisk(
      'size=256k',
      '$TOOLKIT run --name box $ROOTFS true; head -c 1M /dev/zero >/mnt/fill 2>/dev/null; $TOOLKIT rm box >/dev/null; echo $?; ls /mnt/containers/ended',
    )
    expect(stdout).toBe('0\n')
  })

  test('a state directory that is read-only: ps reads it, run and rm say why not', () => {
    kept('good')
    const { stdout, stderr } = world.shell(
      `unshare -m bash --norc -c 'mount --bind $TOOLKIT_STATE $TOOLKIT_STATE; mount -o remount,bind,ro $TOOLKIT_STATE
      $TOOLKIT ps -a | grep -c good; $TOOLKIT run --rm $ROOTFS true; echo $?; $TOOLKIT rm good; echo $?'`,
    )
    expect(stdout).toBe('1\n125\n1\n')
    expect(stderr).toMatch(
      /^(toolkit: the state of containers cannot be written .*read-only.*; try: export TOOLKIT_STATE=.*\n){2}$/i,
    )
    expect(world.toolkit(['rm', 'good']).status).toBe(0)
  })
})

describe.skipIf(skipped)(`few descriptors${skipped}`, () => {
  test('at each limit from where Node itself can start: it works, or says so in one line', () => {
    const codes = new Set<string>()
    for (const limit of [21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 34, 40, 60]) {
      const { stdout, stderr } = world.shell(`ulimit -n ${limit}; $TOOLKIT run --rm busybox true; echo $?`)
      if (!/^toolkit: /.test(stderr) && stderr !== '') continue // Node's own words
      expect({ stdout, stderr }, `${limit}`).toEqual(
        stdout === '0\n' ? { stdout, stderr: '' } : { stdout: '125\n', stderr: oneLine },
      )
      codes.add(stdout)
      const { live: _record, ...rest } = world.left() // even to undo all takes a few
      expect(rest, `${limit}`).toEqual({ ended: [], mounts: [], processes: [] })
    }
    expect([...codes]).toEqual(['125\n', '0\n'])
    works()
    expect(world.left()).toEqual(nothing)
  })
})

describe.skipIf(skipped)(`--name${skipped}`, () => {
  const many = 30

  test(`${many} at once: one has it, the others are told who`, async () => {
    const runs = Array.from({ length: many }, () =>
      world.start(['run', '--rm', '--name', 'x1', '-i', 'busybox', 'cat'], 'pipe'),
    )
    const ended = new Set<(typeof runs)[number]>()
    for (const run of runs) run.exit.then(() => ended.add(run))
    await eventually(() => ended.size === many - 1, 'all but one have ended')
    const lost = [...ended]
    const [winner] = runs.filter(run => !ended.has(run))
    const id = idOf('x1')
    for (const run of lost) {
      expect(await run.exit).toEqual({ code: 125, signal: null })
      expect(run.output()).toMatch(new RegExp(`^toolkit: --name x1: container ${id} has this name;.*\n$`))
    }
    expect(world.left().live).toEqual([id])
    winner!.child.stdin!.end('mine\n')
    expect(await winner!.exit).toEqual({ code: 0, signal: null })
    expect(winner!.output()).toBe('mine\n')
    expect(world.toolkit(['run', '--rm', '--name', 'x1', 'busybox', 'true']).status).toBe(0)
    expect(world.left()).toEqual(nothing)
  })

  test('one that is kept keeps its name; rm NAME frees it', () => {
    kept('web')
    expect(world.toolkit(['run', '--name', 'web', 'busybox', 'true'])).toMatchObject({ status: 125, stderr: oneLine })
    expect(world.toolkit(['rm', 'web'])).toMatchObject({ status: 0, stderr: '' })
    kept('web')
  })

  test('of an engine that was killed: free for the very next', () => {
    const killed = world.toolkit(['run', '--rm', '--name', 'web', 'busybox', 'true'], {
      env: { ...world.env, TOOLKIT_FAILPOINT: 'program started:kill' },
    })
    expect(killed.signal).toBe('SIGKILL')
    expect(world.toolkit(['run', '--rm', '--name', 'web', 'busybox', 'true'])).toMatchObject({ status: 0, stderr: '' })
    expect(world.left()).toEqual(nothing)
  })
})
