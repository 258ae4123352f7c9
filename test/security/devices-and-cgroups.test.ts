// Rows of devices and cgroups: what a container can open, and what it can take.
// The same on the level of plans: test/primitives/{cgroups,device-rules,limits}.test.ts, test/engine/cgroup/cgroup.test.ts.
import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import { describe, expect, test } from 'vitest'
import { readLayout } from '../../toolkit/observe/cgroups.ts'
import { skipped } from '../cli/toolkit.ts'
import { image, noTools, put, TOOLS, underAttack, withTools } from './hostile.ts'

const { world, witness } = underAttack()

const run = (...args: string[]) => world.toolkit(['run', '--rm', ...args])
const hierarchies = (skipped ? undefined : readLayout(process.pid))?.hierarchies ?? []
const without = (...controllers: string[]) => {
  const missing = controllers.find(name => !hierarchies.some(one => one.writable && one.controllers.includes(name)))
  return skipped || (missing ? ` (skipped: needs the ${missing} controller)` : '')
}

describe.skipIf(skipped)(`row 34: devices${skipped}`, () => {
  // Disks, memory, ports, fuse, loop, kvm, a console.
  const nodes = ['b 8 0', 'b 254 0', 'b 259 0', 'b 7 0', 'c 1 1', 'c 1 4', 'c 10 229', 'c 10 237', 'c 10 232', 'c 4 0']
  const open = (name: string) => `dd if=${name} of=/dev/null bs=1 count=0 2>&1 | grep -v records`

  test('can be made, and not opened', () => {
    const script = (nodes: readonly string[]) =>
      nodes.map((node, i) => `mknod /tmp/${i} ${node} && ${open(`/tmp/${i}`)}`).join('; ')
    const lines = world
      .sh(`${script(nodes)}; true`)
      .trim()
      .split('\n')
    expect(lines).toHaveLength(nodes.length)
    for (const line of lines) expect(line).toMatch(/Operation not permitted$/)
    expect(world.sh(`${script(['c 1 3', 'c 1 9'])}; true`), 'those that are allowed can').toBe('')
    expect(world.sh(`${script(['c 1 1'])}; true`, ['--privileged'])).not.toContain('not permitted')
  })

  test('nor those that an image or a volume brings along, nor as an ordinary user', () => {
    const make = (at: string) => execFileSync('mknod', ['-m', '666', at, 'c', '1', '1'])
    const root = image(world, root => put(root, 'node', make))
    const volume = witness.beside()
    fs.chmodSync(volume, 0o755)
    make(`${volume}/node`)
    for (const node of ['/node', '/v/node'])
      for (const user of ['0', '1000'])
        expect(run('-v', `${volume}:/v`, '-u', user, root, 'head', '-c1', node)).toMatchObject({
          status: 1,
          stderr: expect.stringContaining('not permitted'),
        })
  })

  test('one that is given opens no other, and only as far as it is given', () => {
    const given = ['--device', '/dev/loop-control:/dev/given:r', '--device', '/dev/zero:/dev/other:r']
    const script = `mknod /tmp/mem c 1 1; ${open('/tmp/mem')}; mknod /tmp/fuse c 10 229; ${open('/tmp/fuse')}
      head -c 1 /dev/other | wc -c; true >>/dev/given || echo read-only`
    const flags = fs.existsSync('/dev/loop-control') ? given : given.slice(2)
    expect(world.sh(script, flags)).toMatch(/^.*not permitted\n.*not permitted\n1\n/)
  })
})

describe.skipIf(skipped)(`rows 32, 33: cgroups${skipped}`, () => {
  const each = (body: string) => `find /sys/fs/cgroup -type d | while read d; do ${body}; done 2>/dev/null; true`

  test('row 33: read-only: no limit is raised, nothing moved, no group made (CVE-2023-25809)', () => {
    const attack = each(`
      mkdir $d/new && echo made; for f in $d/*limit* $d/*max* $d/cgroup.procs $d/tasks $d/release_agent $d/notify_on_release $d/devices.allow
      do [ -e $f ] && (: >>$f) && echo opened $f; done; mount -o remount,rw $d && echo rw; umount $d && echo umount`)
    expect(world.sh(attack)).toBe('')
    expect(world.sh(attack, ['--security-opt', 'seccomp=unconfined'])).toBe('')
    expect(world.sh(attack, ['--security-opt', 'systempaths=unconfined', '-u', '1000', '--cap-add', 'ALL'])).toBe('')
    if (hierarchies.some(({ writable }) => writable))
      expect(world.sh(attack, ['--privileged']), 'where they are writable they can').toContain('opened')
  })

  test('row 33: the container sees no group but its own', () => {
    expect(new Set(world.sh('cut -d: -f3 /proc/self/cgroup').trim().split('\n'))).toContain('/')
    expect(world.sh('cat /proc/self/cgroup; find /sys/fs/cgroup')).not.toMatch(/toolkit|process_api|slice/)
  })

  test('row 32: a group of its own in every hierarchy, so that its namespace begins nowhere above (CVE-2022-0492)', async () => {
    const container = world.start(['run', '--rm', 'busybox', 'sh', '-c', 'echo ready; sleep 1000'])
    await container.until('ready')
    const pid = world.init()
    const lines = fs.readFileSync(`/proc/${pid}/cgroup`, 'utf8').trim().split('\n')
    const writable = hierarchies
      .filter(({ version, writable }) => version === 1 && writable)
      .flatMap(h => h.controllers)
    process.kill(pid, 'SIGKILL')
    await container.exit
    for (const line of lines.filter(line => writable.includes(line.split(':')[1]!.split(',')[0]!)))
      expect(line).toMatch(/\/toolkit\/[0-9a-f]{12}$/)
  })
  test.skipIf(noTools)(`row 32: no release_agent, in a namespace within neither (CVE-2022-0492)${noTools}`, () => {
    const names = fs.existsSync('/sys/fs/cgroup') ? hierarchies : []
    const types = names.map(({ version, controllers }) =>
      version === 2
        ? '-t cgroup2'
        : `-t cgroup -o ${controllers.length && controllers[0]!.includes('=') ? `none,${controllers[0]}` : controllers.join()}`,
    )
    const body = `mkdir -p /tmp/c; ${types
      .map(
        type => `if mount ${type} none /tmp/c; then
        for f in /tmp/c/release_agent /tmp/c/*/release_agent; do [ -e $f ] && echo /tmp/agent >$f && echo written; done
        umount /tmp/c; fi`,
      )
      .join('\n')}`
    const script = `{ ${body}; echo; unshare -UrmC sh -c '${body}'; echo end; } 2>/dev/null`
    const root = withTools(world)
    expect(run(...TOOLS, root, 'sh', '-c', script).stdout).toBe('\nend\n')
    expect(run(...TOOLS, '--security-opt', 'seccomp=unconfined', root, 'sh', '-c', script).stdout).toBe('\nend\n')
    const look = `${types.map(type => `mount ${type} none /tmp && ls /tmp && umount /tmp`).join('; ')}`
    const all = ['--privileged', '--cgroupns', 'host']
    if (names.some(({ version }) => version === 1))
      expect(run(...TOOLS, ...all, root, 'sh', '-c', look).stdout, 'who may mount it sees it').toContain(
        'release_agent',
      )
  })
})

describe('row 42: a program that takes all it can get', () => {
  /** The most memory that an engine took, in kilobytes. */
  async function watched(args: readonly string[]) {
    const container = world.start(['run', '--rm', ...args])
    let most = 0
    const look = setInterval(() => {
      try {
        most = Math.max(
          most,
          Number(/VmHWM:\s+(\d+)/.exec(fs.readFileSync(`/proc/${container.child.pid}/status`, 'utf8'))![1]),
        )
      } catch {} // it has ended
    }, 20)
    container.child.stdout!.removeAllListeners('data').resume()
    const { code } = await container.exit
    clearInterval(look)
    return { code, most }
  }

  test.skipIf(without('pids'))(
    `of processes: a fork bomb stays in its limit, and ends with its PID 1${without('pids')}`,
    async () => {
      const bomb = 'f() { while sleep 100 & do :; done; }; f & f & exec sleep 100'
      const container = world.start(['run', '--rm', '--pids-limit', '50', 'busybox', 'sh', '-c', bomb])
      await container.until("can't fork")
      const count = world.left().processes.length
      expect(count).toBeGreaterThan(40)
      expect(count).toBeLessThanOrEqual(50)
      expect(world.toolkit(['ps']).status, 'the engine answers meanwhile').toBe(0)
      await container.kill()
      await container.exit
      world.toolkit(['run', '--rm', 'busybox', 'true']) // sweeps
    },
  )

  test.skipIf(without('memory'))(`of memory: it is killed, and nobody else${without('memory')}`, () => {
    const { status } = run('-m', '16m', '--memory-swap', '16m', 'busybox', 'sh', '-c', 'tail /dev/zero')
    expect(status).toBe(137)
  })

  test.skipIf(skipped).each([
    ['output', []],
    ['output on a terminal', ['-t']],
    ['errors', [], '>&2'],
  ])('of our attention: endless %s, and the engine stays small', async (_what, flags, to = '') => {
    const { code, most } = await watched([...flags, 'busybox', 'sh', '-c', `yes ${to} & sleep 0.5; kill $!`])
    expect(code).toBe(0)
    expect(most).toBeGreaterThan(10_000)
    expect(most).toBeLessThan(200_000)
  })

  test.skipIf(skipped)('of files: /dev/shm, its size and a file of a terabyte', () => {
    const script = `cd /dev/shm; i=0; while [ $i -lt 10000 ]; do : >$i || break; i=$((i + 1)); done; echo $i
      dd if=/dev/zero of=big bs=1M count=100 2>/dev/null || echo full; truncate -s 1099511627776 sparse; rm sparse
      truncate -s 1099511627776 /tmp/sparse; ls -l /tmp/sparse | wc -l`
    expect(world.sh(script)).toBe('10000\nfull\n1\n')
  })

  test.skipIf(skipped)('of descriptors: it is at its own end', () => {
    const script = 'i=3; while [ $i -lt 100 ]; do eval "exec $i</dev/null" || exit 7; i=$((i + 1)); done; echo all'
    const { stdout } = run('--ulimit', 'nofile=40', 'busybox', 'sh', '-c', script)
    expect(stdout).toBe('')
    expect(world.sh('echo fine')).toBe('fine\n')
  })

  test.skipIf(skipped)('of dumps: none is written where the host looks for it', () => {
    const before = fs.readdirSync('.').length
    expect(world.sh('ulimit -c unlimited; cd /tmp; sleep 9 & kill -SEGV $!; wait $!; echo $?')).toBe('139\n')
    expect(fs.readdirSync('.').length).toBe(before)
  })
})
