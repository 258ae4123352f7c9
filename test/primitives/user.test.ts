import { chownSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { planRootfs } from '../../toolkit/engine/rootfs.ts'
import { defaultMounts } from '../../toolkit/engine/spec.ts'
import { planSystem } from '../../toolkit/engine/system-mounts.ts'
import { planMounts, withMounts } from '../../toolkit/engine/volume/volumes.ts'
import type { Step } from '../../toolkit/kernel/step.ts'
import type * as devices from '../../toolkit/primitives/devices.ts'
import * as ipc from '../../toolkit/primitives/ipc.ts'
import * as mount from '../../toolkit/primitives/mount.ts'
import * as net from '../../toolkit/primitives/net.ts'
import * as pid from '../../toolkit/primitives/pid.ts'
import * as user from '../../toolkit/primitives/user.ts'
import * as uts from '../../toolkit/primitives/uts.ts'
import { carryOut } from './carry-out.ts'
import { directories, makeRootfs, scratch, sh, skipped } from './container.ts'

const range = (containerID: number, hostID: number, size: number) => ({ containerID, hostID, size })

describe('maps', () => {
  test('a line a range, as the kernel reads it', () => {
    expect(user.formatMap([range(0, 100000, 65536), range(70000, 5, 1)], 'uid')).toBe('0 100000 65536\n70000 5 1\n')
  })

  test('who an id is outside', () => {
    const map = [range(0, 1000, 1), range(1, 100000, 10)]
    expect([0, 1, 10, 11].map(id => user.outside(map, id))).toEqual([1000, 100000, 100009, undefined])
  })

  test.each([
    [[range(0, 0, 0)], '0:0:0 is not a range of ids'],
    [[range(0, 2 ** 32 - 1, 1)], 'is not a range of ids between 0 and 4294967294'],
    [[range(0, 4294967000, 1000)], 'is not a range of ids'],
    [[range(0, 1000, 10), range(9, 5000, 1)], '9 is in two ranges'],
    [[range(0, 1000, 10), range(10, 1009, 1)], '1009 is in two ranges'],
    [[range(1, 1000, 10)], '0 is in no range'],
    [[], '0 is in no range'],
    [Array.from({ length: 341 }, (_, i) => range(i, i, 1)), '341 ranges are too many'],
  ])('%j is refused', (map, why) => {
    expect(() => user.formatMap(map, 'uid')).toThrow(`uid map: ${why}`.slice(0, 9))
    expect(() => user.formatMap(map, 'uid')).toThrow(why)
  })
})

describe(`a container in a user namespace${skipped}`, { skip: skipped !== '' }, () => {
  const world = skipped ? '' : scratch()
  const base = skipped ? '' : makeRootfs(`${world}/base`)
  let runs = 0

  async function run(
    mappings: user.Mappings,
    script: string,
    { extras = [], wanted = [] }: { extras?: readonly devices.Device[]; wanted?: readonly mount.Mount[] } = {},
  ) {
    const parent = `${world}/run-${runs++}`
    mkdirSync(parent)
    const { upper, work, target } = directories(parent, 'upper', 'work', 'target')
    chownSync(upper, user.outside(mappings.uidMappings, 0)!, user.outside(mappings.gidMappings, 0)!)
    const root = planRootfs({ layers: { lower: [base], upper, work }, target, mappings }, 'detached')
    const mounts = defaultMounts.filter(({ type }) => !type.startsWith('cgroup')) // they want a cgroup namespace, too
    const { before, early, system: kernels, late } = planMounts(withMounts(mounts, wanted))
    const system = planSystem(kernels, { extras, mappings })
    const steps: Step[] = [
      ...mount.makePrivate(),
      ...system.prepare,
      ...root.steps,
      ...early,
      ...system.steps,
      ...late,
      sh(script),
    ]
    const outcome = await carryOut({
      before: [...root.before, ...before, ...system.before],
      namespaces: [user, mount, uts, ipc, pid, net].map(({ namespace }) => namespace),
      first: [user.gate(mappings), ...user.becomeRoot()],
      steps,
    })
    return { ...outcome, upper }
  }

  const both = (...map: user.IdMapping[]): user.Mappings => ({ uidMappings: map, gidMappings: map })
  const plain = both(range(0, 100000, 65536))

  test('row 41: the map is exactly what was asked for', async () => {
    const mappings = {
      uidMappings: [range(0, 100000, 1000), range(5000, 300000, 1)],
      gidMappings: [range(0, 200000, 500)],
    }
    const script = 'cat /proc/self/uid_map /proc/self/gid_map; id'
    const { output } = await run(mappings, script)
    expect(output.replace(/ +/g, ' ')).toBe(' 0 100000 1000\n 5000 300000 1\n 0 200000 500\nuid=0 gid=0\n')
  })

  test('row 41: what it makes belongs on the host to the mapped users; what the image has is its own', async () => {
    const script = `stat -c '%u:%g' / /bin/busybox /tmp; echo x >/made; echo x >/other; chown 33:34 /other
      chmod 700 /bin; stat -c '%u:%g' /bin; touch /tmp/x`
    const { output, upper } = await run(plain, script)
    expect(output).toBe('0:0\n0:0\n0:0\n0:0\n')
    const owner = (path: string) => {
      const { uid, gid } = statSync(`${upper}/${path}`)
      return `${uid}:${gid}`
    }
    expect(['made', 'other', 'bin', 'tmp/x'].map(owner)).toEqual([
      '100000:100000',
      '100033:100034',
      '100000:100000',
      '100000:100000',
    ])
    expect(statSync(`${base}/bin`), 'the image is unchanged').toMatchObject({ uid: 0, gid: 0 })
  })

  test('a single id is enough', async () => {
    const { output } = await run(both(range(0, 4242, 1)), 'id -u; touch /x; stat -c %u /x; chown 1 /x 2>&1')
    expect(output).toBe('0\n0\nchown: /x: Invalid argument\n')
  })

  test('its /proc, /sys and devices work; others cannot be made', async () => {
    const script = `echo x >/dev/null && head -c 4 /dev/zero | wc -c; ls -l /dev/null | cut -c1-10; stat -c '%u %a %F' /dev/full /dev
      readlink /dev/fd; ls /dev/pts; ls /proc | grep -c '^1$'; ls /sys/class/net; mknod /dev/disk b 8 0 2>&1; touch /dev/mine && echo own
      grep -E ' /(proc|sys|dev) ' /proc/self/mountinfo | cut -d' ' -f5,6 | sort`
    const { output } = await run(plain, script)
    expect(output).toBe(
      `4
crw-rw-rw-
0 666 character special file
0 755 directory
/proc/self/fd
ptmx
1
lo
mknod: /dev/disk: Operation not permitted
own
/dev rw,nosuid
/proc rw,nosuid,nodev,noexec,relatime
/sys ro,nosuid,nodev,noexec,relatime
`,
    )
  })

  test('a further device, in a directory, of a user', async () => {
    const extras = [{ type: 'c', path: '/dev/more/null', major: 1, minor: 3, fileMode: 0o640, uid: 7, gid: 8 }] as const
    const { output } = await run(plain, "echo x >/dev/more/null && stat -c '%u:%g %a %t:%T' /dev/more/null", { extras })
    expect(output).toBe('7:8 640 1:3\n')
    await expect(run(plain, 'true', { extras: [{ ...extras[0], path: '/null' }] })).rejects.toThrow(
      'devices can be in /dev only',
    )
    await expect(run(both(range(0, 5, 1)), 'true', { extras })).rejects.toThrow('/dev/more/null: 7:8 is nobody outside')
  })

  test('a volume keeps its owners; a tmpfs is the container’s', async () => {
    const { mine, theirs } = directories(scratch(), 'mine', 'theirs')
    chownSync(theirs, 100007, 100007)
    const bind = (source: string, destination: string) => ({ destination, type: 'bind', source, options: ['rbind'] })
    const wanted = [
      bind(mine, '/a/mine'),
      bind(theirs, '/dev/theirs'),
      { destination: '/t', type: 'tmpfs', source: 'tmpfs', options: ['mode=700'] },
    ]
    const script =
      'stat -c "%u %a" /a /a/mine /dev/theirs /t; touch /a/mine/x 2>&1; touch /dev/theirs/x /t/x && echo fine'
    const { output } = await run(plain, script, { wanted })
    expect(output).toBe('0 755\n65534 755\n7 755\n0 700\ntouch: /a/mine/x: Permission denied\nfine\n')
    expect(statSync(`${theirs}/x`).uid).toBe(100000)
  })

  test('row 41: its root is nobody on the host', async () => {
    writeFileSync(`${world}/secret`, 'secret', { mode: 0o600 })
    const before = readFileSync('/proc/sys/kernel/core_pattern', 'utf8')
    const script = `echo x >/proc/sys/kernel/core_pattern; mount -t tmpfs t /tmp && echo mounts; hostname h && echo named
      mount -o remount,rw /sys; echo x >/sys/kernel/uevent_helper; ls /proc/1/root/bin | grep -c busybox`
    const { output } = await run(plain, `{ ${script}; } 2>/dev/null`)
    expect(output).toBe('mounts\nnamed\n1\n')
    expect(readFileSync('/proc/sys/kernel/core_pattern', 'utf8')).toBe(before)
  })

  test('without id-mapped layers there is a clear error', () => {
    const layers = { lower: [base], upper: '/u', work: '/w' }
    expect(() => planRootfs({ layers, target: '/t', mappings: plain }, 'mount')).toThrow(
      /^run: --userns private: .* \(Linux 6.5\); try: /,
    )
  })
})
