import { afterAll, afterEach, describe, expect, test } from 'vitest'
import { nothing, skipped, World } from './toolkit.ts'

const world = new World()
afterAll(() => world.end())
afterEach(() => {
  expect(world.left()).toEqual(nothing)
})

/** What is printed of a plan: a number and a call, then indented lines. */
const calls = (text: string) =>
  [...text.matchAll(/^ *(\d+) {2}(\w+)\((.*)\)$/gm)].map(([, n, call]) => [Number(n), call])
// An id and a pid are new each time.
const settle = (text: string) => text.replace(/\b[0-9a-f]{12}\b/g, 'ID').replace(/toolkit\/[0-9a-f]+…/g, 'toolkit/ID…')

describe.skipIf(skipped)(`--explain${skipped}`, () => {
  const result = skipped
    ? undefined
    : world.toolkit(['run', '--rm', '--explain', 'busybox', 'sh', '-c', 'echo out; exit 3'])

  test('the command runs as ever; the explanation goes to stderr', () => {
    expect(result).toMatchObject({ status: 3, stdout: 'out\n' })
  })

  test('each call once, in order, with its why and its result, under the names of lessons', () => {
    const lines = calls(result!.stderr)
    expect(lines[0]).toEqual([0, 'clone3'])
    expect(lines.map(([n]) => n)).toEqual(lines.map((_, i) => i))
    expect(lines.at(-1)![1]).toBe('execve')
    for (const call of ['pivot_root', 'umount2', 'sethostname', 'close_range'])
      expect(
        lines.map(([, name]) => name),
        call,
      ).toContain(call)
    for (const lesson of ['04-pid', '05-mount', '12-overlay', '20-engine'])
      expect(result!.stderr).toMatch(new RegExp(`^── ${lesson} ─+$`, 'm'))
    for (const step of result!.stderr.split(/^(?= *\d+ {2})/m).slice(1, -1)) {
      expect(step).toMatch(/^ {5}\S/m)
      expect(step).toMatch(/^ {5}= -?\d+/m)
    }
    expect(result!.stderr).toMatch(/^ {5}the program runs, as \d+ on the host$/m)
  })

  test('the shell line of the overlay can be typed, and does what it says', () => {
    const line = /^ {5}\$ (mount -t overlay .*)$/m.exec(result!.stderr)![1]!
    const at = /upperdir=(\S+)\/upper/.exec(line)![1]
    const { stdout } = world.shell(
      `unshare -m sh -c 'mkdir -p ${at}/upper ${at}/work ${at}/merged && ${line.replace('DIR', `${at}/merged`)} && ls ${at}/merged'; rm -r ${at}`,
    )
    expect(stdout).toContain('bin\n')
  })

  test('exec: each call that is made, from the pidfd to the program', () => {
    world.toolkit(['run', '-d', '--name', 'box', 'busybox', 'sleep', '1000'])
    const pid = world.toolkit(['inspect', '-f', '{{.State.Pid}}', 'box']).stdout.trim()
    const { status, stdout, stderr } = world.toolkit([
      'exec',
      '--explain',
      '-u',
      '7',
      'box',
      'sh',
      '-c',
      'id -u; exit 4',
    ])
    expect({ status, stdout }).toEqual({ status: 4, stdout: '7\n' })
    expect(stderr).toContain(`  ·  container = pidfd_open(${pid}, 0)\n`)
    const lines = calls(stderr)
    expect(lines.map(([n]) => n)).toEqual(lines.map((_, i) => i))
    expect([lines[0]![1], lines.at(-1)![1]]).toEqual(['clone3', 'execve'])
    for (const call of ['setns', 'setresuid', 'capset', 'seccomp'])
      expect(lines.map(([, name]) => name)).toContain(call)
    expect(stderr).toMatch(/setns\(.*CLONE_NEWNS.*CLONE_NEWNET/)
    expect(world.toolkit(['exec', 'box', 'true']).stderr).toBe('')
    world.toolkit(['rm', '-f', 'box'])
  })

  test('stop: asked, waited for, and no longer asked; nothing is told that is not done', () => {
    world.toolkit(['run', '-d', '--name', 'box', 'busybox', 'sleep', '1000'])
    const { status, stdout, stderr } = world.toolkit(['stop', '--explain', '-t', '1', 'box'])
    expect({ status, stdout }).toEqual({ status: 0, stdout: 'box\n' })
    const done = [...stderr.matchAll(/^ {2}· {2}(.*)$/gm)].map(([, text]) => text!.replace(/\(.*/, ''))
    const asked = ['container = pidfd_open', 'pidfd_send_signal', 'thaw', 'poll']
    expect(done).toEqual([...asked, ...asked.slice(1)])
    expect(stderr).toMatch(/pidfd_send_signal\(container, SIGTERM, NULL, 0\)\n[\s\S]*= 0\n[\s\S]*it runs on, after 1 s/)
    expect(stderr).toMatch(/pidfd_send_signal\(container, SIGKILL, NULL, 0\)\n[\s\S]*it has ended\n$/)
    world.toolkit(['rm', 'box'])
    world.toolkit([
      'run',
      '-d',
      '--name',
      'box',
      'busybox',
      'sh',
      '-c',
      'trap "exit 0" TERM; while :; do sleep 0.05; done',
    ])
    world.shell('sleep 0.3') // until the trap is there
    const polite = world.toolkit(['stop', '--explain', 'box']).stderr
    expect(polite).not.toContain('SIGKILL')
    expect(polite).toMatch(/poll\(\{container, POLLIN\}, 10000\)\n.*\n {5}it has ended\n$/)
    world.toolkit(['rm', 'box'])
  })

  test('a failure: the step, the error, one line at the end, nothing left', () => {
    const { status, stderr } = world.toolkit(['run', '--rm', '--explain', 'busybox', 'nosuch'])
    expect(status).toBe(127)
    expect(stderr).toMatch(/= -1 ENOENT, no such file or directory/)
    expect(stderr.trimEnd().split('\n').at(-1)).toMatch(/^toolkit: .*"nosuch"/)
  })
})

describe.skipIf(skipped)(`--dry-run${skipped}`, () => {
  const args = ['run', '--rm', '--hostname', 'box', '--dry-run', 'busybox', 'true']

  test('prints to stdout, makes nothing', () => {
    const { status, stdout, stderr } = world.toolkit(args)
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    expect(calls(stdout)[0]).toEqual([0, 'clone3'])
    expect(stdout).not.toMatch(/^ {5}= /m) // no results: nothing was done
  })

  test('what --explain then does is what --dry-run said', () => {
    const dry = settle(world.toolkit(args).stdout)
    const done = settle(world.toolkit(args.map(word => (word === '--dry-run' ? '--explain' : word))).stderr)
    const lines = (text: string) => text.match(/^ *\d+ {2}\w+\(.*\)$/gm)!
    // Directories of PATH after the one where the program was found are planned, and never tried.
    expect(lines(done).length).toBeGreaterThan(40)
    expect(lines(dry).slice(0, lines(done).length)).toEqual(lines(done))
  })

  test('needs no root', () => {
    const { status, stdout, stderr } = world.shell(
      `chmod -R a+rX $TOOLKIT_STATE/rootfs; chmod a+x $TOOLKIT_STATE
       setpriv --reuid 65534 --clear-groups $TOOLKIT run --rm --dry-run busybox true`,
    )
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    expect(calls(stdout).at(-1)![1]).toBe('execve')
  })

  test('refuses what run refuses', () => {
    expect(world.toolkit(['run', '--dry-run', '--hostname', '-', 'busybox', 'true']).status).toBe(125)
    expect(world.toolkit(['run', '--dry-run', '/no/rootfs', 'true']).status).toBe(125)
  })

  test('a reader that has seen enough is no error', () => {
    const { stdout, stderr } = world.shell('$TOOLKIT run --dry-run busybox true | head -n 1')
    expect({ lines: stdout.split('\n').length, stderr }).toEqual({ lines: 2, stderr: '' })
  })
})
