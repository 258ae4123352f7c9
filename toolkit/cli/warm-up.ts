import type { Observer } from '../engine/carry-out.ts'
import { run } from '../engine/run.ts'
import { isGate } from '../kernel/step.ts'
import { parse } from './options.ts'
import { command, wishOf } from './run.ts'

// Calls that need no root and change nothing but the process that makes them.
const harmless = new Set([
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

/**
 * For the build: calls all that `toolkit run` calls, so that V8 has compiled it and entry.cjs can keep the result. Starts
 * `true` by a plan without namespaces and mounts. Writes only below TOOLKIT_STATE.
 */
export async function warmUp(): Promise<void> {
  const { flags } = parse(command, ['--rm', '-i', '--net', 'none', '/', 'true'])
  const observer: Observer = {
    instrument: ({ steps }) => ({
      namespaces: [],
      steps: steps.filter(step => !isGate(step) && harmless.has(step.call)),
    }),
    beforeAction: async () => true,
    atGate: async () => true,
    done() {},
  }
  const wish = { ...wishOf(flags), rootfs: '/', args: ['true'] }
  await run(wish, observer)
  await warmUpNetwork()
}

/** The bridge, as far as that changes nothing: an address is looked for, and what would be sent to the kernel is written. */
async function warmUpNetwork(): Promise<void> {
  const [{ bridgeNetwork, previewNetwork }, { wire }, { firewall }, { replaceTable }, { encode }] = await Promise.all([
    import('../engine/network.ts'),
    import('../engine/wiring.ts'),
    import('../engine/firewall.ts'),
    import('../primitives/nftables.ts'),
    import('../kernel/netlink-message.ts'),
  ])
  const network = bridgeNetwork()
  const lease = previewNetwork({ id: '0'.repeat(64), ports: [], mac: undefined }, network)
  wire(lease, network)
  const tables = firewall({ name: network.table, bridge: network.bridge, subnet: lease.subnet, alone: true }, [lease])
  for (const message of tables.flatMap(replaceTable)) encode(message, 1)
}
