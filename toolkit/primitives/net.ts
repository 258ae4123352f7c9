// The network namespace: interfaces, addresses, routes, ports and firewall of one's own. network_namespaces(7).
// A new one has a single interface, the loopback, and that is down.
import { AF, CLONE, IFF, IOCTL, SOCK } from '../kernel/constants.ts'
import { formatFlags } from '../kernel/format.ts'
import { type Namespace, type Step, type Struct, step } from '../kernel/step.ts'

const lesson = '06-net'

export const namespace: Namespace = {
  flag: CLONE.NEWNET,
  why: 'a network stack of its own: no interface but the loopback, no port that could clash',
  lesson,
  shell: '--net',
}

/** struct ifreq of netdevice(7): a name in 16 bytes, then a union; here ifr_flags. */
function ifreq(name: string, flags: number): Struct {
  const bytes = Buffer.alloc(40)
  bytes.write(name)
  bytes.writeInt16LE(flags, 16)
  return { bytes, text: `{ifr_name="${name}", ifr_flags=${formatFlags('IFF', flags)}}` }
}

/** Switches the loopback interface on. Uses descriptor 3, whatever it was. */
export function loopbackUp(): Step[] {
  const about = { lesson, shell: '' } as const
  return [
    step('close_range', [3, 3, 0], {
      ...about,
      why: 'makes 3 the lowest free descriptor, so that the next call returns it',
    }),
    step('socket', [AF.INET, SOCK.DGRAM | SOCK.CLOEXEC, 0], {
      ...about,
      why: 'any socket will do as a handle for interface settings',
    }),
    step('ioctl', [3, IOCTL.SIOCSIFFLAGS, ifreq('lo', IFF.UP | IFF.RUNNING)], {
      lesson,
      why: 'the loopback is born switched off; without it nothing reaches 127.0.0.1',
      shell: 'ip link set lo up',
    }),
    step('close', [3], { ...about, why: 'the handle has served' }),
  ]
}
