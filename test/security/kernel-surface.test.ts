// Rows of the kernel's surface: capabilities, system calls, /proc and /sys, keys, settings.
// Each in full on its own level: test/primitives/{capabilities,masks,keyring,sysctl}.test.ts, test/primitives/seccomp/.
import fs from 'node:fs'
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import { type Abi, numbersOf } from '../../toolkit/primitives/seccomp/numbers.ts'
import { nothing, skipped, World } from '../cli/toolkit.ts'
import { readResults, writeProbes } from '../primitives/seccomp/probe.ts'
import { image, noTools, TOOLS, withTools } from './hostile.ts'

const world = new World()
afterAll(() => world.end())
afterEach(() => {
  expect(world.left()).toEqual(nothing)
})

const run = (...args: string[]) => world.toolkit(['run', '--rm', ...args])
const arch = process.arch as 'x64' | 'arm64'
const NO_FILTER = ['--security-opt', 'seccomp=unconfined']
const tools = skipped || noTools ? '' : withTools(world)

describe.skipIf(skipped)(`row 28: capabilities${skipped}`, () => {
  const sets = (...flags: string[]) =>
    Object.fromEntries(
      [...world.sh('cat /proc/self/status', flags).matchAll(/^Cap(\w+):\t0*(\w+)$/gm)].map(([, name, set]) => [
        name,
        set,
      ]),
    )
  const docker = 'a80425fb' // the fourteen of docker

  test('root has the default ones, and none that a program could inherit (CVE-2022-24769)', () => {
    expect(sets()).toEqual({ Inh: '0', Prm: docker, Eff: docker, Bnd: docker, Amb: '0' })
  })

  test('an ordinary user has none, and none is ambient or inheritable (CVE-2022-29162)', () => {
    expect(sets('-u', '1000')).toEqual({ Inh: '0', Prm: '0', Eff: '0', Bnd: docker, Amb: '0' })
  })

  test('what is dropped is gone for set-user-ID programs, too; an unknown name is an error', () => {
    expect(sets('--cap-drop', 'ALL')).toEqual({ Inh: '0', Prm: '0', Eff: '0', Bnd: '0', Amb: '0' })
    const chown = ['chown', '1000', '/tmp']
    expect(run('busybox', ...chown).status).toBe(0)
    expect(run('--cap-drop', 'chown', 'busybox', ...chown).status).toBe(1)
    expect(run('--cap-drop', 'CHWON', 'busybox', ...chown).status).toBe(125)
  })
})

describe.skipIf(skipped || arch !== 'x64')(`row 30: system calls, by every door (x86-64 only)${skipped}`, () => {
  const DOORS: readonly [string, 'syscall' | 'int80', Abi, number][] = [
    ['syscall', 'syscall', 'x64', 0],
    ['x32', 'syscall', 'x32', 0x40000000],
    ['int 0x80', 'int80', 'i386', 0],
  ]
  // What each returns without the filter differs; with it, it is EPERM.
  const CALLS: readonly [string, ...bigint[]][] = [
    ['unshare', 0x10000000n], // CVE-2022-0185 begins so
    ['setns', -1n],
    ['mount'],
    ['pivot_root'],
    ['open_by_handle_at', -1n], // Shocker
    ['keyctl', 0xffffn],
    ['add_key'],
    ['bpf', 0xffffn],
    ['perf_event_open'],
    ['io_uring_setup'],
    ['userfaultfd', 0xffffn],
    ['kexec_load', 0n, 0n, 0n, 0xffffn],
  ]
  const sockets: readonly [string, ...bigint[]][] = [
    ['socket', 38n, 5n], // AF_ALG, CVE-2026-31431
    ['socket', 40n, 1n], // AF_VSOCK
  ]

  test.each(DOORS)('by %s: what leads out of containers is refused', (_name, door, abi, bit) => {
    const calls = [...CALLS, ...sockets].filter(([name]) => numbersOf(abi).has(name))
    const probes = [...calls, ['clone3'] as const].map(([name, ...args]) => ({
      door,
      number: numbersOf(abi).get(name)! + bit,
      args: args as bigint[],
    }))
    const root = image(world, root => writeProbes(`${root}/probe`, probes))
    const filtered = readResults(run(root, '/probe').bytes)
    expect(calls.map(([name], i) => [name, filtered[i]])).toEqual(calls.map(([name]) => [name, -1]))
    expect(filtered.at(-1)).toBe(-38) // clone3: ENOSYS, so that programs use clone, whose flags can be seen
    const all = readResults(run(...NO_FILTER, '--cap-add', 'ALL', root, '/probe').bytes)
    if (door === 'syscall' && !bit) expect(all.filter(result => result !== -1).length).toBeGreaterThan(calls.length / 2)
  })
})

describe.skipIf(skipped)(`row 31: writing to the kernel's files${skipped}`, () => {
  // Opened for appending, nothing written: were one let through, no harm is done.
  const files = [
    ...['core_pattern', 'hostname', 'modprobe', 'panic', 'hotplug'].map(name => `/proc/sys/kernel/${name}`),
    ...[
      '/proc/sysrq-trigger',
      '/proc/sys/fs/binfmt_misc/register',
      '/proc/sys/vm/drop_caches',
      '/proc/irq/0/smp_affinity',
    ],
    ...[
      '/sys/kernel/uevent_helper',
      '/sys/power/state',
      '/sys/module/kernel/parameters/panic',
      '/sys/kernel/mm/ksm/run',
    ],
  ]
  const open = `for f in ${files.join(' ')}; do [ -e $f ] && (: >>$f) 2>/dev/null && echo $f; done; true`

  test('none of those that change the machine can be opened; without the protection they can', () => {
    expect(world.sh(open)).toBe('')
    expect(world.sh(open, ['--privileged']).split('\n').length).toBeGreaterThan(4)
  })

  test('no file at all below /proc/sys and /sys', () => {
    const count = 'find /proc/sys /sys -type f 2>/dev/null'
    const script = `${count} | while read f; do true >>$f && echo $f; done 2>/dev/null; ${count} | wc -l`
    expect(Number(world.sh(script))).toBeGreaterThan(1000) // a number only: nothing else was printed
  })

  test('row 23: masked files are empty and masked directories have nothing in them', () => {
    const masked = `acpi asound interrupts kcore keys latency_stats sched_debug scsi timer_list timer_stats`.split(' ')
    const paths = [...masked.map(name => `/proc/${name}`), '/sys/firmware', '/sys/devices/virtual/powercap'].join(' ')
    const look = `for p in ${paths}; do if [ -d $p ]; then ls -A $p; touch $p/x && echo made; else head -c 9 $p; fi; done 2>/dev/null; true`
    expect(world.sh(look)).toBe('')
    expect(world.sh(look, ['--security-opt', 'systempaths=unconfined'])).not.toBe('')
    const table = world
      .sh('cat /proc/self/mountinfo')
      .trim()
      .split('\n')
      .map(line => line.split(' '))
    const points = table.map(([, , , , point]) => point!)
    const below = points.filter(point => /^\/(proc|sys\/(firmware|devices))/.test(point))
    expect(new Set(below).size, 'each once').toBe(below.length)
    const devices = table.filter(
      ([, , , root, point]) => root === '/' && /^\/(proc|sys)\/./.test(point!) && !point!.startsWith('/sys/fs'),
    )
    expect(new Set(devices.map(([, , device]) => device)).size, 'one empty directory for all').toBe(1)
  })
})

describe.skipIf(skipped || noTools)(`without the filter, too${skipped || noTools}`, () => {
  const sh = (script: string, ...flags: string[]) =>
    run(...flags, ...TOOLS, tools, '/usr/bin/bash', '-c', script).stdout
  const uncover =
    'umount /proc/keys; umount /sys/firmware; mount -o remount,bind,rw /proc/sys; mount -o remount,rw /sys'

  test('row 23: masks cannot be taken off', () => {
    const look = `${uncover}; head -c 9 /proc/keys; ls /sys/firmware; echo >>/proc/sys/vm/drop_caches && echo written`
    expect(sh(look, ...NO_FILTER)).toBe('')
    const write = 'umount /proc/keys; umount /sys/firmware && ls /sys/firmware'
    expect(sh(write, ...NO_FILTER, '--cap-add', 'SYS_ADMIN'), 'with SYS_ADMIN they can').not.toBe('')
  })

  test('row 22: a user namespace within gets no /proc or /sys that shows more', () => {
    const within = (flags: string) => `unshare -Urmp${flags} --fork bash -c '
      mount -t proc proc /proc && echo proc; mount -t sysfs sysfs /sys && echo sysfs
      mount -t tmpfs tmpfs /tmp && echo tmpfs; ${uncover}
      (: >>/proc/sysrq-trigger) && echo sysrq; (: >>/proc/sys/kernel/core_pattern) && echo core_pattern; head -c9 /proc/keys'`
    expect(sh(within('n')), 'not even the namespace').toBe('')
    expect(sh(within('n'), ...NO_FILTER)).toBe('tmpfs\n')
    expect(sh(within(''), ...NO_FILTER, '--security-opt', 'systempaths=unconfined')).toMatch(/^proc\n.*tmpfs\n/s)
  })

  const number = (name: string) => numbersOf(arch).get(name)!
  // A session of its own with a key in it, then the container.
  const session = (flags: string) => `
    my ($user, $name, $key) = ("user", "witness", "the-key");
    syscall(${number('keyctl')}, 1, 0) >= 0 or die "no keyrings"; syscall(${number('add_key')}, $user, $name, $key, 7, -3) > 0 or die;
    ${flags}`
  const find =
    `my ($user, $name, $out) = ("user", "witness", "." x 7); my $id = syscall(${number('keyctl')}, 10, -3, $user, $name, 0);
    if ($id > 0) { syscall(${number('keyctl')}, 11, $id, $out, 7); print $out } print "\\n"`.replaceAll('\n', ' ')

  test("row 37: the keys of the engine's session stay behind", () => {
    fs.writeFileSync(`${tools}/find.pl`, find)
    const args = ['run', '--rm', ...NO_FILTER, ...TOOLS, tools, 'perl', '/find.pl']
    const inSession = (words: readonly string[]) =>
      world.shell(`perl -e '${session(`exec ${words.map(word => `"${word}"`).join(', ')}`)}'`)
    expect(inSession(['perl', `${tools}/find.pl`]).stdout, 'a child of the session finds it').toBe('the-key\n')
    expect(inSession([`${process.cwd()}/bin/toolkit`, ...args])).toMatchObject({ status: 0, stdout: '\n' })
  })
})

describe.skipIf(skipped)(`row 38: settings of the whole machine${skipped}`, () => {
  test.each([
    ['kernel.core_pattern=evil', ''],
    ['vm.swappiness=59', ''],
    ['net.ipv4.ip_forward=1', '--network=host'],
    ['kernel.shmmni=4095', '--ipc=host'],
    ['net/../kernel.panic=1', ''],
    ['net.ipv4./../../kernel/panic=1', ''],
    ['kernel.shm../panic=1', ''],
  ])('--sysctl %s %s changes nothing', (setting, flag) => {
    const files = ['core_pattern', 'panic', 'shmmni', '../vm/swappiness', '../net/ipv4/ip_forward']
    const look = () => files.map(file => fs.readFileSync(`/proc/sys/kernel/${file}`, 'utf8'))
    const before = look()
    const { status, stdout } = run('--sysctl', setting, ...(flag ? [flag] : []), 'busybox', 'echo', 'started')
    expect([status, stdout]).toEqual([125, ''])
    expect(look()).toEqual(before)
  })
})

test.skipIf(skipped)(`row 36: the host name is not the container's to change${skipped}`, () => {
  const before = fs.readFileSync('/proc/sys/kernel/hostname', 'utf8')
  const script = 'hostname evil; echo evil >/proc/sys/kernel/hostname; hostname'
  expect(world.sh(script, ['--hostname', 'box'])).toBe('box\n')
  expect(world.sh(script, ['--uts', 'host'])).toBe(before)
  expect(world.sh(script, ['--hostname', 'box', '--cap-add', 'SYS_ADMIN'])).toBe('evil\n')
  expect(fs.readFileSync('/proc/sys/kernel/hostname', 'utf8')).toBe(before)
})
