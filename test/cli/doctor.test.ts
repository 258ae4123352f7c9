// The doctor on the real kernel, and on hosts from which something has really been taken away.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { complain, type RequirementId, refuse, requirement, requirements } from '../../toolkit/engine/host.ts'
import { load } from '../../toolkit/engine/remedies.ts'
import { readLayout } from '../../toolkit/observe/cgroups.ts'
import { difference, snapshot } from '../../toolkit/observe/leaks.ts'
import { bin } from './toolkit.ts'

const isRoot = process.getuid!() === 0
const scratch = mkdtempSync(join(tmpdir(), 'doctor-'))
afterAll(() => rmSync(scratch, { recursive: true, force: true }))

const environment = { PATH: process.env.PATH, TOOLKIT_STATE: `${scratch}/state`, LANG: 'C.UTF-8' }

interface Checked {
  id: RequirementId
  needed: boolean
  state: 'ok' | 'warning' | 'missing' | 'unchecked'
  detail: string | null
  missing: string | null
  cost: string | null
  remedy: string | null
  message: string | null
}

/** Runs it behind a command that takes something away, such as `setpriv …`. */
function doctor(args: readonly string[], before: readonly string[] = [], env: NodeJS.ProcessEnv = {}) {
  const [command, ...words] = [...before, bin, 'doctor', ...args]
  return spawnSync(command!, words, { encoding: 'utf8', env: { ...environment, ...env } })
}

/** The same behind a script of sh; `"$@"` is the doctor. */
const after = (script: string, ...wrapper: string[]) => [...wrapper, 'sh', '-ec', `${script}; exec "$@"`, 'sh']

function examine(before: readonly string[] = [], env: NodeJS.ProcessEnv = {}) {
  const { status, stdout, stderr } = doctor(['--json'], before, env)
  expect(stderr).toBe('')
  const { version, ok, checks } = JSON.parse(stdout) as { version: number; ok: boolean; checks: Checked[] }
  expect(version).toBe(1)
  expect(status).toBe(ok ? 0 : 1)
  expect(ok).toBe(checks.every(({ state }) => state !== 'missing'))
  return { ok, checks, check: (id: RequirementId) => checks.find(found => found.id === id)! }
}

describe('what it says', () => {
  test('is one result for each requirement, with the words of a refusal', () => {
    const { checks } = examine([], { PATH: '/nowhere' }) // so that something is amiss
    expect(checks.map(({ id }) => id).sort()).toEqual(Object.keys(requirements()).sort())
    const amiss = checks.filter(({ state }) => state === 'warning' || state === 'missing')
    expect(amiss.map(({ id }) => id)).toContain('util-linux')
    for (const { id, detail, remedy, message, state, needed } of amiss) {
      expect(message).toBe(complain(id, { detail: detail ?? undefined, remedy: remedy ?? undefined }))
      expect(state).toBe(needed ? 'missing' : 'warning')
    }
    for (const { state, missing, cost, remedy, message } of checks)
      if (state === 'ok' || state === 'unchecked') expect([missing, cost, remedy, message]).toEqual(Array(4).fill(null))
  })

  test('is a line for each, and under what is missing what it costs and what to type', () => {
    const { stdout, stderr } = doctor([], [], { PATH: '/nowhere' })
    expect(stderr).toBe('')
    for (const { title } of Object.values(requirements())) expect(stdout).toMatch(new RegExp(`^  [✓!✗?] ${title}`, 'm'))
    const { missing, cost, remedy } = requirement('util-linux')
    const found = stdout.slice(stdout.indexOf('  ! unshare')).split('\n').slice(0, 4)
    expect(found).toEqual([
      `  ! unshare, nsenter     ${missing} (unshare`,
      '                         nsenter mount)',
      `        without it ${cost}`,
      `        type       ${remedy}`,
    ])
    expect(stdout).not.toContain('\x1b')
    for (const line of stdout.split('\n').filter(line => !line.startsWith('        type')))
      expect(line.length, line).toBeLessThanOrEqual(80)
  })

  test('is plain ASCII where the terminal knows no more', () => {
    const { stdout } = doctor(['--verbose'], [], { LANG: 'C' })
    expect(stdout).toMatch(/^ {2}ok {8}processor {12}(x64|arm64)$/m)
    expect(stdout).toMatch(/^ {2}warning {3}UTF-8/m)
    expect(stdout).toMatch(/^[\n -~]*$/)
  })

  test('a word too many, an unknown flag', () => {
    for (const args of [['x'], ['--wat'], ['--json=yes']])
      expect(doctor(args)).toMatchObject({
        status: 125,
        stdout: '',
        stderr: expect.stringMatching(/^toolkit: doctor: .*\n$/),
      })
  })
})

test('a refusal is a line: what was asked, what is missing, what to type', () => {
  expect(refuse('overlay').message).toBe(`this kernel has no overlay file system; try: ${load('overlay')}`)
  expect(refuse('cgroup-memory', { asked: 'run: -m 1g', detail: 'not mounted', remedy: 'x' })).toMatchObject({
    message: 'run: -m 1g: there is no cgroup controller memory here (not mounted); try: x',
    exitCode: undefined,
  })
  for (const id of Object.keys(requirements()) as RequirementId[]) expect(complain(id)).toMatch(/^[^\n]+; try: [^\n]+$/)
})

describe.skipIf(!isRoot)(`as root${isRoot ? '' : ' (skipped: needs root)'}`, () => {
  test('this machine, and nothing is left behind', () => {
    const before = snapshot({ directories: [scratch, '/var/lib'] })
    const { check } = examine()
    expect(difference(before, snapshot({ directories: [scratch, '/var/lib'] }))).toEqual([])
    expect(readdirSync(scratch)).toEqual([])
    expect(check('root').state).toBe('ok')
    expect(check('linux').detail).toBe(spawnSync('uname', ['-r'], { encoding: 'utf8' }).stdout.trim())
    for (const type of ['mnt', 'uts', 'ipc', 'pid', 'net', 'user', 'cgroup', 'time'] as const) {
      if (existsSync(`/proc/self/ns/${type}`)) expect([type, check(`ns-${type}`).state]).toEqual([type, 'ok'])
    }
  })

  // each in a network namespace: what the doctor finds is what ip can make
  test.each(['veth', 'bridge', 'macvlan', 'vxlan'] as const)('%s is there where ip can make one', kind => {
    const made = {
      veth: 'ip link add probe0 type veth peer name probe1',
      bridge: 'ip link add probe0 type bridge',
      macvlan: 'ip link add below type bridge; ip link add probe0 link below type macvlan',
      vxlan: 'ip link add probe0 type vxlan id 1 dstport 4789',
    }[kind]
    const { status } = spawnSync('unshare', ['-n', 'sh', '-ec', made])
    expect(examine().check(kind).state).toBe(status === 0 ? 'ok' : 'warning')
  })

  test('a user: says what goes without root, and what not', () => {
    const { ok, check, checks } = examine(['setpriv', '--reuid', '65534', '--clear-groups'], {
      TOOLKIT_STATE: undefined,
      XDG_STATE_HOME: '/root',
    })
    expect(ok).toBe(false)
    const detail = 'we are root of a user namespace only'
    expect(check('root')).toMatchObject({ state: 'warning', detail, remedy: 'sudo toolkit …' })
    expect(check('capabilities')).toMatchObject({ state: 'ok' })
    expect(checks.filter(({ state }) => state === 'missing').map(({ id }) => id)).toEqual(['state-dir'])
  })

  test('a user’s verdict is his own: what can be done without root', () => {
    const { stdout, status } = doctor([], ['setpriv', '--reuid', '65534', '--clear-groups'], {
      TOOLKIT_STATE: undefined,
      XDG_STATE_HOME: '/tmp',
    })
    expect(stdout).toMatch(/^ +! +root +this needs root \(we are root of a user namespace only\)/m)
    expect({ status, verdict: stdout.trimEnd().split('\n').at(-1) }).toEqual({
      status: 0,
      verdict: expect.stringMatching(/^Containers can be made here\. Warnings: /),
    })
  })

  // A file that this kernel does not have is put among those that it has.
  const sysctl = (name: string, value: string) => `mkdir /mnt/kernel; cp /proc/sys/kernel/osrelease /mnt/kernel
    echo ${value} > /mnt/kernel/${name}; mount --bind /mnt/kernel /proc/sys/kernel`
  const ownFiles = 'mount -t tmpfs none /mnt'

  test('Ubuntu’s AppArmor keeps user namespaces from users', () => {
    const name = 'apparmor_restrict_unprivileged_userns'
    const { ok, check } = examine(after(`${ownFiles}; ${sysctl(name, '1')}`, 'unshare', '-m'))
    expect(check('userns-for-users')).toMatchObject({
      state: 'warning',
      detail: `kernel.${name} is 1`,
      remedy: `sudo sysctl kernel.${name}=0`,
    })
    expect(ok).toBe(true)
    expect(examine(after(`${ownFiles}; ${sysctl(name, '0')}`, 'unshare', '-m')).check('userns-for-users').state).toBe(
      'ok',
    )
  })

  const release = (text: string) =>
    after(`${ownFiles}; echo ${text} > /mnt/r; mount --bind /mnt/r /proc/sys/kernel/osrelease`, 'unshare', '-m')
  const layout = readLayout(process.pid)?.layout

  test('WSL 2, whose cgroups are mixed unless it is told', () => {
    const { ok, check } = examine(release('5.15.167.4-microsoft-standard-WSL2'))
    expect(ok).toBe(true)
    if (layout === 'v2') expect(check('surroundings')).toMatchObject({ state: 'ok', detail: 'WSL 2' })
    else
      expect(check('surroundings')).toMatchObject({
        state: 'warning',
        detail: 'WSL 2, with cgroups of v1 and v2 mixed',
        remedy: expect.stringContaining('kernelCommandLine=cgroup_no_v1=all'),
      })
  })

  test('WSL 1, and an old kernel of WSL 2: the remedy is typed to Windows', () => {
    const set = 'wsl.exe --set-version "$WSL_DISTRO_NAME" 2'
    expect(examine(release('4.4.0-19041-Microsoft')).check('surroundings')).toMatchObject({
      state: 'warning',
      detail: 'WSL 1: it has no namespaces',
      remedy: set,
    })
  })

  // As docker makes them: few capabilities, cgroups that cannot be written, a pid namespace, and its mark.
  const container = (mark: string, ...wrapper: string[]) =>
    after(
      `mount -t tmpfs none /run; mkdir -p /run/systemd; ${mark}
       for m in $(awk '$3 ~ /^cgroup/ {print $2}' /proc/mounts); do mount -o remount,bind,ro $m; done`,
      'unshare',
      '-mpf',
      '--mount-proc',
      ...wrapper,
    )
  const docker14 =
    '-all,+chown,+dac_override,+fowner,+fsetid,+kill,+setgid,+setuid,+setpcap,+net_bind_service,+net_raw,+sys_chroot,+mknod,+audit_write,+setfcap'

  test('in a container that has not all rights', () => {
    const mark = `touch /run/.containerenv; set -- setpriv --bounding-set=${docker14} "$@"`
    const { ok, check } = examine(container(mark))
    expect(check('surroundings')).toMatchObject({
      state: 'warning',
      detail: 'a container of podman, without NET_ADMIN SYS_ADMIN, with cgroups that are read-only',
      remedy: 'sudo podman run -it --privileged -v toolkit:/var/lib/toolkit …',
    })
    const given = check('surroundings').remedy
    for (const id of ['capabilities', 'ns-mnt', 'cgroup-write'] as const)
      expect([id, check(id).remedy]).toEqual([id, given])
    expect(ok).toBe(false)
    const verdict = doctor([], container(mark)).stdout.split('\n').at(-2)
    expect(verdict).toMatch(
      /^Containers cannot be made here: this machine is one within another, .* \(a container of podman,/,
    )
  })

  test('in a container whose cgroups are read-only', () => {
    const { ok, check } = examine(container('echo lxc > /run/systemd/container'))
    expect(check('surroundings')).toMatchObject({
      state: 'warning',
      detail: 'a container of lxc, with cgroups that are read-only',
      remedy: expect.stringContaining('security.nesting=true'),
    })
    expect(ok).toBe(true)
  })

  test('in a container that has all, nothing is amiss', () => {
    const script = 'mount -t tmpfs none /run; touch /run/.containerenv'
    const { check } = examine(after(script, 'unshare', '-mpf', '--mount-proc'))
    expect(check('surroundings')).toMatchObject({ state: 'ok', detail: 'a container of podman' })
  })

  test('no program nft', () => {
    const cover = `for f in $(printf %s "$PATH:/usr/local/sbin:/usr/sbin:/sbin" | tr : ' '); do
      if [ -f "$f/nft" ]; then mount --bind /dev/null "$f/nft"; fi; done`
    const { ok, check } = examine(after(cover, 'unshare', '-m'))
    expect(check('nft')).toMatchObject({
      state: 'warning',
      message: 'the program nft is not there; try: sudo apt-get install nftables',
    })
    expect(check('nftables').state).toBe('ok') // the engine asks the kernel itself
    expect(ok).toBe(true)
  })

  test('root of a user namespace only', () => {
    const { check } = examine(['unshare', '--user', '--map-root-user'])
    expect(check('root')).toMatchObject({ state: 'warning', detail: 'we are root of a user namespace only' })
    expect(check('cgroup-memory').state).not.toBe('missing')
  })

  test('no capability SYS_ADMIN', () => {
    const { check } = examine(['setpriv', '--bounding-set=-sys_admin'])
    expect(check('capabilities')).toMatchObject({ state: 'missing', detail: 'SYS_ADMIN' })
    expect(check('ns-mnt')).toMatchObject({ state: 'missing', detail: 'EPERM from clone3' })
    expect(check('veth')).toMatchObject({ state: 'unchecked' })
  })

  test('no capability NET_ADMIN', () => {
    const { check } = examine(['setpriv', '--bounding-set=-net_admin'])
    expect(check('capabilities')).toMatchObject({ state: 'missing', detail: 'NET_ADMIN' })
    expect(check('bridge')).toMatchObject({ state: 'unchecked', detail: 'it takes NET_ADMIN to tell' })
  })

  test('some of what containers get is not there', () => {
    const { ok, check } = examine(['setpriv', '--bounding-set=-net_raw,-fsetid'])
    expect(check('container-capabilities')).toMatchObject({ state: 'warning', detail: 'FSETID NET_RAW' })
    expect(ok).toBe(true)
  })

  test('no more user namespaces', () => {
    const script = 'echo 0 > /proc/sys/user/max_user_namespaces'
    const { check } = examine(after(script, 'unshare', '--user', '--map-root-user')) // the limit is of that one
    expect(check('ns-user')).toMatchObject({
      state: 'warning',
      detail: 'the limit user.max_user_namespaces is reached',
      remedy: 'sudo sysctl user.max_user_namespaces=15000',
    })
    expect(check('ns-limit')).toMatchObject({ state: 'warning', detail: 'max_user_namespaces is 0' })
  })

  test('no cgroups', () => {
    const { ok, check } = examine(after('umount -R /sys/fs/cgroup', 'unshare', '-m'))
    expect(check('cgroups').state).toBe('warning')
    expect(check('cgroup-memory')).toMatchObject({ state: 'unchecked', detail: 'no hierarchy is mounted' })
    expect(ok).toBe(true)
  })

  test('no mount for one controller of v1', () => {
    if (!existsSync('/sys/fs/cgroup/cpuset/tasks')) return
    const { check } = examine(after('umount /sys/fs/cgroup/cpuset', 'unshare', '-m'))
    expect(check('cgroup-cpuset')).toMatchObject({
      state: 'warning',
      message:
        'there is no cgroup controller cpuset here (not mounted); try: sudo mkdir -p /sys/fs/cgroup/cpuset && sudo mount -t cgroup -o cpuset cgroup /sys/fs/cgroup/cpuset',
    })
    expect(check('cgroup-memory').state).toBe('ok')
  })

  test('cgroups that another mount covers', () => {
    const { check } = examine(after('mount -t tmpfs none /sys/fs/cgroup', 'unshare', '-m'))
    expect(check('cgroups').state).toBe('warning')
    expect(check('cgroup-write').state).toBe('unchecked')
  })

  test('cgroups that are read-only', () => {
    const script = "for m in $(awk '$3 ~ /^cgroup/ {print $2}' /proc/mounts); do mount -o remount,bind,ro $m; done"
    const { check } = examine(after(script, 'unshare', '-m'))
    expect(check('cgroup-write')).toMatchObject({ state: 'warning', detail: expect.stringContaining('/sys/fs/cgroup') })
    expect(check('cgroups').state).toBe('ok')
  })

  test('a state directory on an overlay', () => {
    const script = `mount -t tmpfs none /mnt; mkdir /mnt/l /mnt/u /mnt/w /mnt/o;
      mount -t overlay none -o lowerdir=/mnt/l,upperdir=/mnt/u,workdir=/mnt/w /mnt/o`
    const { check } = examine(after(script, 'unshare', '-m'), { TOOLKIT_STATE: '/mnt/o/state' })
    expect(check('state-dir').state).toBe('ok')
    expect(check('overlay-upper')).toMatchObject({ state: 'missing', detail: '/mnt/o' })
  })

  const noDisk =
    spawnSync('mke2fs', ['-V']).error || !existsSync('/dev/loop-control')
      ? ' (skipped: needs mke2fs and loop devices)'
      : ''
  test.skipIf(noDisk)(`a state directory on a file system that tells no types${noDisk}`, () => {
    const disk = mkdtempSync(join(tmpdir(), 'doctor-disk-'))
    const script = `truncate -s 8M ${disk}/image; mke2fs -q -F -O ^filetype ${disk}/image
      mount -o loop ${disk}/image /mnt`
    const { check } = examine(after(script, 'unshare', '-m'), { TOOLKIT_STATE: '/mnt' })
    expect(check('overlay-upper')).toMatchObject({ state: 'missing', detail: 'directories do not tell types: /mnt' })
    rmSync(disk, { recursive: true })
  })

  test('a state directory that is read-only, or nearly full', () => {
    const readOnly = after('mount -t tmpfs -o ro none /mnt', 'unshare', '-m')
    expect(examine(readOnly, { TOOLKIT_STATE: '/mnt' }).check('state-dir')).toMatchObject({
      state: 'missing',
      detail: 'EROFS in /mnt',
    })
    const small = after('mount -t tmpfs -o size=5M none /mnt', 'unshare', '-m')
    expect(examine(small, { TOOLKIT_STATE: '/mnt/state' }).check('disk-space')).toMatchObject({
      state: 'warning',
      detail: '5 MB free in /mnt',
    })
  })

  test('another firewall that drops what is forwarded', () => {
    const script = `nft add table ip filter
      nft add chain ip filter FORWARD '{ type filter hook forward priority 0; policy drop; }'`
    const { ok, check } = examine(after(script, 'unshare', '-n'))
    expect(check('forward-policy')).toMatchObject({
      state: 'warning',
      detail: 'the policy of filter FORWARD is drop',
      remedy: 'sudo iptables -P FORWARD ACCEPT',
    })
    expect(ok).toBe(true)
    expect(examine(['unshare', '-n']).check('forward-policy').state).toBe('ok')
  })

  test('few open files', () => {
    expect(examine(['prlimit', '--nofile=512:512']).check('open-files')).toMatchObject({
      state: 'warning',
      detail: '512',
    })
  })

  test('runc, which a lesson needs, and no runc', () => {
    const programs = mkdtempSync(join(scratch, 'programs-'))
    writeFileSync(`${programs}/runc`, '', { mode: 0o755 })
    const PATH = `${programs}:${environment.PATH}`
    expect(examine([], { PATH }).check('runc')).toMatchObject({ state: 'ok', detail: `${programs}/runc` })
    const cover = `for f in $(printf %s "$PATH:/usr/local/sbin:/usr/sbin:/sbin" | tr : ' '); do
      if [ -f "$f/runc" ]; then mount --bind /dev/null "$f/runc"; fi; done`
    const { ok, check } = examine(after(cover, 'unshare', '-m'), { PATH })
    expect(check('runc')).toMatchObject({
      state: 'warning',
      cost: 'lesson 19',
      message: 'the program runc is not there; try: sudo apt-get install runc',
    })
    expect(ok).toBe(true)
    rmSync(programs, { recursive: true })
  })

  test('no programs, no UTF-8', () => {
    const { check } = examine([], { PATH: dirname(process.execPath), LANG: 'POSIX' })
    expect(check('utf-8').state).toBe('warning')
    expect(check('busybox').state).toBe('warning')
  })
})
