// Containers that live on, and many commands at once: whatever the order, each command does what it says or says why not,
// in one line, and nothing is left in the end.
import { spawn } from 'node:child_process'
import fs from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest'
import { bin, eventually, nothing, skipped, World } from '../cli/toolkit.ts'
import { slow } from '../slow.ts'

const world = new World()
afterAll(() => world.end())
beforeEach(() => fs.rmSync(`${world.state}/containers`, { recursive: true, force: true, maxRetries: 5 })) // a monitor may still put away the last one
afterEach(() => world.removeAll())

/** For each of those who work at the same time; many more for a soak. */
const rounds = Number(process.env.TOOLKIT_ROUNDS ?? 15)
const toolkit = (...args: string[]) => world.toolkit(args)
const format = (template: string, name = 'box') => toolkit('inspect', '-f', template, name).stdout.trim()

interface Outcome {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

function command(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Outcome> {
  const child = spawn(bin, args, {
    env: { ...world.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 30_000 * slow,
  })
  const said = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const) child[name].on('data', data => (said[name] += data))
  return new Promise(resolve => child.once('close', code => resolve({ code, ...said })))
}

/** Numbers below `limit`, the same each time (mulberry32). */
function randomly(seed: number): (limit: number) => number {
  let state = seed
  return limit => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit
  }
}

const wellSaid = /^(toolkit: [^\n]+\n)?$/

describe.skipIf(skipped)(`many commands at one container${skipped}`, () => {
  // What each may answer: done, or not possible now. exec besides: its program was killed with the container.
  const commands: [string[], (number | null)[]][] = [
    [
      ['start', 'box'],
      [0, 1],
    ],
    [
      ['stop', '-t', '1', 'box'],
      [0, 1],
    ],
    [
      ['kill', 'box'],
      [0, 1],
    ],
    [
      ['kill', '-s', 'TERM', 'box'],
      [0, 1],
    ],
    [
      ['restart', '-t', '0', 'box'],
      [0, 1],
    ],
    [
      ['pause', 'box'],
      [0, 1],
    ],
    [
      ['unpause', 'box'],
      [0, 1],
    ],
    [
      ['rename', 'box', 'tmp'],
      [0, 1],
    ],
    [
      ['rename', 'tmp', 'box'],
      [0, 1],
    ],
    [
      ['rm', 'box'],
      [0, 1],
    ],
    [
      ['rm', '-f', 'box'],
      [0, 1],
    ],
    [
      ['rm', '-f', 'tmp'],
      [0, 1],
    ],
    [
      ['create', '--name', 'box', 'busybox', 'sleep', '1000'],
      [0, 1],
    ],
    [
      ['run', '-d', '--name', 'box', 'busybox', 'sleep', '1000'],
      [0, 125],
    ],
    [
      ['run', '-d', '--rm', '--name', 'box', 'busybox', 'sleep', '0.2'],
      [0, 125],
    ],
    [
      ['exec', 'box', 'true'],
      [0, 1, 137],
    ],
    [
      ['exec', 'box', 'sleep', '0.1'],
      [0, 1, 137],
    ],
    [
      ['logs', 'box'],
      [0, 1],
    ],
    [
      ['top', 'box'],
      [0, 1],
    ],
  ]

  describe('while it is being started', () => {
    /** Resolves when all that a start writes before there is a process has been written. */
    async function beginning(milliseconds: number) {
      toolkit('create', '--restart', 'always', '--name', 'box', 'busybox', 'sleep', '1000')
      const [id] = world.left().ended
      const starting = command(['start', 'box'], { TOOLKIT_FAILPOINT: `cgroup and files ready:sleep:${milliseconds}` })
      const path = `${world.state}/containers/live/${id}/state.json`
      const isReady = () =>
        fs.existsSync(path) && JSON.parse(fs.readFileSync(path, 'utf8')).resources?.cgroups.length > 0
      await eventually(isReady, 'it is being started')
      return { starting }
    }

    test('another name and another policy are kept', async () => {
      const { starting } = await beginning(1500 * slow)
      expect(toolkit('rename', 'box', 'chest').status).toBe(0)
      expect(toolkit('update', '--restart', 'no', 'chest').status).toBe(0)
      expect(await starting).toMatchObject({ code: 0, stderr: '' })
      expect(format('{{.State.Status}} {{.HostConfig.RestartPolicy.Name}}', 'chest')).toBe('running no')
    })

    test('a stop comes before or after it: its policy does not begin anew', async () => {
      const { starting } = await beginning(Math.min(1500 * slow, 6000)) // a stop waits for ten seconds
      const stopping = command(['stop', '-t', '0', 'box'])
      expect(await starting).toMatchObject({ code: 0 })
      expect(await stopping).toMatchObject({ code: 0, stderr: '' })
      await sleep(500)
      expect(format('{{.RestartCount}}')).toBe('0')
    })
  })

  test('start, stop, kill, rm, exec … in any order: legal answers, legal states, nothing left', {
    timeout: 120_000 * slow,
  }, async () => {
    const random = randomly(1)
    const workers = [1, 2, 3, 4]
    let running = workers.length
    const wrong: unknown[] = []
    const done = new Set<string>()
    const worker = async () => {
      for (let i = 0; i < rounds; i++) {
        const [args, legal] = commands[random(commands.length)]!
        const { code, stderr } = await command(args)
        if (!legal.includes(code) || !wellSaid.test(stderr)) wrong.push({ args, code, stderr })
        if (code === 0) done.add(args[0]!)
      }
      running--
    }
    const watcher = async () => {
      while (running > 0) {
        const { code, stdout, stderr } = await command(['ps', '-a', '--format', '{{.Names}} {{.State}}'])
        // Without a state file it is just being removed.
        if (code !== 0 || stderr !== '' || !/^(((box|tmp) (created|running|paused|exited)|\? dead)\n)*$/.test(stdout))
          wrong.push({ code, stdout, stderr })
      }
    }
    await Promise.all([...workers.map(worker), watcher()])
    expect(wrong).toEqual([])
    expect(done.size).toBeGreaterThan(5) // of 12 commands
    world.removeAll()
    await eventually(() => JSON.stringify(world.left()) === JSON.stringify(nothing), 'nothing is left')
    expect(fs.readdirSync(`${world.state}/containers/names`)).toEqual([])
  })

  test('rm -f of one that is being started: waits, and it is gone', async () => {
    toolkit('create', '--name', 'box', 'busybox', 'sleep', '1000')
    const start = command(['start', 'box'], { TOOLKIT_FAILPOINT: 'network joined:sleep:500' })
    await eventually(() => world.left().live.length === 1, 'it is being started')
    expect(toolkit('kill', 'box')).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(/not running; it is created/),
    })
    expect(toolkit('rm', '-f', 'box')).toMatchObject({ status: 0, stdout: 'box\n', stderr: '' })
    await start
    expect(world.left()).toEqual(nothing)
  })

  test('exec while the first process is still being made, among the files of the host: waits for the program', async () => {
    const flags = ['--userns', 'private', '--name', 'box', 'busybox', 'sleep', '1000']
    const { stdout } = toolkit('run', '--dry-run', ...flags)
    const actions = stdout.split('\n').filter(line => line.startsWith('  ·  '))
    const number = actions.findIndex(line => line.includes('/uid_map"')) + 2 // with that of the monitor
    toolkit('create', ...flags)
    const start = command(['start', 'box'], { TOOLKIT_FAILPOINT: `action ${number}:sleep:700` })
    await eventually(() => Number(format('{{.State.Pid}}')) > 0, 'there is a process')
    const host = fs.existsSync('/etc/debian_version') ? '/etc/debian_version' : '/etc/os-release'
    const exec = await command(['exec', 'box', 'sh', '-c', `test -e ${host} && echo host; echo ran`])
    expect(exec).toEqual({ code: 0, stdout: 'ran\n', stderr: '' })
    expect((await start).code).toBe(0)
  })

  test('two that start it, and two that remove it: each is content', async () => {
    toolkit('create', '--name', 'box', 'busybox', 'sleep', '1000')
    const starts = await Promise.all([1, 2, 3].map(() => command(['start', 'box'])))
    for (const start of starts) expect(start).toEqual({ code: 0, stdout: 'box\n', stderr: '' })
    const removals = await Promise.all([1, 2, 3].map(() => command(['rm', '-f', 'box'])))
    for (const { code } of removals) expect(code).toBe(0)
    expect(world.left()).toEqual(nothing)
  })

  test('a new name while it runs in the foreground, or is being started: it keeps it', async () => {
    const run = command(['run', '--name', 'box', 'busybox', 'sleep', '0.7'])
    await eventually(() => format('{{.State.Status}}') === 'running', 'it runs')
    expect(toolkit('rename', 'box', 'other').status).toBe(0)
    expect(await run).toMatchObject({ code: 0, stderr: '' })
    expect(toolkit('ps', '-a', '--format', '{{.Names}} {{.Status}}').stdout).toMatch(/^other Exited \(0\) /)
    expect(format('{{.Name}}', 'other')).toBe('/other')
    const start = command(['start', 'other'], { TOOLKIT_FAILPOINT: 'cgroup and files ready:sleep:400' })
    await eventually(() => world.left().live.length === 1, 'it is being started')
    expect(toolkit('rename', 'other', 'third').status).toBe(0)
    expect((await start).code).toBe(0)
    expect(format('{{.Name}} {{.State.Running}}', 'third')).toBe('/third true')
  })

  test('wait for one that is restarted meanwhile: comes to an end', async () => {
    toolkit('run', '-d', '--name', 'box', 'busybox', 'sleep', '1000')
    const wait = command(['wait', 'box'])
    const { bytes: _, ...again } = toolkit('restart', '-t', '0', 'box')
    expect(again).toMatchObject({ status: 0, stdout: 'box\n' })
    expect((await wait).stdout).toMatch(/^(137|unknown)\n$/)
  })

  test('stop of several takes as long as the slowest', () => {
    const stubborn = 'trap "" TERM; while :; do sleep 0.1; done'
    for (const name of ['a1', 'a2', 'a3']) toolkit('run', '-d', '--name', name, 'busybox', 'sh', '-c', stubborn)
    const before = Date.now()
    const { status, stdout } = toolkit('stop', '-t', '1', 'a1', 'a2', 'a3')
    expect({ status, names: stdout.split('\n').toSorted() }).toEqual({ status: 0, names: ['', 'a1', 'a2', 'a3'] })
    expect(Date.now() - before).toBeLessThan(2500 * slow)
  })
})

describe.skipIf(skipped)(`what is left to do when it has ended, killed half way${skipped}`, () => {
  const script = 'echo said; exit 7'
  const places = ['cgroup removed', 'network released', 'volumes removed', 'retired'] as const

  test.each(places)('at %j: exit code and log are there, and all is put away', async place => {
    await command(['run', '-d', '--name', 'box', 'busybox', 'sh', '-c', script], { TOOLKIT_FAILPOINT: `${place}:kill` })
    expect(toolkit('wait', 'box').stdout).toBe('7\n')
    expect(toolkit('logs', 'box').stdout).toBe('said\n')
    expect(toolkit('ps', '-a').stdout).toContain('Exited (7)')
    await eventually(() => {
      toolkit('rm', 'box')
      return JSON.stringify(world.left()) === JSON.stringify(nothing)
    }, 'nothing is left')
  })

  test.each([...places.slice(0, 3), 'name given back', 'files removed'] as const)(
    'at %j, with --rm: the next command finishes it',
    async place => {
      const env = { TOOLKIT_FAILPOINT: `${place}:kill` }
      const { stdout } = await command(['run', '-d', '--rm', '--name', 'box', 'busybox', 'sh', '-c', script], env)
      await eventually(() => {
        toolkit('wait', stdout.trim()) // finishes what is nobody's
        return JSON.stringify(world.left()) === JSON.stringify(nothing)
      }, 'nothing is left')
      expect(toolkit('run', '--rm', '--name', 'box', 'busybox', 'true').status).toBe(0)
    },
  )
})

describe.skipIf(skipped)(`a full disk, and containers that live on${skipped}`, () => {
  /** In a mount namespace of its own, with a small tmpfs at /mnt as the state directory, which `fill` fills. */
  const onDisk = (options: string, script: string) =>
    world.shell(
      `unshare -m bash --norc -c 'mount -t tmpfs -o ${options} none /mnt; export TOOLKIT_STATE=/mnt
      fill() { head -c 20M /dev/zero >/mnt/filler 2>/dev/null; i=0; while : >/mnt/f$i; do i=$((i+1)); done 2>/dev/null; }
      ${script}'`,
    )

  test.each(['size=2m,nr_inodes=400', 'size=40m,nr_inodes=80'])(
    '%s: its exit code is known, and it can be removed',
    options => {
      const { stdout, stderr } = onDisk(
        options,
        `$TOOLKIT run -d --name box $ROOTFS sh -c "sleep 1; echo lost; exit 7" >/dev/null; fill
      $TOOLKIT wait box; $TOOLKIT ps -a | grep -o "Exited (7)"; $TOOLKIT logs box >/dev/null 2>&1; echo logs $?
      $TOOLKIT start box 2>/dev/null; echo start $?; $TOOLKIT rm box; ls /mnt/containers/live /mnt/containers/ended`,
      )
      expect(stdout).toMatch(/^7\nExited \(7\)\nlogs 0\nstart [^0]\d*\nbox\n/)
      expect({ stderr, left: stdout.match(/[0-9a-f]{12}/) }).toEqual({ stderr: '', left: null })
    },
  )

  test('one that cannot be written down is not started', () => {
    const { stdout, stderr } = onDisk(
      'size=2m,nr_inodes=400',
      `$TOOLKIT create --name box $ROOTFS sleep 1000 >/dev/null; fill
      $TOOLKIT start box; echo start $?; $TOOLKIT ps -a --format "{{.State}}"; $TOOLKIT rm -f box`,
    )
    expect({ stdout, stderr }).toEqual({
      stdout: 'start 1\ncreated\nbox\n',
      stderr: expect.stringMatching(/^toolkit: [^\n]*no space[^\n]*\n$/i),
    })
  })

  test('what came before, and what comes when there is room again, is kept', () => {
    const { stdout } = onDisk(
      'size=2m,nr_inodes=400',
      `$TOOLKIT run -d --name box $ROOTFS sh -c "i=0; while [ \\$i -lt 30 ]; do echo \\$i; i=\\$((i+1)); sleep 0.05; done" >/dev/null
      sleep 0.4; fill; sleep 0.3; rm /mnt/f*; $TOOLKIT wait box; $TOOLKIT logs box; $TOOLKIT rm box >/dev/null`,
    )
    const [code, ...lines] = stdout.trim().split('\n')
    expect(code).toBe('0')
    expect(lines).toEqual(expect.arrayContaining(['0', '1', '29']))
    expect(lines.map(Number)).toEqual(lines.map(Number).sort((a, b) => a - b))
  })
})
