// What is left when the engine is killed, and what the next command makes of it.
import { spawn } from 'node:child_process'
import fs from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeEach, describe, expect, test } from 'vitest'
import { onTerminal } from '../cli/pty.ts'
import { bin, eventually, nothing, skipped, World } from '../cli/toolkit.ts'
import { slow } from '../slow.ts'
import { expectAsBefore, lookAt } from './as-before.ts'

const world = new World()
afterAll(() => world.end())
beforeEach(() => fs.rmSync(`${world.state}/containers`, { recursive: true, force: true }))

/** Numbers from 0 to 1, the same each time; Numerical Recipes' generator. */
function random(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
}

/** No process and no mount; directories, of files and of cgroups, only until the next command. */
async function leavesNothing(when: string) {
  await eventually(() => world.left().processes.length === 0, `the container of an engine killed ${when} has ended`)
  expect(world.left().mounts, when).toEqual([])
  expect(world.left().ended, when).toEqual([])
}
/** How long a whole run takes here and now, in milliseconds: the moments are spread over that. `kept`: one without --rm. */
function lifetime({ kept = false } = {}): number {
  const start = performance.now()
  if (kept) expect(world.toolkit(['run', 'busybox', 'true']).status).toBe(0)
  else sweep()
  return performance.now() - start
}
const sweep = () => expect(world.toolkit(['run', '--rm', 'busybox', 'true']).status).toBe(0)

describe.skipIf(skipped)(`kill -9 of the engine${skipped}`, () => {
  test('at 60 moments of its life', { timeout: 60_000 * slow }, async () => {
    const before = lookAt(world)
    const next = random(2)
    const life = 1.2 * lifetime()
    for (let i = 0; i < 60; i++) {
      const delay = Math.round(next() * life)
      const run = world.start(['run', '--rm', 'busybox', 'sh', '-c', 'sleep 0.02; echo x >/file; sleep 1000'])
      await sleep(delay)
      await run.kill()
      await leavesNothing(`after ${delay} ms`)
    }
    expect(world.left().live.length).toBeGreaterThan(0) // some were killed late enough to leave a directory
    sweep()
    await expectAsBefore(world, before)
  })

  test('at 30 moments, of a container that is kept: it runs, whole and logged, or is not there', {
    timeout: 60_000 * slow,
  }, async () => {
    const before = lookAt(world)
    const next = random(3)
    const life = 1.2 * lifetime({ kept: true })
    for (let i = 0; i < 30; i++) {
      const run = world.start(['run', 'busybox', 'sh', '-c', 'echo here; sleep 1000'])
      await sleep(Math.round(next() * life))
      await run.kill()
    }
    sweep()
    const { live, ended, mounts } = world.left()
    expect(mounts).toEqual([])
    const listed = JSON.parse(world.toolkit(['ps', '-a', '--json']).stdout) as { id: string; running: boolean }[]
    expect(listed.map(({ id }) => id.slice(0, 12)).sort()).toEqual([...live, ...ended].sort())
    const running = listed.filter(({ running }) => running)
    expect(running.length).toBeGreaterThan(0) // some were killed late enough
    for (const { id } of running) expect(world.toolkit(['logs', id]).stdout).toBe('here\n')
    expect(world.toolkit(['rm', '-f', ...listed.map(({ id }) => id)])).toMatchObject({ status: 0, stderr: '' })
    await expectAsBefore(world, before)
  })

  test('while it waits for a key of --step: before things of its own, and before calls of the new process', {
    timeout: 120_000 * slow,
  }, async () => {
    const before = lookAt(world)
    const args = [bin, 'run', '--rm', '--step', 'busybox', '/bin/sleep', '1000']
    const dry = world.toolkit(['run', '--rm', '--dry-run', 'busybox', '/bin/sleep', '1000']).stdout
    const stops = dry.match(/^ *(·|[1-9]\d*) {2}\w/gm)!.length
    expect(stops).toBeGreaterThan(60)
    for (let last = 1; last < stops; last += Math.ceil(stops / 8)) {
      const window = onTerminal(args, world.env)
      for (let at = 1; at <= last; at++) {
        const shown = () => window.screen().match(/^ *(·|[1-9]\d*) {2}\w/gm)?.length ?? 0
        await eventually(() => shown() >= at, `stop ${at}`)
        if (at < last) window.type(' ')
      }
      process.kill(window.pid, 'SIGKILL')
      expect(await window.exit).toBe(137)
      window.hangUp()
      await leavesNothing(`at stop ${last}`)
    }
    sweep()
    await expectAsBefore(world, before)
  })

  // The kernel forgets to kill a process with its parent once it has changed its user id: PR_SET_PDEATHSIG in prctl(2).
  test.each(['--rm', '--explain'])(
    'of a container that has changed its user: the next command ends it (%s)',
    async flag => {
      fs.appendFileSync(`${world.rootfs}/etc/passwd`, 'somebody:x:1000:1000::/:/bin/sh\n')
      const changed = 'exec su somebody -c "echo somebody speaks; exec sleep 1000"'
      const run = world.start(['run', flag, 'busybox', 'sh', '-c', changed])
      await run.until('somebody speaks\n')
      const [pid] = world.left().processes
      await run.kill()
      await sleep(50)
      expect(fs.existsSync(`/proc/${pid}`)).toBe(true) // or this test tests nothing
      if (flag === '--rm') sweep()
      else {
        const [{ id, running }] = JSON.parse(world.toolkit(['ps', '--json']).stdout) as [
          { id: string; running: boolean },
        ]
        expect(running).toBe(true)
        expect(world.toolkit(['rm', id]).status).toBe(0)
      }
      await eventually(() => world.left().processes.length === 0, 'it has ended')
      expect(world.left()).toEqual(nothing)
    },
  )

  test('a sweep that does not see the groups leaves them to one that does', async () => {
    const before = lookAt(world)
    const run = world.start(['run', '--rm', 'busybox', 'sh', '-c', 'echo ready; sleep 1000'])
    await run.until('ready')
    await run.kill()
    world.shell('unshare -m sh -c "umount -R /sys/fs/cgroup; $TOOLKIT rm -f nobody"')
    expect(world.left().live).toHaveLength(1)
    sweep()
    await expectAsBefore(world, before)
  })

  test('a pid that has come to mean another process is left alone', async () => {
    const run = world.start(['run', '--rm', 'busybox', 'sh', '-c', 'echo ready; sleep 1000'])
    await run.until('ready')
    const state = `${world.state}/containers/live/${world.left().live[0]}/state.json`
    await eventually(() => JSON.parse(fs.readFileSync(state, 'utf8')).pid !== undefined, 'it is recorded')
    await run.kill()
    const bystander = spawn('sleep', ['1000'])
    const written = JSON.parse(fs.readFileSync(state, 'utf8'))
    fs.writeFileSync(state, JSON.stringify({ ...written, pid: bystander.pid }))
    sweep()
    expect(world.left()).toEqual(nothing)
    expect(bystander.exitCode ?? bystander.signalCode).toBeNull()
    expect(fs.existsSync(`/proc/${bystander.pid}`)).toBe(true)
    bystander.kill()
  })

  test('while it shows a terminal', async () => {
    const window = onTerminal([bin, 'run', '--rm', '-it', 'busybox', 'sh', '-c', 'echo up; sleep 1000'], world.env)
    await window.until('up')
    process.kill(window.pid, 'SIGKILL')
    await window.exit
    await leavesNothing('with a terminal')
    sweep()
    expect(world.left()).toEqual(nothing)
  })

  test('a sweep takes only what is nobody’s', async () => {
    const run = world.start(
      ['run', '--rm', '-i', 'busybox', 'sh', '-c', 'echo mine >/file; echo ready; read x; cat /file'],
      'pipe',
    )
    await run.until('ready')
    for (let i = 0; i < 5; i++) sweep()
    run.child.stdin!.end('go on\n')
    expect(await run.exit).toEqual({ code: 0, signal: null })
    expect(run.output()).toBe('ready\nmine\n')
    expect(world.left()).toEqual(nothing)
  })
})

describe.skipIf(skipped)(`many runs${skipped}`, () => {
  test('20 at once, each with its own files and its own exit code', async () => {
    const runs = Array.from({ length: 20 }, (_, i) =>
      world.start(['run', '--rm', 'busybox', 'sh', '-c', `echo ${i} >/n; sleep 0.05; cat /n; exit ${i}`]),
    )
    const ends = await Promise.all(runs.map(run => run.exit))
    expect(ends.map(({ code }) => code)).toEqual(runs.map((_, i) => i))
    expect(runs.map(run => run.output())).toEqual(runs.map((_, i) => `${i}\n`))
    expect(world.left()).toEqual(nothing)
  })

  test('200 in sequence leave no directory, mount or process', { timeout: 120_000 * slow }, () => {
    const { stdout, stderr } = world.shell(
      'for i in $(seq 200); do $TOOLKIT run --rm busybox sh -c "exit $((i % 50))"; [ $? = $((i % 50)) ] && echo ok; done | sort | uniq -c',
    )
    expect({ stdout: stdout.trim(), stderr }).toEqual({ stdout: '200 ok', stderr: '' })
    expect(world.left()).toEqual(nothing)
  })
})

describe.skipIf(skipped)(`a full disk${skipped}`, () => {
  /** In a mount namespace of its own, with a small tmpfs at /mnt as the state directory. */
  const onSmallDisk = (options: string, script: string) =>
    world.shell(
      `unshare -m bash --norc -c 'mount -t tmpfs -o ${options} none /mnt; export TOOLKIT_STATE=/mnt; ${script}'`,
    )

  test('no room for the state: one line, and nothing of the container', () => {
    for (const options of ['size=16k', ...[4, 5, 6, 7, 8, 9, 10].map(n => `nr_inodes=${n}`)]) {
      const { stdout, stderr } = onSmallDisk(
        options,
        'head -c 1M /dev/zero >/mnt/fill 2>/dev/null; $TOOLKIT run --rm $ROOTFS true; echo $?; find /mnt/containers/*/* 2>/dev/null',
      )
      expect(stdout, options).toMatch(/^(125|0)\n$/)
      if (stdout.startsWith('125')) expect(stderr, options).toMatch(/^toolkit: .*no space left.*\n$/)
      else expect(options).not.toContain('size')
    }
  })

  test('filled by the container itself: its exit code, its files, and a line in ps', () => {
    const { stdout, stderr } = onSmallDisk(
      'size=128k',
      '$TOOLKIT run $ROOTFS sh -c "cat /dev/zero >/fill 2>/dev/null; exit 9"; echo $?; $TOOLKIT ps -a | tail -n +2 | cut -c 1-12 >/tmp/id-$$; $TOOLKIT rm $(cat /tmp/id-$$) | wc -l; rm /tmp/id-$$; ls /mnt/containers/ended',
    )
    expect({ stdout, stderr }).toEqual({ stdout: '9\n1\n', stderr: '' })
  })
})
