// What a program in a container inherits, beside what the same program inherits from a plain shell.
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import { nothing, skipped, World } from './toolkit.ts'

const world = new World()
afterAll(() => world.end())
afterEach(() => {
  expect(world.left()).toEqual(nothing)
})

// The same busybox on both sides: straight from its root file system, and in the container.
const look = `
  grep -E "^(Sig(Blk|Ign)|Shd|Uid|Gid|CapInh|CapAmb|NoNewPrivs|Cpus_allowed_list|THP)" /proc/self/status
  cat /proc/self/limits; cat /proc/self/oom_score_adj; cut -d" " -f18,19,40,41 /proc/self/stat; pwd`

/** The same look from a plain shell and from a container, after the same preparation. */
function both(prepare: string): { shell: string; container: string } {
  const { stdout: shell } = world.shell(
    `${prepare} cd /; exec env -i PATH=/bin:/usr/bin "$ROOTFS/bin/busybox" sh -c '${look}'`,
  )
  const { stdout: container, stderr } = world.shell(`${prepare} exec $TOOLKIT run --rm busybox sh -c '${look}'`)
  expect(stderr).toBe('')
  expect(shell.split('\n').length).toBeGreaterThan(30)
  return { shell, container }
}

describe.skipIf(skipped)(`what the program inherits is what a plain shell gives${skipped}`, () => {
  test.each([
    ['untouched', ''],
    ['a lower soft limit of open files', 'ulimit -Sn 777;'],
    ['a lower hard limit of open files', 'ulimit -n 888;'],
    ['other limits', 'ulimit -c 0; ulimit -s 4096; ulimit -u 5000;'],
    ['a nice value', 'renice -n 5 $$ >/dev/null;'],
    ['a handler in the shell', 'trap : INT TERM USR1;'],
  ])('%s', (_title, prepare) => {
    const { shell, container } = both(prepare)
    expect(container.split('\n')).toEqual(shell.split('\n'))
  })

  test.each(['0', '022', '077'])('but the umask is docker’s, 022, whatever the caller’s (%s)', umask => {
    const { stdout } = world.shell(`umask ${umask}; exec $TOOLKIT run --rm busybox sh -c umask`)
    expect(stdout).toBe('0022\n')
  })

  test('no signal is ignored or blocked, not even those that the caller ignores', () => {
    const { container } = both('trap "" INT HUP PIPE XFSZ CHLD USR1;')
    expect(container).toMatch(/^SigBlk:\t0{16}$/m)
    expect(container).toMatch(/^SigIgn:\t0{16}$/m)
  })

  test('the exit code is right though the caller ignores SIGCHLD', () => {
    expect(world.shell('trap "" CHLD; exec $TOOLKIT run --rm busybox sh -c "exit 5"').status).toBe(5)
  })
})

describe.skipIf(skipped)(`environment${skipped}`, () => {
  const environment = (flags: readonly string[], env: NodeJS.ProcessEnv = {}) =>
    world
      .toolkit(['run', '--rm', '--hostname', 'box', ...flags, 'busybox', 'env'], { env: { ...world.env, ...env } })
      .stdout.trim()
      .split(/\r?\n/)
      .sort()
  const documented = ['HOME=/root', 'HOSTNAME=box', 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin']

  test('PATH, HOSTNAME and HOME', () => {
    expect(environment([])).toEqual(documented)
  })

  test('and TERM with a terminal', () => {
    expect(environment(['-t'], { TERM: 'dumb' })).toEqual([...documented, 'TERM=xterm'])
  })

  test('nothing of the caller’s', () => {
    const secrets = { SECRET: 'x', NODE_OPTIONS: '--no-warnings', LD_PRELOAD: '', TZ: 'UTC', LANG: 'C', PWD: '/' }
    expect(environment([], secrets)).toEqual(documented)
  })

  test('working directory, session and process group', () => {
    expect(world.sh('pwd; cut -d" " -f5,6,7,8 /proc/1/stat')).toBe('/\n1 1 0 -1\n')
  })
})
