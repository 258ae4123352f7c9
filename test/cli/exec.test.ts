import fs from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { onTerminal } from './pty.ts'
import { bin, eventually, nothing, skipped, World } from './toolkit.ts'

const noV2 = fs.existsSync('/sys/fs/cgroup/cgroup.controllers') ? '' : ' (skipped: v1 has no such rule)'

const world = new World()
afterAll(() => {
  world.removeAll()
  expect(world.left()).toEqual(nothing)
  world.end()
})
const toolkit = (...args: string[]) => world.toolkit(args)
const exec = (...args: string[]) => toolkit('exec', ...args)

describe.skipIf(skipped)(`exec${skipped}`, () => {
  beforeAll(() => {
    toolkit('run', '-d', '--name', 'box', '-e', 'A=1', '-w', '/tmp', '-m', '64m', 'busybox', 'sleep', '1000')
    toolkit('run', '-d', '--name', 'own', '--userns', 'private', 'busybox', 'sleep', '1000')
    toolkit('run', '-d', '--name', 'init', '--init', '--userns', 'private', '--uts', 'host', 'busybox', 'sleep', '1000')
  })

  test.each([
    ['box', '1'],
    ['own', '1'],
    ['init', '2'], // its first process nobody may look into
  ])('%s: joins all its namespaces, has its rights and its limits', (name, program) => {
    const look = (program: string) =>
      `for n in mnt uts ipc pid net cgroup user time; do readlink /proc/${program}/ns/$n; done; cat /proc/${program}/cgroup; grep -E "^(Cap|Seccomp:|NoNewPrivs|Uid|Groups)" /proc/${program}/status`
    expect(exec(name, 'sh', '-c', look('self')).stdout).toBe(exec(name, 'sh', '-c', look(program)).stdout)
  })

  test('its environment and place are the container’s, or what it is told', () => {
    expect(exec('box', 'sh', '-c', 'echo $A $B $HOSTNAME; pwd').stdout).toMatch(/^1 [0-9a-f]{12}\n\/tmp\n$/)
    expect(exec('-e', 'B=2', '-w', '/etc', 'box', 'sh', '-c', 'echo $A $B; pwd').stdout).toBe('1 2\n/etc\n')
  })

  test('another user can open /dev/stdout by its name', () => {
    const { stdout, stderr } = world.shell('$TOOLKIT exec -u 1000 box sh -c "echo here >/dev/stdout" | cat')
    expect({ stdout, stderr }).toEqual({ stdout: 'here\n', stderr: '' })
  })

  test('another user has no rights', () => {
    expect(exec('-u', '1000:7', 'box', 'sh', '-c', 'id -u; id -g; grep CapEff /proc/self/status').stdout).toBe(
      '1000\n7\nCapEff:\t0000000000000000\n',
    )
  })

  test.each([
    [['sh', '-c', 'exit 5'], 5],
    [['sh', '-c', 'kill -9 $$'], 137],
    [['nosuch'], 127],
    [['/etc'], 126],
  ])('%j ends with %i', (args, code) => {
    expect(exec('box', ...args).status).toBe(code)
  })

  test.each([
    [['-w', '/nosuch', 'box', 'true'], /--workdir \/nosuch: no such file/],
    [['-w', '/etc/passwd', 'box', 'true'], /--workdir/],
    [['-w', 'tmp', 'box', 'true'], /exec: --workdir tmp: allowed: an absolute path/],
    [['-u', 'nobodyhere', 'box', 'true'], /exec: --user nobodyhere: no such user/],
  ])('%j ends with 126, and one line', (args, line) => {
    const { status, stderr } = exec(...args)
    expect({ status, lines: stderr.split('\n').length }).toEqual({ status: 126, lines: 2 })
    expect(stderr).toMatch(line)
  })

  test('in a container that ends meanwhile: says so, or is killed with it', async () => {
    toolkit('run', '-d', '--name', 'dying', 'busybox', 'sleep', '1000')
    for (let round = 0; round < 3; round++) {
      toolkit('start', 'dying')
      const programs = [1, 2, 3, 4, 5].map(() => world.start(['exec', 'dying', 'sleep', '1000']))
      toolkit('kill', 'dying')
      for (const program of programs) {
        const { code } = await program.exit
        expect([1, 137], program.output()).toContain(code)
        expect(program.output()).toMatch(/^(toolkit: (exec: the )?container [^\n]*\n)?$/)
      }
    }
    toolkit('rm', '-f', 'dying')
  })

  test('stdin with -i, nothing without', () => {
    expect(world.toolkit(['exec', '-i', 'box', 'cat'], { input: 'hello' }).stdout).toBe('hello')
    expect(world.toolkit(['exec', 'box', 'cat'], { input: 'hello' }).stdout).toBe('')
  })

  test('has nothing of the host open', () => {
    expect(exec('box', 'sh', '-c', 'ls /proc/self/fd').stdout).toBe('0\n1\n2\n3\n') // 3 is the directory that ls reads
  })

  test('-d does not wait, and lives on', () => {
    expect(exec('-d', 'box', 'sh', '-c', 'echo done >/tmp/mark; sleep 987')).toMatchObject({ status: 0, stdout: '' })
    const look = 'until [ -s /tmp/mark ]; do sleep 0.01; done; cat /tmp/mark; ps | grep -c "[s]leep 987"'
    expect(exec('box', 'sh', '-c', look).stdout).toBe('done\n1\n')
  })

  test('one that is not there, or does not run', () => {
    expect(exec('nobody', 'true').status).toBe(1)
    toolkit('create', '--name', 'new', 'busybox', 'true')
    expect(exec('new', 'true')).toMatchObject({ status: 1, stderr: expect.stringContaining('not running') })
    expect(exec('box').status).toBe(1)
  })

  test('on a terminal: keys, a screen of the right size, and its exit code', async () => {
    const window = onTerminal([bin, 'exec', '-it', 'box', 'sh'], world.env, { columns: 91, rows: 30 })
    await window.until('# ')
    window.type('stty size; tty; exit 6\n')
    await window.until('30 91')
    await window.until('/dev/pts/0')
    expect(await window.exit).toBe(6)
  })

  test('its user leaves it by ctrl-p ctrl-q: it goes on, whatever it writes, and so do its jobs', async () => {
    const script = 'echo up; i=0; while [ $i -lt 9 ]; do seq 20000; i=$((i+1)); done; echo done >/tmp/left; sleep 999'
    const window = onTerminal([bin, 'exec', '-it', 'box', 'sh', '-c', `read x; ${script}`], world.env)
    const before = window.termios()
    await eventually(() => window.termios() !== before, 'the terminal is raw')
    window.type('\x10x\r') // not all of the keys: passed on
    await window.until('up')
    window.type('\x10\x11')
    expect(await window.exit).toBe(0)
    expect(window.termios()).toBe(before)
    expect(window.screen()).toMatch(/read escape sequence\r\n$/)
    await eventually(() => exec('box', 'cat', '/tmp/left').stdout === 'done\n', 'it goes on')
    const pid = /^\S+ +(\d+) .*sleep 999/m.exec(toolkit('top', 'box').stdout)![1]
    const drain = () =>
      fs.readdirSync('/proc').find(process => {
        try {
          return fs.readFileSync(`/proc/${process}/fdinfo/3`, 'utf8').includes(`Pid:\t${pid}\n`)
        } catch {
          return false
        }
      })
    expect(fs.readFileSync(`/proc/${drain()}/comm`, 'utf8')).toBe('toolkit-drain\n')
    process.kill(Number(pid), 'SIGKILL')
    await eventually(() => drain() === undefined, 'nobody holds its terminal')
  })

  test.skipIf(noV2)(
    `into one that passes its controllers on, as systemd does: beside its first process${noV2}`,
    async () => {
      const own = 'cd /sys/fs/cgroup && mkdir first && echo 1 >first/cgroup.procs && echo +pids >cgroup.subtree_control'
      toolkit(
        'run',
        '-d',
        '--privileged',
        '--name',
        'systemd',
        'busybox',
        'sh',
        '-c',
        `${own} && echo ready && sleep 1000`,
      )
      await eventually(() => toolkit('logs', 'systemd').stdout === 'ready\n', 'it does')
      expect(exec('systemd', 'cat', '/proc/self/cgroup').stdout).toBe('0::/first\n')
      expect(toolkit('rm', '-f', 'systemd').status).toBe(0)
    },
  )

  test('20 at once', () => {
    const { stdout } = world.shell('for i in $(seq 20); do $TOOLKIT exec box echo $i & done; wait')
    expect(
      stdout
        .trim()
        .split('\n')
        .map(Number)
        .sort((a, b) => a - b),
    ).toEqual(Array.from({ length: 20 }, (_, i) => i + 1))
  })
})
