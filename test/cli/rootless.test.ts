// `toolkit run` and the course as an ordinary user starts them: root of a user namespace, and nothing more.
import { spawn, spawnSync } from 'node:child_process'
import fs from 'node:fs'
import { tmpdir } from 'node:os'
import { afterAll, describe, expect, test } from 'vitest'
import { bin, eventually, skipped as noRoot, nothing, World } from './toolkit.ts'

const ID = 54321 // of nobody on this machine

/** Why it cannot be tried here; empty where it can. */
const skipped =
  noRoot ||
  (spawnSync('unshare', ['-Urm', 'true'], { uid: ID, gid: ID }).status === 0
    ? ''
    : ' (skipped: only root may make user namespaces here)')

const world = new World()
const home = fs.mkdtempSync(`${tmpdir()}/toolkit-home-`)
if (!skipped) {
  spawnSync('chown', ['-R', `${ID}:${ID}`, world.state, home])
}
afterAll(() => {
  world.end()
  fs.rmSync(home, { recursive: true, force: true })
})

const env = { ...world.env, HOME: home, USER: 'somebody', TERM: 'xterm' }
function toolkit(args: readonly string[], more: { input?: string; env?: NodeJS.ProcessEnv } = {}) {
  const { status, stdout, stderr } = spawnSync(bin, args, {
    uid: ID,
    gid: ID,
    env,
    encoding: 'utf8',
    timeout: 60_000,
    ...more,
  })
  return { status, stdout, stderr }
}
const sh = (script: string, ...flags: string[]) => toolkit(['run', '--rm', ...flags, 'busybox', 'sh', '-c', script])

describe.skipIf(skipped)(`a container without root${skipped}`, () => {
  test('its root is the user outside, and has power over nothing else', () => {
    const { stdout, stderr, status } = sh('id -u; cat /proc/self/uid_map; mknod /disk b 8 0 || echo no')
    expect({ status, stdout }, stderr).toEqual({
      status: 0,
      stdout: expect.stringMatching(new RegExp(`^0\\n +0 +${ID} +1\\nno\\n$`)),
    })
  })

  test('it has namespaces, files, devices and a name of its own', () => {
    const { stdout } = sh(
      'hostname; ls /; echo x >/dev/null && echo writes; head -c 2 /dev/zero | wc -c; ps | wc -l; ls /sys/class/net; umount /proc/sys; echo $?',
      '--hostname',
      'box',
    )
    expect(stdout).toMatch(/^box\nbin\ndev\n[\s\S]*\nwrites\n2\n[1-6]\nlo\n1\n$/)
  })

  test('a directory of the image can be replaced, and diff tells of it', () => {
    const replaced = toolkit(['run', '--name', 'box', 'busybox', 'sh', '-c', 'rm -r /usr && mkdir /usr && ls -A /usr'])
    expect(replaced).toMatchObject({ status: 0, stdout: '' })
    expect(toolkit(['diff', 'box']).stdout).toContain('D /usr/bin\n')
    expect(toolkit(['ps', '-a']).stdout).toMatch(/ box$/m)
    expect(toolkit(['rm', 'box'])).toMatchObject({ status: 0, stderr: '' })
    expect(world.left()).toEqual(nothing)
  })

  test('exit codes, streams and volumes as ever', () => {
    fs.mkdirSync(`${home}/data`)
    fs.chownSync(`${home}/data`, ID, ID)
    const { status, stdout } = toolkit(
      ['run', '--rm', '-i', '-v', `${home}/data:/data`, 'busybox', 'sh', '-c', 'cat >/data/file; exit 7'],
      { input: 'kept' },
    )
    expect({ status, stdout }).toEqual({ status: 7, stdout: '' })
    expect(fs.readFileSync(`${home}/data/file`, 'utf8')).toBe('kept')
    expect(fs.statSync(`${home}/data/file`).uid).toBe(ID)
    expect(toolkit(['run', '--rm', 'busybox', 'nothing-here']).status).toBe(127)
    expect(sh('kill -9 $$', '--init').status).toBe(137)
  })

  test('the host’s network can be shared', () => {
    const { status, stdout } = sh('readlink /proc/self/ns/net; ls /sys/class/net', '--net', 'host')
    expect({ status, stdout }).toEqual({
      status: 0,
      stdout: expect.stringContaining(`${fs.readlinkSync('/proc/self/ns/net')}\n`),
    })
  })

  test.each([
    ['a user that is nobody outside', ['--user', '1000'], /^toolkit: run: --user 1000:.*root/],
    ['a group that is nobody outside', ['--group-add', '5'], /^toolkit: run: --group-add 5:.*root/],
    ['an owner that is nobody outside', ['--tmpfs', '/x:uid=5'], /^toolkit: run: --tmpfs \/x:uid=5:.*root/],
    ['users of its own', ['--userns', 'private'], /^toolkit: run: --userns private:.*root/],
    ['the pids of the host', ['--pid', 'host'], /^toolkit: run: --pid host:.*root/],
    ['a device', ['--device', '/dev/null:/dev/other'], /^toolkit: run: --device.*root/],
    ['the bridge', ['--net', 'bridge'], /^toolkit: run: --net bridge.*root/],
    ['a port', ['-p', '8080:80', '--net', 'bridge'], /root/],
    ['one that lives on', ['-d'], /^toolkit: run: -d.*root/],
  ])('%s is refused in one line', (_, flags, said) => {
    const { status, stdout, stderr } = toolkit(['run', '--rm', ...flags, 'busybox', 'true'])
    expect({ status, stdout, stderr }).toEqual({ status: 125, stdout: '', stderr: expect.stringMatching(said) })
    expect(stderr.trimEnd().split('\n')).toHaveLength(1)
    expect(stderr).toContain('sudo')
  })

  test('--privileged gives what there is', () => {
    const { status, stdout } = sh('grep CapEff /proc/self/status; ls -l /dev/null', '--privileged')
    expect({ status, stdout }).toEqual({ status: 0, stdout: expect.stringMatching(/ffffff\n.* 1, +3 /) })
  })

  test('a program more in it is one of its user namespace, whoever asks for it', async () => {
    const child = spawn(bin, ['run', '--rm', '--name', 'lasting', 'busybox', 'sleep', '1000'], {
      uid: ID,
      gid: ID,
      env,
    })
    const ended = new Promise(resolve => child.once('close', resolve))
    const exec = ['exec', 'lasting', 'sh', '-c', 'id -u; cat /proc/self/uid_map; cat /proc/1/comm; exit 3']
    const said = { status: 3, stdout: expect.stringMatching(new RegExp(`^0\\n +0 +${ID} +1\\nsleep\\n$`)) }
    await eventually(() => toolkit(['exec', 'lasting', 'true']).status === 0, 'it runs')
    expect(toolkit(exec)).toMatchObject(said)
    expect(world.toolkit(exec)).toMatchObject(said)
    expect(toolkit(['pause', 'lasting'])).toMatchObject({ status: 1, stderr: expect.stringContaining('no cgroup') })
    expect(toolkit(['rm', '-f', 'lasting'])).toMatchObject({ status: 0, stderr: '' })
    await ended
    expect(world.left()).toEqual(nothing)
  })

  test('what is kept starts as root only', () => {
    for (const command of ['start', 'restart', 'create busybox']) {
      const { status, stderr } = toolkit([...command.split(' '), 'name'])
      expect({ status, stderr }).toEqual({
        status: 1,
        stderr: expect.stringMatching(/^toolkit: \w+: this needs root/),
      })
    }
  })

  test('where the state lies: below a home that is a path, or what names the place is said', () => {
    const { TOOLKIT_STATE, HOME, ...rest } = env as NodeJS.ProcessEnv
    const ps = (more: NodeJS.ProcessEnv) => toolkit(['ps'], { env: { ...rest, ...more } })
    expect(ps({ XDG_STATE_HOME: 'here', HOME })).toMatchObject({ status: 0, stderr: '' })
    expect(ps({ HOME: '' })).toMatchObject({ status: 1, stderr: expect.stringMatching(/no home.*TOOLKIT_STATE/) })
  })

  test.each(['SIGTERM', 'SIGHUP', 'SIGINT', 'SIGTSTP'] as const)('%s reaches the program', async signal => {
    const script = `trap 'echo got; exit 3' ${signal.slice(3)}; echo up; while :; do sleep 0.1; done`
    const child = spawn(bin, ['run', '--rm', 'busybox', 'sh', '-c', script], { uid: ID, gid: ID, env })
    let output = ''
    child.stdout.on('data', data => {
      output += data
    })
    const ended = new Promise(resolve => child.once('close', code => resolve(code)))
    await eventually(() => output.includes('up'), 'it runs')
    child.kill(signal)
    expect(await ended).toBe(3)
    expect(output).toBe('up\ngot\n')
  })

  test('kill -9 of the command ends all of it, and the next one clears up', async () => {
    const child = spawn(bin, ['run', '--rm', 'busybox', 'sh', '-c', 'echo up; sleep 1000'], { uid: ID, gid: ID, env })
    let output = ''
    child.stdout.on('data', data => {
      output += data
    })
    await eventually(() => output.includes('up'), 'it runs')
    child.kill('SIGKILL')
    await eventually(() => world.left().processes.length === 0, 'the container has ended')
    expect(sh('true').status).toBe(0)
    expect(world.left()).toEqual(nothing)
  })

  test('where nobody may make user namespaces: one line, and what to type', async () => {
    // A namespace with the same ids, that may have no other below it. Its root has its power from the second exec on.
    const limited = `echo 0 >/proc/sys/user/max_user_namespaces && exec setpriv --reuid ${ID} --regid ${ID} --clear-groups "$@"`
    const script = `echo up; read go; exec sh -c '${limited}' "$@"`
    const child = spawn('unshare', ['-U', 'sh', '-c', script, 'sh', 'sh', bin, 'run', '--rm', 'busybox', 'true'], {
      env,
    })
    let [output, errors] = ['', '']
    child.stdout.on('data', data => {
      output += data
    })
    child.stderr.on('data', data => {
      errors += data
    })
    const ended = new Promise(resolve => child.once('close', code => resolve(code)))
    await eventually(() => output.includes('up'), 'it is in its namespace')
    for (const file of ['uid_map', 'gid_map']) fs.writeFileSync(`/proc/${child.pid}/${file}`, '0 0 65000')
    child.stdin.end('go\n')
    expect(await ended).toBe(125)
    expect(errors).toMatch(/^toolkit: run: .*ENOSPC from clone3.*; try: sudo .*\n$/)
  })
})

describe.skipIf(skipped)(`the course without root${skipped}`, () => {
  test('a lesson passes its gate', () => {
    const { status, stdout, stderr } = toolkit(['lessons', 'verify', '--quick', './lessons/02-uts'])
    expect({ status, stderr }, stdout).toEqual({ status: 0, stderr: '' })
  })

  test.each([
    ['a user', ['--reuid', `${ID}`, '--regid', `${ID}`, '--clear-groups']],
    ['root', []],
  ])('%s has a lab where a file of /etc is a mount of its own, as in other people’s containers', (_, who) => {
    const script = 'mount --bind /etc/passwd /etc/hosts && mount -o remount,bind,nosuid,nodev /etc/hosts && exec "$@"'
    const lesson = [bin, 'lessons', 'check', '00', 'word', '--script', '-']
    const seen = spawnSync('unshare', ['-m', 'sh', '-c', script, 'sh', 'setpriv', ...who, ...lesson], {
      env,
      encoding: 'utf8',
      input: 'test -s /etc/passwd && test -s /etc/hosts && touch hello\n',
    })
    expect(seen).toMatchObject({ status: 1, stderr: '', stdout: expect.not.stringContaining('there is no file') })
  })

  test('what needs root is said', () => {
    expect(toolkit(['lessons', 'list']).stdout).toMatch(/needs root: /)
    expect(world.toolkit(['lessons', 'list']).stdout).not.toMatch(/needs root: /)
  })
})
