// Takes the bridge away when nobody has used it for a moment. The kernel needs some 50 ms for that, longer than all the
// rest of a short container: so it is left to a process of its own, which the engine does not wait for. That one is a
// plan like any other. It sleeps, and the next container, should one come, finds the bridge still there.
//
// The plan has no branches, and needs none: rmdir(2) of the leases fails where there is one, and a plan ends at the first
// call that fails. It holds the networks' lock by then, so nobody comes in between.
import { closeSync, openSync } from 'node:fs'
import { attempt } from '../../kernel/call.ts'
import { AT, LOCK, NLM_F, W } from '../../kernel/constants.ts'
import { type Netlink, openNetlink } from '../../kernel/netlink.ts'
import { encode, formatMessage, type ToldMessage } from '../../kernel/netlink-message.ts'
import { start } from '../../kernel/start.ts'
import { type Plan, type Step, type Struct, step } from '../../kernel/step.ts'
import { linkDelete, linkDownAt } from '../../primitives/link.ts'
import { lockOf, type Network } from './lease.ts'

const PAUSE = 500_000_000 // nanoseconds
const CLOCK_MONOTONIC = 1

function pause(nanoseconds: number): Struct {
  const bytes = Buffer.alloc(16) // struct timespec
  bytes.writeUInt32LE(nanoseconds, 8)
  return { bytes, text: `{tv_sec=0, tv_nsec=${nanoseconds}}` }
}

/** What that process does. It is given the networks' `lock`, and sockets: `netlink` and `firewall`. `cable`: index of the host's end. */
export function tidyPlan({ bridge, directory, driver }: Network, cable?: number): Plan {
  const about = { lesson: '15-bridge', shell: '' } as const
  const ask = (asked: ToldMessage): Step => {
    const bytes = encode({ ...asked, flags: NLM_F.REQUEST }, 1)
    const message: Struct = {
      bytes,
      get text() {
        return formatMessage(asked)
      },
    }
    const { why, shell } = asked
    return step('sendto', [{ descriptor: 'netlink' }, message, bytes.length, 0, null, 0], { ...about, why, shell })
  }
  return {
    namespaces: [],
    steps: [
      step('setsid', [], { ...about, why: 'Ctrl-C at the terminal is not meant for it' }),
      step('close_range', [0, 2, 0], { ...about, why: 'whoever reads our output would wait for its end' }),
      ...(cable === undefined ? [] : [ask(linkDownAt(cable))]),
      step('clock_nanosleep', [CLOCK_MONOTONIC, 0, pause(PAUSE), null], {
        ...about,
        why: 'another container may come soon, and can use the bridge as it is',
      }),
      step('flock', [{ descriptor: 'lock' }, LOCK.EX], { ...about, why: 'nobody may join while the bridge goes' }),
      step('unlinkat', [AT.FDCWD, `${directory}/leases`, AT.REMOVEDIR], {
        ...about,
        why: 'fails, and ends all this, where somebody is in the network',
        allow: ['ENOENT'], // the whole state directory has been removed
      }),
      ask(linkDelete(bridge)),
      ...(driver?.kind === 'vxlan' ? [ask(linkDelete(driver.link))] : []),
      step('close', [{ descriptor: 'lock' }], { ...about, why: 'whoever has waited to join makes a bridge anew' }),
      step('close', [{ descriptor: 'firewall' }], {
        ...about,
        why: 'takes until the kernel has freed the rules that were removed through it: for that, too, nobody shall wait',
      }),
      step('exit_group', [0], { ...about, why: 'that was all' }),
    ],
  }
}

const started: number[] = [] // pids; an engine that lives on has to wait for them some day

/**
 * Starts the process that switches off the last cable, and takes the bridge away if nobody comes within half a second; and
 * holds this socket meanwhile.
 */
export function tidyLater(network: Network, firewall: Netlink, cable?: number): void {
  started.splice(0, started.length, ...started.filter(pid => attempt('wait4', [pid, null, W.NOHANG, null]) === 0))
  const netlink = openNetlink()
  const file = openSync(lockOf(network), 'a', 0o600) // not locked yet: that is for the process to do
  try {
    const descriptors = new Map([
      ['lock', file],
      ['netlink', netlink.descriptor],
      ['firewall', firewall.descriptor],
    ])
    const process = start(tidyPlan(network, cable), { descriptors })
    started.push(process.pid)
    process.close()
  } finally {
    closeSync(file)
    netlink.close()
  }
}
