import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import type { Observer } from '../engine/carry-out.ts'
import { oomKilled, prepareCgroup } from '../engine/cgroup/cgroup.ts'
import { runDetached } from '../engine/life/detach.ts'
import { kill } from '../engine/life/lifecycle.ts'
import { run } from '../engine/run.ts'
import { parseDetachKeys } from '../engine/terminal/detach-keys.ts'
import { stateDir } from '../image/paths.ts'
import { ensureBusybox, findRootfs } from '../image/rootfs.ts'
import { callAction } from '../kernel/action.ts'
import { attempt } from '../kernel/call.ts'
import { CLONE, PR } from '../kernel/constants.ts'
import { start as startProcess } from '../kernel/start.ts'
import { ALIVE, isGate, READY, type Step, step } from '../kernel/step.ts'
import { isTerminal } from '../kernel/tty.ts'
import * as net from '../primitives/net.ts'
import { replaceTable } from '../primitives/nftables.ts'
import { follow } from './follow.ts'
import { start } from './main.ts'
import { parse } from './options.ts'
import { command, main, wishOf } from './run.ts'

// Calls that need no root and change nothing but the process that makes them.
const harmless = new Set<string>([
  'prctl',
  'rt_sigaction',
  'umask',
  'setsid',
  'fcntl',
  'prlimit64',
  'chdir',
  'close_range',
  'execve',
])
const isHarmless = ({ call, args }: Step): boolean => harmless.has(call) && args[0] !== PR.CAPBSET_DROP

/**
 * For the build: calls all that `toolkit run` calls, so that V8 has compiled it and entry.cjs can keep the result. Starts
 * `true` by a plan without namespaces and mounts, and a `sleep` with a monitor, which it leaves there for half a minute
 * where that has a name: what comes next takes it for a container. Writes only below TOOLKIT_STATE.
 */
export async function warmUp(name: string | undefined): Promise<void> {
  const observer: Observer = {
    instrument: ({ monitor, before = [], steps }) => ({
      namespaces: [],
      ...(monitor && { monitor, before: before.slice(-1) }), // what a monitor needs is opened last
      steps: steps.filter(step => (isGate(step) ? [ALIVE, READY].includes(step.gate) : isHarmless(step))),
    }),
    beforeAction: async () => true,
    atGate: async () => true,
    done() {},
  }
  const rootfs = await warmUpCommand()
  const keys = parseDetachKeys(undefined)
  for (const words of [[], ['-it']]) {
    const { flags } = parse(command, ['--rm', '--net', 'none', ...words, 'busybox', 'true'])
    await run({ ...wishOf(flags), rootfs, args: ['true'] }, observer, { keys })
  }
  const { flags } = parse(command, [
    '--net',
    'none',
    ...(name === undefined ? [] : ['--name', name]),
    'busybox',
    'sleep',
  ])
  await follow({ ...wishOf(flags), name: undefined, rootfs, args: ['true'] }, { observer, keys, signals: true })
  const id = await runDetached({ ...wishOf(flags), rootfs, args: ['sleep', '30'] }, { observer })
  if (name === undefined) {
    await kill(id, 'KILL')
  }
  warmUpCgroups()
  await warmUpNetwork()
}

/** What comes before all that: the words, and the name of the root file system. This one is hardly more than a name. */
async function warmUpCommand(): Promise<string> {
  const rootfs = `${stateDir()}/rootfs/busybox`
  for (const directory of ['bin', 'etc']) mkdirSync(`${rootfs}/${directory}`, { recursive: true })
  writeFileSync(`${rootfs}/bin/busybox`, '')
  writeFileSync(`${rootfs}/etc/passwd`, 'root:x:0:0:root:/root:/bin/sh\n')
  writeFileSync(`${rootfs}/etc/group`, 'root:x:0:\n')
  await ensureBusybox({ yes: false, interactive: isTerminal(0) })
  start([process.argv[2] ?? 'run', '--none'], () => Promise.reject()) // says that there is no such flag
  return findRootfs('busybox')
}

/** What is done outside. The groups are ordinary directories with files of the same names. */
function warmUpCgroups(): void {
  const top = `${stateDir()}/cgroup`
  const hierarchy = { version: 1, path: '/', mountPoint: top, directory: top, writable: true } as const
  const controllers = ['cpuset', 'devices', 'memory', 'pids']
  const wish = { id: '0'.repeat(64), resources: {}, privateNamespace: true }
  const { before, directories } = prepareCgroup(wish, { layout: 'v1', hierarchies: [{ ...hierarchy, controllers }] })
  const write = (directory: string, text: string, ...files: string[]) => {
    mkdirSync(directory, { recursive: true })
    for (const file of files) writeFileSync(`${directory}/${file}`, text)
  }
  const [make, ...settings] = before
  write(top, '0', 'cpuset.cpus', 'cpuset.mems')
  make!.apply({ descriptors: new Map() })
  for (const group of [`${top}/toolkit`, ...directories])
    write(group, '', 'cpuset.cpus', 'cpuset.mems', 'devices.allow', 'devices.deny', 'pids.max')
  const about = { why: '', lesson: '08-cgroup-time', shell: '' } as const
  const ask = callAction(step('prctl', [PR.CAPBSET_READ, 0, 0, 0, 0], about))
  for (const { apply } of [...settings, ask]) apply({ descriptors: new Map() })
  write(directories[0]!, 'oom_kill 0', 'memory.oom_control')
  oomKilled(directories)
  rmSync(top, { recursive: true })
}

/** The bridge, in a network namespace of our own; where we may not make one, what would be sent to the kernel is written. */
async function warmUpNetwork(): Promise<void> {
  const words = ['--net', 'bridge', 'busybox', 'true']
  await main(['--dry-run', ...words])
  const [{ join, preview }, { bridgeNetwork, leaveNetwork }, { wireAll }, { firewall }, { encode }] = await Promise.all(
    [
      import('../engine/network/networks.ts'),
      import('../engine/network/network.ts'),
      import('../engine/network/wiring.ts'),
      import('../engine/network/firewall.ts'),
      import('../kernel/netlink-message.ts'),
    ],
  )
  const network = bridgeNetwork()
  const wish = wishOf(parse(command, words).flags).network
  const id = '0'.repeat(64)
  if (attempt('unshare', [CLONE.NEWNET]) < 0) {
    const [lease] = preview(wish, id, [])
    const { bridge, subnet } = lease!
    const tables = firewall({ name: network.table, alone: true }, [
      { bridge, subnet, internal: false, members: [lease!] },
    ])
    for (const message of tables.flatMap(replaceTable)) encode(message, 1)
    return
  }
  const process = startProcess({ namespaces: [net.namespace], steps: [{ gate: 'network' }] })
  try {
    process.next()
    const { leases, close } = join(wish, id, [])
    const context = { descriptors: new Map<string, number>(), process }
    for (const { apply } of wireAll(leases, network)) apply(context)
    leaveNetwork(id, network)
    close()
  } catch {
    // a kernel without bridges, or without nftables: what has come so far is kept, and all else goes with the namespace
  } finally {
    process.abort()
  }
}
