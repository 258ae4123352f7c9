// The lab plays a whole machine: what the lessons type works in it.
import { writeFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { installBusybox } from '../../lessons/tools.ts'
import { type Lab, startLab } from '../../toolkit/engine/lab/lab.ts'
import { skipped, World } from '../cli/toolkit.ts'

const world = new World()
process.env.TOOLKIT_STATE = world.state
afterAll(() => world.end())

describe.skipIf(skipped)(`the lab${skipped}`, () => {
  let lab: Lab
  beforeAll(async () => {
    lab = await startLab()
    await installBusybox({ lab })
  })
  afterAll(() => lab.stop())

  const commands: Record<string, readonly [script: string, output: RegExp | string]> = {
    'settings of its own network': [
      'cd /proc/sys/net/ipv4; cat ip_forward; echo 1 >ip_forward; cat ip_forward',
      '0\n1\n',
    ],
    // SYS_MODULE, SYS_RAWIO, SYS_BOOT; and, as an example of the others, SYS_ADMIN
    'no rights over the machine’s kernel': [
      'for bit in 16 17 22 21; do echo $((0x$(grep CapEff /proc/self/status | cut -f2) >> bit & 1)); done',
      '0\n0\n0\n1\n',
    ],
    'its name, by /proc/sys': ['echo name >/proc/sys/kernel/hostname; hostname; hostname lab', 'name\n'],
    'its links in /sys': [
      'ip link add sys0 type bridge; ls /sys/class/net; cat /sys/class/net/sys0/bridge/stp_state',
      'lo\nsys0\n0\n',
    ],
    'pseudo-terminals': ['script -qec tty /dev/null', /^\/dev\/pts\/\d+/],
    'shared memory and queues': ['stat -f -c %T /dev/shm /dev/mqueue; echo x >/dev/shm/x', 'tmpfs\nmqueue\n'],
    'a file system at home that can carry an overlay': [
      'mkdir lower upper work all; mount -t overlay -o lowerdir=lower,upperdir=upper,workdir=work none all; touch all/file; ls upper; umount all',
      'file\n',
    ],
    'mounts that spread': [
      `mkdir tree; mount -t tmpfs none tree; mount --make-shared tree; mkdir tree/below
       unshare --mount --propagation unchanged mount -t tmpfs none tree/below
       findmnt -no PROPAGATION tree; findmnt -no FSTYPE /lab/tree/below; umount -R tree`,
      'shared\ntmpfs\n',
    ],
    pivot_root: [
      `mkdir root; unshare --mount sh -ec 'mount -t tmpfs none root; mkdir root/bin root/old; cp /usr/local/bin/busybox root/bin
       cd root; pivot_root . old; exec /bin/busybox sh -c "busybox umount -l /old; busybox ls /"'`,
      'bin\nold\n',
    ],
    'network namespaces with names': [
      'ip netns add blue; ip link add out type veth peer name in netns blue; ip netns exec blue ls /sys/class/net; ip netns del blue',
      'in\nlo\n',
    ],
    nftables: [
      `nft 'add table ip t; add chain ip t c { type nat hook postrouting priority 100; }; add rule ip t c masquerade'
       nft list chain ip t c | grep -c masquerade; nft delete table ip t`,
      '1\n',
    ],
    'a user namespace': ['unshare --user --map-root-user sh -c "id -u; cat /proc/self/uid_map"', /^0\n +0 +0 +1\n$/],
    'a user namespace, by somebody': [
      'setpriv --reuid 1000 --regid 1000 --clear-groups unshare --user --map-root-user id -u',
      '0\n',
    ],
    'a time namespace': ['unshare --time --boottime 1000000000 cut -c1-2 /proc/uptime', '10\n'],
    'a cgroup namespace': ['unshare --cgroup cat /proc/self/cgroup', /^(\d+:[^:]*:\/\n)+$/],
    'namespaces that are kept': [
      'touch kept; unshare --uts=kept hostname kept; nsenter --uts=kept hostname; umount kept',
      'kept\n',
    ],
    'a static busybox': ['busybox echo yes', 'yes\n'],
    'setpriv and device nodes': ['setpriv --bounding-set=-all true; mknod null c 1 3; echo x >null', ''],
    'toolkit doctor: containers can be made': ['toolkit doctor | grep -c "cannot be made here" || true', '0\n'],
  }
  test.each(Object.entries(commands))('%s', async (_, [script, output]) => {
    expect(await lab.run(['sh', '-ec', script])).toEqual({
      code: 0,
      output: typeof output === 'string' ? output : expect.stringMatching(output),
    })
  })
})

describe.skipIf(skipped)(`TypeScript in the lab${skipped}`, () => {
  let lab: Lab
  beforeAll(async () => {
    lab = await startLab()
  })
  afterAll(() => lab.stop())

  /** Runs a file of the learner's. */
  const node = (name: string, source: string) => {
    writeFileSync(`/proc/${lab.pid}/root/lab/${name}`, source, { flag: 'wx' })
    return lab.run(['node', name])
  }

  test('the node is ours', async () => {
    const { output } = await lab.run(['node', '-p', 'process.execPath'])
    expect(output.trim()).toBe(process.execPath)
  })

  test('toolkit’s modules are found by their names, types are stripped, and nothing warns', async () => {
    const source = `import { start } from 'toolkit/kernel/start'
      import { waitSync } from 'toolkit/kernel/wait'
      import { readUts } from 'toolkit/observe/uts'
      import * as uts from 'toolkit/primitives/uts'

      interface Wish { readonly hostname: string }
      const wish: Wish = { hostname: 'box' }
      const program = { call: 'execve', args: ['/bin/uname', ['uname', '-n'], []], why: 'tells the name' } as const
      const child = start({ namespaces: [uts.namespace], steps: [...uts.plan(wish), program as never] })
      child.next()
      waitSync(child.pid)
      console.log(readUts(process.pid)?.hostname)`
    expect(await node('name.ts', source)).toEqual({ code: 0, output: 'box\nlab\n' })
    expect(await node('name.mts', source)).toEqual({ code: 0, output: 'box\nlab\n' })
  })

  test('the engine is not for others', async () => {
    const { code, output } = await node('engine.ts', `import 'toolkit/engine/lab'`)
    expect([code, output]).toEqual([1, expect.stringContaining('ERR_PACKAGE_PATH_NOT_EXPORTED')])
  })
})
