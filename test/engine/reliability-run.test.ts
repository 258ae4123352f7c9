// While a container runs: memory that runs out, orphans, streams, cgroups made inside, and a program that stays where the
// root file system was.
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import fs from 'node:fs'
import { afterAll, beforeEach, describe, expect, test } from 'vitest'
import { readLayout } from '../../toolkit/observe/cgroups.ts'
import { bin, eventually, nothing, skipped, World } from '../cli/toolkit.ts'
import { expectAsBefore, lookAt } from './as-before.ts'

const world = new World()
afterAll(() => world.end())
beforeEach(() => fs.rmSync(`${world.state}/containers`, { recursive: true, force: true }))

const layout = skipped ? undefined : readLayout(process.pid)
/** The groups of a container, as its engine has noted them. */
const groupsOf = (id: string): string[] =>
  JSON.parse(fs.readFileSync(`${world.state}/containers/live/${id}/state.json`, 'utf8')).resources.cgroups
const isV2 = layout?.layout === 'v2'
/** On v2 a container gets what there is anywhere above; every group has a freezer. */
const has = (controller: string) =>
  isV2 || (layout?.hierarchies ?? []).some(one => one.directory !== undefined && one.controllers.includes(controller))
const only = (controller: string) => (has(controller) ? '' : ` (skipped: no ${controller} controller here)`)
const freezer = isV2
  ? { at: '', file: 'cgroup.freeze', word: '1', state: 'cgroup.events', frozen: 'frozen 1' }
  : { at: '/freezer', file: 'freezer.state', word: 'FROZEN', state: 'freezer.state', frozen: 'FROZEN' }

const EAT = 'x=x; while :; do x=$x$x; done'

describe.skipIf(skipped || only('memory'))(`memory that runs out${skipped || only('memory')}`, () => {
  const limited = (script: string, ...flags: string[]) =>
    world.toolkit(['run', '--name', 'box', '-m', '16m', ...flags, 'busybox', 'sh', '-c', script])
  const row = () => JSON.parse(world.toolkit(['ps', '-a', '--json']).stdout)[0]

  test('of the first process: 137, oomKilled, and a line that says why', () => {
    expect(limited(EAT)).toMatchObject({
      status: 137,
      stderr: 'toolkit: killed by the kernel: its memory limit was reached (--memory)\n',
    })
    expect(row()).toMatchObject({ exitCode: 137, oomKilled: true, running: false })
    expect(world.toolkit(['ps', '-a']).stdout).toMatch(/Exited \(137\) .*, out of memory +box$/m)
  })

  test('of a child: the exit code is the first process’s, oomKilled says it', () => {
    expect(limited(`sh -c '${EAT}'; echo child $?; exit 3`)).toMatchObject({ status: 3, stdout: 'child 137\n' })
    expect(row()).toMatchObject({ exitCode: 3, oomKilled: true })
  })

  test('of a child under --init', () => {
    expect(limited(`sh -c '${EAT}'; exit 3`, '--init').status).toBe(3)
    expect(row()).toMatchObject({ exitCode: 3, oomKilled: true })
  })

  test('137 by a mere signal is not that', () => {
    expect(limited('kill -9 $$; sh -c "kill -9 \\$PPID"', '--init')).toMatchObject({ status: 137, stderr: '' })
    expect(row()).toMatchObject({ exitCode: 137, oomKilled: false })
  })
})

describe.skipIf(skipped)(`processes that lose their parent${skipped}`, () => {
  const orphans = 'for i in $(seq 200); do (true &) done; sleep 0.1; '
  const zombies = 'grep -l "^State:.Z" /proc/[0-9]*/status | wc -l'

  test('--init reaps 200 of them', () => {
    expect(world.sh(`${orphans} ${zombies}`, ['--init'])).toBe('0\n')
  })

  test('without it they stay until the end, and are gone with the container', async () => {
    const before = lookAt(world)
    const stay = 'for i in $(seq 50); do (sleep 0.01 &) done; exec sleep 0.2'
    expect(world.sh(stay)).toBe('')
    await expectAsBefore(world, before)
  })

  test('of --pid host, where no namespace ends them: gone with the container, too', async () => {
    const before = lookAt(world)
    const run = world.toolkit(['run', '--rm', '--pid', 'host', 'busybox', 'sh', '-c', '(sleep 1000 &); exit 5'])
    expect(run.status).toBe(5)
    await expectAsBefore(world, before)
  })
})

describe.skipIf(skipped)(`streams${skipped}`, () => {
  const SIZE = Number(process.env.TOOLKIT_MEGABYTES ?? 100) * 2 ** 20 // bytes

  test.each(['run --rm -i busybox', 'exec -i cat'])(
    `${SIZE / 2 ** 20} MB through stdin, cat and stdout: %s`,
    { timeout: 70_000 },
    how => {
      if (how.startsWith('exec')) world.toolkit(['run', '-d', '--name', 'cat', 'busybox', 'sleep', '1000'])
      const { stdout } = world.shell(
        `head -c ${SIZE} /dev/urandom | tee >(sha256sum >"$TOOLKIT_STATE/in") | $TOOLKIT ${how} cat | sha256sum
      sleep 0.1; cat "$TOOLKIT_STATE/in"`,
      )
      const [out, into] = stdout.trim().split('\n')
      expect(out).toMatch(/^[0-9a-f]{64} /)
      expect(out).toBe(into)
      world.removeAll()
    },
  )

  test('a reader that stops to read holds the program up, and loses nothing', async () => {
    const lines = 'i=0; while [ $i -lt 40000 ]; do echo $i; i=$((i + 1)); done; echo done >&2'
    const child = spawn(bin, ['run', '--rm', 'busybox', 'sh', '-c', lines], {
      env: world.env,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let errors = ''
    child.stderr.on('data', data => {
      errors += data
    })
    const ended = new Promise(resolve => child.once('close', resolve))
    await eventually(() => child.stdout.readableLength > 0 || child.stdout.readable, 'the first of it')
    expect(errors).toBe('')
    const hash = createHash('sha256')
    for await (const data of child.stdout) hash.update(data)
    expect(await ended).toBe(0)
    expect(errors).toBe('done\n')
    const whole = Array.from({ length: 40000 }, (_, i) => `${i}\n`).join('')
    expect(hash.digest('hex')).toBe(createHash('sha256').update(whole).digest('hex'))
  })

  test('stdout closed by its reader, full, or closed from the start: the program sees it, and the container ends', () => {
    const run = (flags: string, where: string) =>
      world.shell(`{ { $TOOLKIT run --rm ${flags} busybox yes; echo $? >&3; } ${where}; } 3>&1 2>/dev/null`).stdout
    expect(run('', '| head -n 1')).toBe('y\n1\n') // no signal ends a PID 1 that has not asked for it: it sees EPIPE
    expect(run('--init', '| head -n 1')).toBe('y\n141\n')
    expect(run('', '>/dev/full')).toBe('1\n')
    expect(world.shell('$TOOLKIT run --rm busybox echo x >&-; echo $?').stdout).toBe('0\n') // Node puts /dev/null there
    expect(world.left()).toEqual(nothing)
  })

  test('stdin at its end, closed, and not asked for', () => {
    const run = (flags: string, rest: string) => world.shell(`$TOOLKIT run --rm ${flags} busybox wc -c ${rest}`).stdout
    expect(run('-i', '</dev/null')).toBe('0\n')
    expect(run('-i', '<&-')).toMatch(/^(0\n)?$/)
    expect(run('', '<<<hello')).toBe('0\n')
    expect(run('-i', '<<<hello')).toBe('6\n')
  })

  test('a process left behind that holds stdout open does not hold up the end', async () => {
    const run = world.start(['run', '--rm', 'busybox', 'sh', '-c', '(sleep 1000 &); echo up; exit 6'])
    expect(await run.exit).toEqual({ code: 6, signal: null }) // 'close': every holder of the pipe is gone
    expect(run.output()).toBe('up\n')
    const host = world.start(['run', '--rm', '--pid', 'host', 'busybox', 'sh', '-c', '(sleep 1000 &); exit 6'])
    expect(await host.exit).toEqual({ code: 6, signal: null })
    expect(world.left()).toEqual(nothing)
  })
})

describe.skipIf(skipped)(`cgroups${skipped}`, () => {
  const noFreezer = only('freezer')
  const { at, file, word, state, frozen } = freezer

  test.skipIf(noFreezer)(
    `made inside, with processes in them and frozen, go with the container${noFreezer}`,
    async () => {
      const before = lookAt(world)
      const script = `cd /sys/fs/cgroup${at} && mkdir -p a/b c || exit 9
      sleep 1000 & echo $! >a/b/cgroup.procs; sleep 1000 & echo $! >c/cgroup.procs
      echo ${word} >a/${file}; while ! grep -q '${frozen}' a/b/${state}; do :; done; exit 8`
      // In a pid namespace of its own the first process could not even end: it waits for all others, also for frozen ones.
      const run = world.toolkit(['run', '--rm', '--privileged', '--pid', 'host', 'busybox', 'sh', '-c', script])
      expect(run).toMatchObject({ status: 8, stderr: '' })
      await expectAsBefore(world, before)
    },
  )

  test.skipIf(noFreezer)(
    `frozen from outside when the engine is killed: the next command ends it${noFreezer}`,
    async () => {
      const before = lookAt(world)
      const run = world.start(['run', '--rm', 'busybox', 'sh', '-c', 'echo up; sleep 1000'])
      await run.until('up')
      const group = groupsOf(world.left().live[0]!).find(group => fs.existsSync(`${group}/${file}`))!
      fs.writeFileSync(`${group}/${file}`, word)
      await eventually(() => fs.readFileSync(`${group}/${state}`, 'utf8').includes(frozen), 'frozen')
      await run.kill()
      expect(world.toolkit(['run', '--rm', 'busybox', 'true']).status).toBe(0)
      await expectAsBefore(world, before)
    },
  )

  test('gone before their time, by another hand: the container ends as ever', async () => {
    const before = lookAt(world)
    const run = world.start(['run', '--rm', '-i', 'busybox', 'sh', '-c', 'echo up; read x; exit 3'], 'pipe')
    await run.until('up')
    const [id] = world.left().live
    for (const group of groupsOf(id!)) {
      // on v2 a group that passes controllers on takes no process
      const above = isV2 ? layout.hierarchies[0]!.directory! : group.replace(/\/toolkit\/[0-9a-f]+$/, '')
      for (const pid of fs.readFileSync(`${group}/cgroup.procs`, 'utf8').split('\n').filter(Boolean))
        fs.writeFileSync(`${above}/cgroup.procs`, pid)
      fs.rmdirSync(group)
    }
    run.child.stdin!.end('\n')
    expect(await run.exit).toEqual({ code: 3, signal: null })
    await expectAsBefore(world, before)
  })
})

describe.skipIf(skipped)(`whoever stays in a container’s root file system${skipped}`, () => {
  test('a process of the host, by nsenter: the container ends, its directory goes, and the next works', async () => {
    const before = lookAt(world)
    const run = world.start(['run', '--rm', '-i', 'busybox', 'sh', '-c', 'mkdir /in; echo up; read x; exit 3'], 'pipe')
    await run.until('up')
    const [id] = world.left().live
    const { pid } = JSON.parse(fs.readFileSync(`${world.state}/containers/live/${id}/state.json`, 'utf8'))
    const guest = spawn('nsenter', ['-t', String(pid), '-m', '/bin/busybox', 'sh', '-c', 'cd /in; echo in; exec cat'], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    let said = ''
    guest.stdout.on('data', data => {
      said += data
    })
    await eventually(() => said === 'in\n', 'the guest is in')
    run.child.stdin!.end('\n')
    expect(await run.exit).toEqual({ code: 3, signal: null })
    expect(world.left()).toMatchObject({ live: [], ended: [], mounts: [] }) // nothing is mounted here that could be busy
    expect(world.sh('echo works')).toBe('works\n')
    expect(guest.exitCode).toBeNull()
    guest.stdin.end()
    await new Promise(resolve => guest.once('close', resolve))
    await expectAsBefore(world, before)
  })

  test('a shell of the host that stands in its upper directory', async () => {
    const before = lookAt(world)
    const run = world.start(['run', '--rm', '-i', 'busybox', 'sh', '-c', 'mkdir /in; echo up; read x; exit 3'], 'pipe')
    await run.until('up')
    const guest = spawn('cat', [], {
      cwd: `${world.state}/containers/live/${world.left().live[0]}/upper/in`,
      stdio: 'pipe',
    })
    run.child.stdin!.end('\n')
    expect(await run.exit).toEqual({ code: 3, signal: null })
    guest.stdin.end()
    await new Promise(resolve => guest.once('close', resolve))
    await expectAsBefore(world, before)
  })
})
