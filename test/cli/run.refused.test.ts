// Values of flags that no look at the words can judge: the kernel does, while the container is being made. Each is one line
// that names the flag, its value and what is allowed; the exit code is docker's, and nothing is left.
import fs from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { difference, snapshot } from '../../toolkit/observe/leaks.ts'
import { NetWorld } from '../engine/net-world.ts'
import { nothing, skipped, World } from './toolkit.ts'

const FILES = path.join(tmpdir(), `refused-${process.pid}`)
const long = 'x'.repeat(300)
const mayLower = fs.readFileSync('/proc/self/status', 'utf8').match(/^CapEff:\t(.*)$/m)?.[1]
const hasResource = ((BigInt(`0x${mayLower}`) >> 24n) & 1n) === 1n // CAP_SYS_RESOURCE

describe.skipIf(skipped)(`refused by the kernel${skipped}`, () => {
  let host: NetWorld
  let world: World
  beforeAll(() => {
    host = new NetWorld() // from here on all that this process starts lives there
    world = new World()
    fs.mkdirSync(FILES)
    fs.writeFileSync(`${FILES}/file`, '')
    fs.symlinkSync('loop', `${FILES}/loop`)
    fs.writeFileSync(`${FILES}/profile`, '{"defaultAction": "SCMP_ACT_SING"}')
    world.toolkit(['run', '--rm', 'busybox', 'true']) // what is made once is there
  })
  afterAll(() => {
    world.end()
    host.end()
    fs.rmSync(FILES, { recursive: true })
  })

  const state = () => snapshot({ directories: [`${world.state}/containers`] })

  test.each<[string, RegExp]>([
    ['--sysctl net.ipv4.ip_forward=x', /does not take this value.*; allowed: .*on this machine it is [01]$/],
    ['--sysctl fs.mqueue.msg_max=-1', /does not take this value.*; allowed: .*on this machine it is \d+$/],
    ['--sysctl net.ipv4.tcp_congestion_control=nosuch', /by the name that was written.*; allowed: .*it is \w+$/],
    ['--sysctl net.ipv4.nosuch=1', /no such setting.*; allowed: what 'sysctl -a' lists/],
    ['--sysctl net.ipv4=1', /a directory cannot be written to.*; allowed: what 'sysctl -a' lists/],
    ['--device /dev/null:/etc/passwd', /the name is taken.*; allowed: a place where nothing is in the image/],
    ['--device /dev/null:/etc/passwd/x', /the path, or a part of it, is a file.*; allowed: a place/],
    ['--workdir /etc/passwd', /the path, or a part of it, is a file.*; allowed: a directory of the container/],
    ['--workdir /etc/passwd/x', /the path, or a part of it, is a file.*; allowed: a directory of the container/],
    [
      '--workdir /proc/self/fd/7',
      /; allowed: a directory of the container, or a new one in it, and no link of \/proc$/,
    ],
    [`--workdir /${long}`, /at most 255 bytes.*; allowed: a directory/],
    ['--uts ns:FILES/nosuch', /is not there.*; allowed: .*\/proc\/PID\/ns\/uts, of a user namespace that is ours$/],
    ['--ipc ns:FILES/nosuch', /is not there.*; allowed: .*\/proc\/PID\/ns\/ipc, of a user namespace that is ours$/],
    ['--pid ns:FILES/nosuch', /is not there.*; allowed: .*\/proc\/PID\/ns\/pid, of a user namespace that is ours$/],
    ['--network ns:FILES/nosuch', /is not there.*; allowed: .*\/proc\/PID\/ns\/net, of a user namespace that is ours$/],
    ['--uts ns:/etc/passwd', /is no uts namespace, but another file; namespaces are in \/proc\/PID\/ns$/],
    ['--uts ns:/proc/self/ns/ipc', /is no uts namespace: it is one of type ipc$/],
    [
      '--volume FILES/file:/etc',
      /is a file and the other a directory.*; allowed: a place in the container where a file is/,
    ],
    [
      '--volume /etc:/etc/passwd',
      /is a file in the container.*; allowed: a place in the container where a directory is/,
    ],
    [
      '--volume nosuch:/etc/passwd',
      /is a file in the container.*; allowed: a place in the container where a directory is/,
    ],
    [`--volume /etc:/${long}`, /at most 255 bytes.*; allowed: a place/],
    ['--mount type=bind,src=FILES/file,dst=/etc', /is a file and the other a directory.*; allowed: a place/],
    ['--mount type=bind,src=FILES/nosuch,dst=/x', /there is no \S+\/nosuch on this machine$/],
    ['--tmpfs /etc/passwd', /is a file in the container.*; allowed: a place/],
    ['--tmpfs /dev/null', /is a file.*; allowed: a place/],
    ['--tmpfs /dev/stdin', /is a symbolic link.*; allowed: a place/],
    ['--uidmap 0:100000:10 --tmpfs /x:uid=10', /its user namespace has no user 10; allowed: 0-9$/],
    ['--sysctl net.core.rmem_max=1', /can be read only.*; allowed: what 'sysctl -a' lists inside/],
    ['--workdir /proc/1/cwd', /a link of \/proc to what a process has open.*; allowed: a directory of the container/],
    ['--volume /proc/nosuch/x:/y', /\(mkdir: ENOENT\)/],
    ['--volume FILES/loop:/y', /loop cannot be reached: too many symbolic links \(stat: ELOOP\); give a file/],
    ['--volume FILES/file/x:/y', /\(mkdir: ENOTDIR\); allowed: /],
    ['--device FILES/loop', /loop cannot be reached: too many symbolic links \(stat: ELOOP\); give a device/],
    ['--cgroup-parent tasks', /tasks is a name for files of the kernel; give another$/],
    ['--cgroup-parent /memory.limit_in_bytes', /is a name for files of the kernel; give another$/],
    ['--pids-limit 1 --init', /the limit on processes is reached.*; allowed: room for two processes, by --pids-limit/],
    ['--pid host --userns private', /needs processes of its own, for its \/proc; allowed: --pid private$/],
    ['--ipc host --userns private', /needs queues of its own, for its \/dev\/mqueue; allowed: --ipc private, /],
    ['--userns private --device /dev/null:/dev/zero/x', /\/dev\/zero is no directory; give another place/],
    ['--cgroupns host --userns private', /needs cgroups of its own.*; allowed: --cgroupns private$/],
    ['--uts ns:/proc/1/ns/uts --userns private', /needs power over the names.*; allowed: --uts private or host$/],
    ['--tty --tmpfs /dev/console', /--tty needs the container's own \/dev\/console; leave one of them out$/],
    ['--tty --device /dev/null:/dev/console', /--tty needs the container's own \/dev\/console/],
    ['--tmpfs /dev/x --device /dev/zero:/dev/x/z', /\/dev\/x is mounted over it, by --tmpfs \/dev\/x; give another/],
    ['--network name=a,ip=10.5.0.2,ip=10.5.0.3', /give ip once$/],
    ['--network name=a,ip=10.5.0.2 --ip 10.5.0.3', /--network says 10.5.0.2 already; leave one of them out$/],
    ['--tty --volume FILES:/dev/pts', /--tty needs the container's own \/dev\/pts; leave one of them out$/],
    ['--security-opt seccomp=FILES/file', /not JSON/],
    ['--security-opt seccomp=FILES/profile', /defaultAction is "SCMP_ACT_SING": allowed are SCMP_ACT_/],
    ['--uidmap 0:100000:10 --user 11', /its user namespace has no user 11; allowed: 0-9$/],
    ['--uidmap 0:100000:10 --user 1:5000', /its user namespace has no group 5000; allowed: 0-9$/],
    ['--uidmap 0:100000:10 --group-add 5000', /its user namespace has no group 5000; allowed: 0-9$/],
    ['--userns private --device /dev/null:/etc/x', /devices can be in \/dev only/],
  ])('%s', (flags, message) => {
    const before = state()
    const words = flags.replaceAll('FILES', FILES).split(' ')
    const { status, stderr } = world.toolkit(['run', '--rm', ...words, 'busybox', 'true'])
    expect(status).toBe(125)
    expect(stderr.split('\n')).toEqual([expect.stringMatching(message), ''])
    const flag = words.findLast(word => word.startsWith('--'))!
    const value = words.slice(words.indexOf(flag) + 1).map(word => ` ${word.slice(0, 150)}`)
    expect(stderr.replace('"', '')).toContain(`toolkit: run: ${[flag, ...value].join('')}`)
    expect(world.left()).toEqual(nothing)
    expect(difference(before, state())).toEqual([])
    world.toolkit(['volume', 'rm', '-f', 'nosuch']) // as docker has it, a volume with a name stays
  })

  test.skipIf(hasResource)(
    `--oom-score-adj below our own${hasResource ? ' (skipped: we may do that, with SYS_RESOURCE)' : ''}`,
    () => {
      const own = Number(fs.readFileSync('/proc/self/oom_score_adj', 'utf8'))
      const { status, stderr } = world.toolkit(['run', '--rm', `--oom-score-adj=${own - 1}`, 'busybox', 'true'])
      expect({ status, stderr }).toEqual({
        status: 125,
        stderr: expect.stringMatching(
          /^toolkit: run: --oom-score-adj \S+: the capability SYS_RESOURCE is not there \(and our own is .*\n$/,
        ),
      })
      expect(world.left()).toEqual(nothing)
    },
  )

  test('more ports than files that we may open', () => {
    const before = state()
    const { stderr } = world.shell(
      'ulimit -n 200; $TOOLKIT run --rm --net bridge -p 2000-2999:2000-2999 busybox true; echo $? >&2',
    )
    expect(stderr).toMatch(/^toolkit: run: --publish 2000-2999:2000-2999: we may open too few files at once .*\n125\n$/)
    expect(world.left()).toEqual(nothing)
    expect(difference(before, state())).toEqual([])
  })

  test('start and exec say it of themselves', () => {
    const wrong = ['--sysctl', 'net.ipv4.ip_forward=x']
    world.toolkit(['create', '--name', 'wrong', ...wrong, 'busybox', 'true'])
    expect(world.toolkit(['start', 'wrong'])).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(/^toolkit: start: --sysctl net.ipv4.ip_forward=x: .*; allowed: .*\n$/),
    })
    world.toolkit(['run', '-d', '--name', 'right', 'busybox', 'sleep', '100'])
    for (const flag of ['-w', '-dw'])
      expect(world.toolkit(['exec', flag, '/etc/passwd', 'right', 'true'])).toMatchObject({
        status: 126,
        stderr: expect.stringMatching(/^toolkit: exec: --workdir \/etc\/passwd: .*; allowed: a directory .*\n$/),
      })
    world.removeAll()
    expect(world.left()).toEqual(nothing)
  })
})
