import fs from 'node:fs'
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import { nothing, skipped, World } from './toolkit.ts'

const world = new World()
afterAll(() => world.end())
afterEach(() => {
  expect(world.left()).toEqual(nothing)
})

/** A copy of the busybox root file system, changed. */
function rootfs(name: string, change: (root: string) => void): string {
  const root = `${world.state}/${name}`
  fs.cpSync(world.rootfs, root, { recursive: true, verbatimSymlinks: true })
  change(root)
  return root
}

describe.skipIf(skipped)(`exit codes, as docker counts them${skipped}`, () => {
  test.each([
    ['true', 0],
    ['exit 1', 1],
    ['exit 42', 42],
    ['exit 255', 255],
    ['sh -c "kill -9 \\$\\$"; exit $?', 137],
    ['sh -c "kill -TERM \\$\\$"; exit $?', 143],
  ])('sh -c %j gives %i', (script, status) => {
    expect(world.toolkit(['run', '--rm', 'busybox', 'sh', '-c', script]).status).toBe(status)
  })

  test.each([
    ['a name in no directory of PATH', ['nosuch'], 127, /^toolkit: .*"nosuch".*\n$/],
    ['a path that is not there', ['/no/such'], 127, /^toolkit: .*"\/no\/such".*\n$/],
    ['a directory', ['/etc'], 126, /^toolkit: .*"\/etc".*\n$/],
    ['a file that is not executable', ['/etc/passwd'], 126, /^toolkit: .*"\/etc\/passwd".*\n$/],
    ['a path through a file', ['/etc/passwd/x'], 126, /^toolkit: .*not a directory.*\n$/],
  ])('%s', (_title, command, status, stderr) => {
    const result = world.toolkit(['run', '--rm', 'busybox', ...command])
    expect(result).toMatchObject({ status, stdout: '', stderr: expect.stringMatching(stderr) })
  })

  test('PATH is searched on behind what is no directory, and behind a file that may not be executed', () => {
    const root = rootfs('searched', root => {
      fs.mkdirSync(`${root}/first`)
      fs.writeFileSync(`${root}/first/sh`, 'not a program', { mode: 0o644 })
    })
    const env = ['-e', 'PATH=/etc/passwd:/nowhere:/first:/bin']
    expect(world.toolkit(['run', '--rm', ...env, root, 'sh', '-c', 'echo found'])).toMatchObject({
      status: 0,
      stdout: 'found\n',
    })
  })

  test('a text without #! and a script whose interpreter is missing', () => {
    const root = rootfs('scripts', root => {
      fs.writeFileSync(`${root}/bin/text`, 'echo hello\n', { mode: 0o755 })
      fs.writeFileSync(`${root}/bin/script`, '#!/no/interpreter\n', { mode: 0o755 })
    })
    expect(world.toolkit(['run', '--rm', root, 'text'])).toMatchObject({
      status: 126,
      stderr: expect.stringMatching(/^toolkit: .*"text".*\n$/),
    })
    expect(world.toolkit(['run', '--rm', root, 'script'])).toMatchObject({
      status: 127,
      stderr: expect.stringMatching(/^toolkit: .*"script".*\n$/),
    })
  })
})

describe.skipIf(skipped)(`bad input: one clear line, exit code 125, nothing left${skipped}`, () => {
  const busybox = (...args: string[]) => ['run', '--rm', ...args]
  test.each([
    ['a missing rootfs', busybox('/no/rootfs', 'true'), /\/no\/rootfs/],
    ['a file for a rootfs', busybox('/etc/passwd', 'true'), /\/etc\/passwd.*directory|directory.*\/etc\/passwd/],
    ['no rootfs', busybox(), /which root file system/],
    ['an empty rootfs', busybox('', 'true'), /root file system/],
    ['no command', busybox('busybox'), /which command/],
    ['an unknown flag', busybox('--wat', 'busybox', 'true'), /--wat/],
    ['an unknown letter', busybox('-x', 'busybox', 'true'), /-x/],
    ['a host name of 65 characters', busybox('--hostname', 'a'.repeat(65), 'busybox', 'true'), /65.*64/],
    ['a host name in UTF-8', busybox('--hostname', 'ümlaut', 'busybox', 'true'), /ümlaut/],
    ['a host name with blanks', busybox('--hostname=a b', 'busybox', 'true'), /host name/],
    ['no host name', busybox('--hostname'), /--hostname/],
    ['two ways to look', busybox('--step', '--explain', 'busybox', 'true'), /--explain.*--step/],
    ['a pipe as a terminal', busybox('-it', 'busybox', 'sh'), /needs a terminal/],
  ])('%s', (_title, args, message) => {
    const { status, stdout, stderr } = world.toolkit(args)
    expect({ status, stdout, lines: stderr.split('\n').length }).toEqual({ status: 125, stdout: '', lines: 2 })
    expect(stderr).toMatch(/^toolkit: /)
    expect(stderr).toMatch(message)
  })

  test('a filter that forbids what comes after it', () => {
    fs.writeFileSync(`${world.state}/kill.json`, '{ "defaultAction": "SCMP_ACT_KILL" }')
    const args = ['run', '--rm', '--security-opt', `seccomp=${world.state}/kill.json`, 'busybox', 'true']
    const { status, stdout, stderr } = world.toolkit(args)
    expect({ status, stdout }).toEqual({ status: 125, stdout: '' })
    expect(stderr).toMatch(/^toolkit: .*killed before step \d+, capset; its seccomp filter must allow that call\n$/)
  })

  test.each([
    ['-w', '/x'.repeat(3000)],
    ['-v', `/tmp:${'/x'.repeat(3000)}`],
  ])('a path that no kernel takes: %s', (flag, value) => {
    const { status, stderr } = world.toolkit(['run', '--rm', flag, value, 'busybox', 'true'])
    expect(status).toBe(125)
    expect(stderr).toMatch(/^toolkit: run: --(workdir|volume).*at most 4095 bytes\n$/)
  })

  test('--step without a terminal', () => {
    const { status, stderr } = world.shell('setsid -w $TOOLKIT run --rm --step busybox true </dev/null')
    expect({ status, stderr }).toEqual({
      status: 125,
      stderr: expect.stringMatching(/^toolkit: .*--step.*terminal.*\n$/),
    })
  })

  test('not root, and the state is root’s: how to go on', () => {
    const { status, stderr } = world.shell(
      'chmod 755 $TOOLKIT_STATE; setpriv --reuid 65534 --clear-groups $TOOLKIT run --rm busybox true',
    )
    expect({ status, stderr }).toEqual({
      status: 125,
      stderr: expect.stringMatching(/^toolkit: .*permission denied.*TOOLKIT_STATE=.*\n$/),
    })
  })

  test.each(['/proc/nowhere', '/sys/nowhere', '/etc/passwd'])('a state directory that cannot be: %s', state => {
    const result = world.toolkit(['run', '--rm', world.rootfs, 'true'], { env: { ...world.env, TOOLKIT_STATE: state } })
    expect(result).toMatchObject({ status: 125, stderr: expect.stringMatching(/^toolkit: .*TOOLKIT_STATE.*\n$/) })
    expect(result.stderr).toContain(state)
  })

  test('a read-only state directory', () => {
    const { status, stderr } = world.shell(
      `unshare -m sh -c 'mount -t tmpfs -o ro none /mnt && TOOLKIT_STATE=/mnt $TOOLKIT run --rm $ROOTFS true'`,
    )
    expect({ status, stderr }).toEqual({ status: 125, stderr: expect.stringMatching(/^toolkit: .*read-only.*\n$/) })
  })

  test.each(['proc', 'dev', 'sys'])(
    'a rootfs whose /%s leads elsewhere, or is a file: refused, nothing touched',
    name => {
      const witness = `${world.state}/witness-${name}`
      fs.mkdirSync(witness)
      const link = rootfs(`link-${name}`, root => {
        fs.rmSync(`${root}/${name}`, { recursive: true })
        fs.symlinkSync(witness, `${root}/${name}`)
      })
      const file = rootfs(`file-${name}`, root => {
        fs.rmSync(`${root}/${name}`, { recursive: true })
        fs.writeFileSync(`${root}/${name}`, '')
      })
      for (const [root, what] of [
        [link, 'a symbolic link'],
        [file, 'a file'],
      ] as const)
        expect(world.toolkit(['run', '--rm', root, 'true'])).toMatchObject({
          status: 125,
          stderr: expect.stringMatching(new RegExp(`^toolkit: .*"/${name}".*this is ${what}.*\n$`)),
        })
      expect(fs.readdirSync(witness)).toEqual([])
    },
  )

  test('a link in the rootfs where /dev is mounted over it does no harm', () => {
    const root = rootfs('shm', root => fs.symlinkSync('/run/shm', `${root}/dev/shm`))
    expect(world.toolkit(['run', '--rm', root, 'sh', '-c', '[ ! -L /dev/shm ] && [ -d /dev/shm ]']).status).toBe(0)
  })
})

describe.skipIf(skipped)(`odd surroundings${skipped}`, () => {
  test.each(['we,ird', 'co:lon', 'back\\slash', 'two words', 'quo"te', 'ümlaut'])('directories named %j', name => {
    const root = rootfs(name, () => {})
    const env = { ...world.env, TOOLKIT_STATE: `${world.state}/${name} state` }
    const result = world.toolkit(['run', '--rm', root, 'sh', '-c', 'echo hi >/new; cat /new'], { env })
    expect(result).toMatchObject({ status: 0, stdout: 'hi\n', stderr: '' })
    expect(fs.existsSync(`${root}/new`)).toBe(false)
  })

  test('a state directory as a relative path', () => {
    const { status, stdout } = world.shell('cd $TOOLKIT_STATE && TOOLKIT_STATE=rel $TOOLKIT run --rm $ROOTFS echo hi')
    expect({ status, stdout }).toEqual({ status: 0, stdout: 'hi\n' })
  })

  test('the first run makes the busybox root file system', () => {
    const env = { ...world.env, TOOLKIT_STATE: `${world.state}/first`, BUSYBOX: `${world.rootfs}/bin/busybox` }
    const { status, stdout, stderr } = world.toolkit(['run', '--rm', 'busybox', 'echo', 'hi'], { env })
    expect({ status, stdout }).toEqual({ status: 0, stdout: 'hi\n' })
    expect(stderr).toContain(`${world.state}/first/rootfs/busybox`)
  })

  test('closed stdin, stdout and stderr', () => {
    for (const closed of ['<&-', '>&-', '2>&-', '<&- >&- 2>&-'])
      expect(world.shell(`$TOOLKIT run --rm -i busybox sh -c 'exit 7' ${closed}`).status, closed).toBe(7)
  })

  test('the longest argument and many of them', () => {
    const { stdout } = world.toolkit([
      'run',
      '--rm',
      'busybox',
      'sh',
      '-c',
      'printf "$# "; printf %s "$1" | wc -c',
      'sh',
      'a'.repeat(131_000),
    ])
    expect(stdout).toBe('1 131000\n')
    const many = Array.from({ length: 100_000 }, (_, i) => String(i))
    expect(world.toolkit(['run', '--rm', 'busybox', 'sh', '-c', 'echo $#', 'sh', ...many]).stdout).toBe('100000\n')
  })
})
