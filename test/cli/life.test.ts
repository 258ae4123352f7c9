// Containers that live on: what docker's users expect of the commands, on the real kernel.
import fs from 'node:fs'
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest'
import { slow } from '../slow.ts'
import { eventually, nothing, skipped, World } from './toolkit.ts'

const world = new World()
afterAll(() => world.end())
beforeEach(() => fs.rmSync(`${world.state}/containers`, { recursive: true, force: true, maxRetries: 5 })) // a monitor may still put away the last one
afterEach(() => world.removeAll())

const toolkit = (...args: string[]) => world.toolkit(args)
const format = (template: string, name = 'box') => toolkit('inspect', '-f', template, name).stdout.trim()
const run = (script: string, ...flags: string[]) =>
  toolkit('run', '-d', '--name', 'box', ...flags, 'busybox', 'sh', '-c', script)
const ready = (text = 'ready') => eventually(() => toolkit('logs', 'box').stdout.includes(text), text)
/** What TERM ends, at once. */
const patient = 'trap "exit 3" TERM; echo ready; while :; do sleep 0.05; done'

describe.skipIf(skipped)(`containers that live on${skipped}`, () => {
  test('run -d prints the id, and does not wait', () => {
    const { status, stdout, stderr } = run('sleep 1000')
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    expect(stdout).toMatch(/^[0-9a-f]{64}\n$/)
    expect(toolkit('ps', '--no-trunc', '-q').stdout).toBe(stdout)
    expect(format('{{.State.Status}} {{.State.Running}} {{.State.ExitCode}}')).toBe('running true 0')
    expect(toolkit('rm', 'box')).toMatchObject({ status: 1, stderr: expect.stringContaining('is running') })
    expect(toolkit('rm', '-f', 'box')).toMatchObject({ status: 0, stdout: 'box\n' })
    expect(world.left()).toEqual(nothing)
  })

  test('does not hold the terminal, pipe or file open that it was started from', () => {
    expect(world.shell('id=$($TOOLKIT run -d --rm busybox sleep 1000); echo got $id').stdout).toMatch(/^got \w{64}$/m)
  })

  test('what cannot be started is told at once, and leaves nothing', () => {
    expect(toolkit('run', '-d', 'busybox', 'nosuch')).toMatchObject({ status: 127, stdout: '' })
    expect(toolkit('run', '-d', 'busybox', '/etc')).toMatchObject({ status: 126, stdout: '' })
    expect(world.left()).toEqual(nothing)
  })

  test('its output is kept apart and in order, with the time of each line', () => {
    run('echo one; sleep 0.05; echo two >&2; sleep 0.05; echo three; printf no-end')
    expect(toolkit('wait', 'box').stdout).toBe('0\n')
    expect(toolkit('logs', 'box')).toMatchObject({ status: 0, stdout: 'one\nthree\nno-end', stderr: 'two\n' })
    const lines = world.shell('$TOOLKIT logs -t box 2>&1').stdout.split('\n')
    expect(lines.map(line => line.split(' ')[1])).toEqual(['one', 'two', 'three', 'no-end'])
    for (const line of lines) expect(line).toMatch(/^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z /)
    const times = lines.map(line => line.split(' ')[0]!)
    expect(times).toEqual([...times].sort())
    expect(toolkit('logs', '--tail', '1', 'box').stdout).toBe('no-end')
    expect(toolkit('logs', '-n', '0', 'box').stdout).toBe('')
    expect(toolkit('logs', '--since', times[2]!, 'box').stdout).toBe('three\nno-end')
    expect(toolkit('logs', 'box', '--until', times[0]!).stdout).toBe('one\n')
  })

  test('logs -f goes on until its end', async () => {
    run('for i in 1 2 3; do echo $i; sleep 0.2; done')
    expect(toolkit('logs', '-f', 'box').stdout).toBe('1\n2\n3\n')
    expect(toolkit('logs', '-f', 'box').stdout).toBe('1\n2\n3\n')
  })

  test('a log of any bytes, and with no end of line at its end', () => {
    run("printf 'a\\000b\\377\\n'; printf '\\r\\033[1mno end' >&2")
    toolkit('wait', 'box')
    const { bytes, stderr } = toolkit('logs', 'box')
    expect({ hex: bytes.toString('hex'), stderr }).toEqual({ hex: '610062ff0a', stderr: '\r\u001b[1mno end' })
  })

  test('logs ends when nobody reads it', () => {
    run('yes | head -c 3000000')
    toolkit('wait', 'box')
    expect(world.shell('$TOOLKIT logs box | head -1; echo $PIPESTATUS').stdout).toBe('y\n0\n')
    expect(world.shell('$TOOLKIT logs -n 500000 box | head -1; echo $PIPESTATUS').stdout).toBe('y\n0\n')
  })

  test('logs -f --until a time to come ends then, and the container goes on', () => {
    run('while echo line; do sleep 0.1; done')
    const until = Date.now() / 1000 + 2 * slow
    const { status, stdout } = toolkit('logs', '-f', '-t', '--until', until.toFixed(3), 'box')
    expect({ status, late: Date.now() / 1000 > until }).toEqual({ status: 0, late: true })
    const times = stdout
      .trim()
      .split('\n')
      .map(line => Date.parse(line.split(' ')[0]!) / 1000)
    expect(times.length).toBeGreaterThan(0)
    expect(Math.max(...times)).toBeLessThanOrEqual(until)
    expect(format('{{.State.Running}}')).toBe('true')
  })

  test('logs -f ends when nobody reads it', () => {
    run('while :; do echo y; sleep 0.01; done')
    expect(world.shell('timeout 5 $TOOLKIT logs -f box | head -1; echo $PIPESTATUS').stdout).toBe('y\n0\n')
  })

  test('10 MB through the log, byte for byte', () => {
    run('dd if=/dev/urandom bs=64k count=160 2>/dev/null | tee /copy')
    expect(toolkit('wait', 'box').stdout).toBe('0\n')
    const upper = `${world.state}/containers/ended/${toolkit('ps', '-aq').stdout.trim()}/upper/copy`
    const { bytes } = toolkit('logs', 'box')
    expect(bytes.length).toBe(160 * 65536)
    expect(bytes.equals(fs.readFileSync(upper))).toBe(true)
  })

  test('a log that is full goes on in a second part; of a third, the first is dropped', () => {
    const rows = 900
    // Each row is a number, and 64 kB of x: 58 MB.
    run(
      `head -c 65000 /dev/zero | tr '\\0' x >/x; echo >>/x; i=0; while [ $i -lt ${rows} ]; do echo $i; cat /x; i=$((i+1)); done`,
    )
    const shown = () =>
      world.shell('$TOOLKIT wait box >/dev/null; $TOOLKIT logs box | cut -c -8').stdout.trim().split('\n')
    const whole = Array.from({ length: rows }, (_, i) => [String(i), 'xxxxxxxx']).flat()
    expect(shown()).toEqual(whole)
    toolkit('start', 'box')
    const lines = shown()
    expect(lines.length).toBeGreaterThan(whole.length * 0.8)
    expect(lines.length).toBeLessThan(whole.length * 2)
    expect(lines.slice(-whole.length)).toEqual(whole.slice(-lines.length))
    const directory = `${world.state}/containers/ended/${format('{{.Config.Hostname}}')}`
    for (const part of ['log', 'log.1']) expect(fs.statSync(`${directory}/${part}`).size).toBeLessThanOrEqual(50 << 20)
  })

  test.each([
    ['exit 0', 0],
    ['exit 42', 42],
    ['kill -9 $$; exit 1', 1],
    ['sh -c "kill -TERM \\$\\$"; exit $?', 143],
  ])('%s: wait prints %i', (script, code) => {
    run(script)
    expect(toolkit('wait', 'box')).toMatchObject({ status: 0, stdout: `${code}\n` })
    expect(toolkit('wait', 'box').stdout).toBe(`${code}\n`)
    expect(format('{{.State.Status}} {{.State.ExitCode}} {{.State.OOMKilled}}')).toBe(`exited ${code} false`)
  })

  test('stop asks, and after a while does not ask', async () => {
    run(patient)
    await ready()
    expect(toolkit('stop', 'box')).toMatchObject({ status: 0, stdout: 'box\n' })
    expect(format('{{.State.ExitCode}}')).toBe('3')
    expect(toolkit('stop', 'box').status).toBe(0) // it has ended already
    expect(toolkit('kill', 'box')).toMatchObject({ status: 1, stderr: expect.stringContaining('is not running') })
    toolkit('rm', 'box')
    run('trap "" TERM; echo ready; while :; do sleep 0.05; done')
    await ready()
    const before = Date.now()
    expect(toolkit('stop', '-t', '1', 'box').status).toBe(0)
    expect(Date.now() - before).toBeGreaterThan(900)
    expect(format('{{.State.ExitCode}}')).toBe('137')
  })

  test('kill sends what it is told to', async () => {
    run('trap "echo got it" USR1; echo ready; while :; do sleep 0.05; done')
    await ready()
    expect(toolkit('kill', '-s', 'USR1', 'box').stdout).toBe('box\n')
    await ready('got it')
    expect(toolkit('kill', '--signal', 'SIGNONE', 'box')).toMatchObject({ status: 1 })
    expect(toolkit('kill', 'box').status).toBe(0)
    expect(toolkit('wait', 'box').stdout).toBe('137\n')
  })

  test('wait from before its end; several at once', async () => {
    run('sleep 0.5; exit 6')
    const waits = [1, 2, 3].map(() => world.start(['wait', 'box']))
    for (const wait of waits) {
      expect(await wait.exit).toEqual({ code: 0, signal: null })
      expect(wait.output()).toBe('6\n')
    }
  })

  test('create, start, and start again: its files stay, its log goes on', () => {
    const args = ['create', '--name', 'box', 'busybox', 'sh', '-c', 'echo x >>/file; cat /file; echo --; exit 2']
    expect(toolkit(...args).stdout).toMatch(/^[0-9a-f]{64}\n$/)
    expect(toolkit('ps', '-a', '--format', '{{.Status}}').stdout).toBe('Created\n')
    expect(toolkit('start', 'box')).toMatchObject({ status: 0, stdout: 'box\n' })
    expect(toolkit('wait', 'box').stdout).toBe('2\n')
    const again = toolkit('start', '-a', 'box')
    expect(again).toMatchObject({ status: 2, stdout: 'x\nx\n--\n' })
    expect(toolkit('logs', 'box').stdout).toBe('x\n--\nx\nx\n--\n')
  })

  test('rm -f of one that is not there says so, and is content', () => {
    expect(toolkit('rm', '-f', 'box')).toMatchObject({
      status: 0,
      stdout: '',
      stderr: expect.stringMatching(/no container/),
    })
    expect(toolkit('rm', 'box').status).toBe(1)
  })

  test('restart is another process', async () => {
    run(patient)
    await ready()
    const pid = format('{{.State.Pid}}')
    expect(toolkit('restart', 'box').status).toBe(0)
    expect(format('{{.State.Running}}')).toBe('true')
    expect(format('{{.State.Pid}}')).not.toBe(pid)
  })

  test('one that was run in the foreground has a log, and can be started again', () => {
    const program = 'echo x >>/file; cat /file; echo err >&2; exit 3'
    const shown = { status: 3, stdout: 'x\n', stderr: 'err\n' }
    expect(toolkit('run', '--name', 'box', 'busybox', 'sh', '-c', program)).toMatchObject(shown)
    expect(toolkit('logs', 'box')).toMatchObject({ ...shown, status: 0 })
    expect(toolkit('start', '-a', 'box')).toMatchObject({ ...shown, stdout: 'x\nx\n' })
    expect(toolkit('logs', 'box').stdout).toBe('x\nx\nx\n')
  })

  test.each(['--rm', '--explain'])('run %s keeps no log, and says so', async flag => {
    const started = world.start(['run', flag, '--name', 'box', 'busybox', 'sh', '-c', 'echo it speaks; sleep 1000'])
    await started.until('it speaks\n')
    for (const command of ['logs', 'attach'])
      expect(toolkit(command, 'box')).toMatchObject({ status: 1, stderr: expect.stringContaining('without -d') })
    toolkit('kill', 'box')
    expect((await started.exit).code).toBe(137)
  })

  test('run: killed, its container goes on, and its log', async () => {
    const started = world.start(['run', '--name', 'box', 'busybox', 'sh', '-c', 'echo one; sleep 1; echo two; exit 5'])
    await started.until('one')
    started.child.kill('SIGKILL')
    await started.exit
    expect(toolkit('wait', 'box').stdout).toBe('5\n')
    expect(toolkit('logs', 'box').stdout).toBe('one\ntwo\n')
  })

  test('run: who reads slowly gets all of it, more than a log keeps; who reads no more is told that it goes on', () => {
    const flood = `head -c ${40 << 20} /dev/zero; echo end >&2`
    const kept = '--name box --log-driver json-file --log-opt max-size=1m'
    const read = world.shell(`$TOOLKIT run ${kept} busybox sh -c '${flood}' | (sleep 1; wc -c)`)
    expect(read).toMatchObject({ stdout: `${40 << 20}\n`, stderr: 'end\n' })
    expect(toolkit('logs', 'box').stdout.length).toBeLessThan((1 << 20) + (128 << 10)) // and what was left in its pipes
    const left = world.shell(`$TOOLKIT run --name other busybox sh -c 'while echo y; do :; done' | head -1`)
    expect(left.stderr).toMatch(/the container goes on, until: toolkit stop [0-9a-f]{12}\n$/)
    expect(toolkit('inspect', '-f', '{{.State.Running}}', 'other').stdout).toBe('true\n')
  })

  test('run: a memory limit that was reached is told', () => {
    const hungry = ['sh', '-c', 'x=0123456789; while :; do x=$x$x; done']
    const run = toolkit('run', '--name', 'box', '-m', '16m', '--memory-swap', '16m', 'busybox', ...hungry)
    expect(run).toMatchObject({
      status: 137,
      stderr: expect.stringContaining('its memory limit was reached (--memory)'),
    })
  })

  test('--rm: gone at its end, name and all', async () => {
    run('exit 0', '--rm')
    await eventually(() => toolkit('ps', '-aq').stdout === '', 'it is gone')
    await eventually(() => JSON.stringify(world.left()) === JSON.stringify(nothing), 'nothing is left')
  })

  test('pause stops it, unpause lets it go on; stop and rm -f work on a paused one', async () => {
    run(patient)
    await ready()
    expect(toolkit('pause', 'box').stdout).toBe('box\n')
    expect(toolkit('pause', 'box').status).toBe(1)
    expect(toolkit('ps').stdout).toMatch(/Up .* \(Paused\)/)
    expect(format('{{.State.Status}} {{.State.Paused}}')).toBe('paused true')
    expect(toolkit('exec', 'box', 'true')).toMatchObject({ status: 1, stderr: expect.stringContaining('paused') })
    expect(toolkit('unpause', 'box').status).toBe(0)
    expect(toolkit('unpause', 'box').status).toBe(1)
    toolkit('pause', 'box')
    expect(toolkit('stop', 'box').status).toBe(0)
    expect(format('{{.State.ExitCode}}')).toBe('3')
    toolkit('start', 'box')
    toolkit('pause', 'box')
    expect(toolkit('rm', '-f', 'box').status).toBe(0)
    expect(world.left()).toEqual(nothing)
  })

  test('start of a paused one is refused, with -a too', () => {
    run('sleep 1000')
    toolkit('pause', 'box')
    for (const flags of [[], ['-a']])
      expect(toolkit('start', ...flags, 'box')).toMatchObject({
        status: 1,
        stderr: expect.stringContaining('type: toolkit unpause box'),
      })
    expect(format('{{.State.Status}}')).toBe('paused')
  })

  test('what cannot be started is kept, and says why and with which exit code; with --rm it goes', () => {
    toolkit('create', '--name', 'box', 'busybox', 'nosuch')
    expect(toolkit('start', 'box').status).toBe(127)
    expect(format('{{.State.Status}} {{.State.ExitCode}} {{.State.Error}}')).toMatch(/^exited 127 .*nosuch.*ENOENT/)
    expect(toolkit('ps', '-a', '--format', '{{.Status}}').stdout).toMatch(/^Exited \(127\) .* ago\n$/)
    expect(toolkit('wait', 'box').stdout).toBe('127\n')
    expect(toolkit('rm', 'box').status).toBe(0)
    toolkit('create', '--rm', '--name', 'box', '-v', '/data', 'busybox', 'nosuch')
    expect(toolkit('start', 'box').status).toBe(127)
    expect(toolkit('run', '--restart', 'always', '--name', 'other', 'busybox', 'nosuch').status).toBe(127)
    expect(toolkit('run', '--rm', '--health-cmd', 'true', '--name', 'third', 'busybox', 'nosuch').status).toBe(127)
    expect(world.left()).toEqual(nothing)
    expect(toolkit('volume', 'ls', '-q').stdout).toBe('')
  })

  test('rename', () => {
    run('sleep 1000')
    expect(toolkit('rename', 'box', 'other')).toMatchObject({ status: 0, stdout: '', stderr: '' })
    expect(toolkit('ps', '--format', '{{.Names}}').stdout).toBe('other\n')
    run('exit 0')
    expect(toolkit('rename', 'box', 'other')).toMatchObject({ status: 1 })
    expect(toolkit('rename', 'box', '../x').status).toBe(1)
    expect(toolkit('rename', 'box', '/third').status).toBe(0) // as inspect writes names
    expect(toolkit('ps', '-aq', '--format', '{{.Names}}').stdout).toBe('third\nother\n')
    expect(toolkit('ps', '-a', '--format', '').stdout).toMatch(/^CONTAINER ID .* NAMES\n/)
    expect(toolkit('rm', '--force=1', 'other', 'third').stdout.split('\n').sort()).toEqual(['', 'other', 'third'])
  })

  test('its memory limit is reached: 137, and it says why', () => {
    run('exec tail /dev/zero', '-m', '16m')
    expect(toolkit('wait', 'box').stdout).toBe('137\n')
    expect(format('{{.State.OOMKilled}}')).toBe('true')
  })

  test('stdout belongs to its user: /dev/stdout can be opened', () => {
    run('echo hello >/dev/stdout; echo oops >/dev/stderr', '--user', '1000')
    toolkit('wait', 'box')
    expect(toolkit('logs', 'box')).toMatchObject({ stdout: 'hello\n', stderr: 'oops\n' })
  })

  test('with users of its own, an init, and no rights', () => {
    run('id -u; cat /proc/1/comm; echo ok >/dev/stdout', '--userns', 'private', '--init', '--cap-drop', 'ALL')
    expect(toolkit('wait', 'box').stdout).toBe('0\n')
    expect(toolkit('logs', 'box').stdout).toBe('0\ninit\nok\n')
  })

  test('has nothing open but stdin, stdout and stderr', () => {
    run('ls /proc/self/fd; readlink /proc/self/fd/0')
    toolkit('wait', 'box')
    expect(toolkit('logs', 'box').stdout).toBe('0\n1\n2\n3\n/dev/null\n') // 3 is the directory that ls reads
  })

  test('--cidfile', () => {
    const file = `${world.state}/cid`
    const { stdout } = run('exit 0', '--cidfile', file)
    expect(fs.readFileSync(file, 'utf8')).toBe(stdout.trim())
    expect(toolkit('run', '-d', '--cidfile', file, 'busybox', 'true')).toMatchObject({ status: 125 })
    fs.unlinkSync(file)
    expect(toolkit('run', '-d', '--cidfile', file, 'busybox', 'nosuch').status).toBe(127)
    expect(fs.existsSync(file)).toBe(false)
    expect(toolkit('run', '--rm', '--cidfile', file, 'busybox', 'hostname').stdout.trim()).toBe(
      fs.readFileSync(file, 'utf8').slice(0, 12),
    )
    fs.unlinkSync(file)
    expect(toolkit('run', '--cidfile', file, 'busybox', 'nosuch').status).toBe(127)
    expect(fs.existsSync(file)).toBe(false)
  })

  test('ps: filters, formats, and only ids', () => {
    run('sleep 1000')
    toolkit('run', '--name', 'done', 'busybox', 'sh', '-c', 'exit 9')
    const ps = (...args: string[]) => toolkit('ps', '--format', '{{.Names}}', ...args).stdout
    expect(ps()).toBe('box\n')
    expect(ps('-a')).toBe('done\nbox\n')
    expect(ps('--filter', 'status=exited')).toBe('done\n')
    expect(ps('-f', 'exited=9')).toBe('done\n')
    expect(ps('-a', '-f', 'name=o', '-f', 'name=nothing')).toBe('done\nbox\n')
    expect(ps('-a', '-f', 'since=box')).toBe('done\n')
    expect(ps('-l')).toBe('done\n')
    expect(toolkit('ps', '--format', 'table {{.Names}}\\t{{.State}}').stdout).toBe(
      'NAMES     STATE\nbox       running\n',
    )
    expect(JSON.parse(toolkit('ps', '--format', 'json').stdout)).toMatchObject({ Names: 'box', Image: 'busybox' })
    expect(toolkit('ps', '-f', 'colour=red').status).toBe(1)
    expect(toolkit('ps', '--format', '{{.Colour}}').status).toBe(1)
  })

  test('inspect in docker’s shape; one that is not there', () => {
    run('sleep 1000')
    const { status, stdout, stderr } = toolkit('inspect', 'box', 'nobody')
    expect({ status, stderr }).toEqual({ status: 1, stderr: expect.stringContaining('"nobody"') })
    expect(JSON.parse(stdout)).toMatchObject([
      {
        Name: '/box',
        Path: 'sh',
        Args: ['-c', 'sleep 1000'],
        State: { Status: 'running' },
        Config: { Cmd: ['sh', '-c', 'sleep 1000'] },
      },
    ])
  })

  test('top lists its processes', () => {
    run('sleep 1000 & wait')
    expect(toolkit('top', 'box').stdout).toMatch(
      /^UID +PID +PPID +C +STIME +TTY +TIME +CMD\nroot .*sh -c .*\n(.*\n)?.*sleep 1000\n$/,
    )
  })
})
