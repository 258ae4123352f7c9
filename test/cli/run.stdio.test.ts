import { createHash, randomBytes } from 'node:crypto'
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import { nothing, skipped, World } from './toolkit.ts'

const world = new World()
afterAll(() => world.end())
afterEach(() => {
  expect(world.left()).toEqual(nothing)
})
const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex')

describe.skipIf(skipped)(`stdin, stdout, stderr${skipped}`, () => {
  test('5 MB of random bytes come through -i unchanged', () => {
    const input = randomBytes(5 << 20)
    const { status, bytes, stderr } = world.toolkit(['run', '--rm', '-i', 'busybox', 'cat'], { input })
    expect({ status, stderr, sha256: sha256(bytes) }).toEqual({ status: 0, stderr: '', sha256: sha256(input) })
  })

  test('stdout and stderr stay apart', () => {
    const result = world.toolkit(['run', '--rm', 'busybox', 'sh', '-c', 'printf "out\\0"; printf err >&2'])
    expect(result).toMatchObject({ status: 0, stdout: 'out\0', stderr: 'err' })
  })

  test('without -i the input is at its end', () => {
    const result = world.toolkit(['run', '--rm', 'busybox', 'sh', '-c', 'cat; echo end'], { input: 'not for you' })
    expect(result).toMatchObject({ status: 0, stdout: 'end\n', stderr: '' })
  })

  test('pipes are its user’s: it can open /dev/stdout by its name', () => {
    const run = '$TOOLKIT run --rm -u 1000 busybox sh -c "echo out >/dev/stdout; echo err >/dev/stderr" 2>&1 | cat'
    expect(world.shell(run)).toMatchObject({ stdout: 'out\nerr\n', stderr: '' })
    const read = 'echo in | $TOOLKIT run --rm -i -u 1000 busybox cat /dev/stdin | cat'
    expect(world.shell(read)).toMatchObject({ stdout: 'in\n', stderr: '' })
    const apart = '$TOOLKIT run --rm --userns private -u 1000 busybox sh -c "echo out >/dev/stdout" | cat'
    expect(world.shell(apart)).toMatchObject({ stdout: 'out\n', stderr: '' })
  })

  test('a file of the host is not', () => {
    const { stdout } = world.shell(
      'f=$(mktemp); $TOOLKIT run --rm -u 1000 busybox sh -c "echo out" >$f; stat -c %u $f; cat $f; rm $f',
    )
    expect(stdout).toBe('0\nout\n')
  })

  test('what the command does not read stays for others', () => {
    const { stdout } = world.shell(
      '(printf "one\\ntwo\\n") | ($TOOLKIT run --rm busybox true; $TOOLKIT run --rm -i busybox cat)',
    )
    expect(stdout).toBe('one\ntwo\n')
  })

  test('a reader that has seen enough ends the command, not the engine', () => {
    for (const flags of ['', '-t']) {
      const { stdout, stderr } = world.shell(`$TOOLKIT run --rm ${flags} busybox seq 200000 | head -n 1`)
      expect({ stdout: stdout.trim(), stderr }, `flags ${flags}`).toEqual({ stdout: '1', stderr: '' })
    }
  })

  test('-t: a slow reader gets all of it', () => {
    const { stdout } = world.shell(
      '$TOOLKIT run --rm -t busybox seq 100000 | (sleep 2.5; head -c 70000 >/dev/null; sleep 2.5; tail -n 1)',
    )
    expect(stdout).toBe('100000\r\n')
  })

  test('-t without -i: a terminal that nobody types at', () => {
    const { status, stdout } = world.toolkit(['run', '--rm', '-t', 'busybox', 'sh', '-c', 'tty; stty size'])
    expect({ status, stdout }).toEqual({ status: 0, stdout: '/dev/pts/0\r\n24 80\r\n' })
  })
})

describe.skipIf(skipped)(`signals${skipped}`, () => {
  test.each(['HUP', 'INT', 'QUIT', 'USR1', 'USR2', 'ALRM', 'TERM', 'CONT', 'TSTP', 'WINCH', 'PWR'] as const)(
    'SIG%s reaches a trap in the container',
    async name => {
      const script = `trap 'echo got ${name}; exit 9' ${name}; echo ready; while :; do sleep 0.05; done`
      const run = world.start(['run', '--rm', 'busybox', 'sh', '-c', script])
      await run.until('ready\n')
      run.child.kill(`SIG${name}`)
      expect(await run.exit).toEqual({ code: 9, signal: null })
      expect(run.output()).toBe(`ready\ngot ${name}\n`)
    },
  )

  test('PID 1 without a handler takes no notice of TERM; killed from the host it counts 137', async () => {
    const run = world.start(['run', '--rm', 'busybox', 'sh', '-c', 'echo ready; while :; do sleep 0.05; done'])
    await run.until('ready\n')
    run.child.kill('SIGTERM')
    run.child.kill('SIGINT')
    const container = world.init()
    process.kill(container, 0) // still there
    process.kill(container, 'SIGKILL')
    expect(await run.exit).toEqual({ code: 137, signal: null })
  })

  test('a signal at any moment ends it, or is passed on: never lost in a hang, never a stack trace', async () => {
    for (let delay = 0; delay <= 60; delay += 4) {
      const run = world.start(['run', '--rm', 'busybox', 'sh', '-c', 'trap "exit 3" TERM; sleep 0.3 & wait; exit 4'])
      await new Promise(resolve => setTimeout(resolve, delay))
      run.child.kill('SIGTERM')
      const { code, signal } = await run.exit
      expect([3, 4, null], `after ${delay} ms: ${run.output()}`).toContain(code)
      if (code === null) expect(signal).toBe('SIGTERM') // Node had not got so far
      expect(run.output()).toBe('')
    }
    world.toolkit(['run', '--rm', 'busybox', 'true']) // sweeps after those that ended too early
  })
})
