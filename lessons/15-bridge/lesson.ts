// Lesson 15. The checks are in switch.ts (tasks 1 and 2), gateway.ts (3), nat.ts (4 and 5), modes.ts (6), module.ts (7).
import { randomInt } from 'node:crypto'
import { fields, is, masquerade } from '../../toolkit/kernel/nftables.ts'
import { address } from '../../toolkit/primitives/address.ts'
import { bridge } from '../../toolkit/primitives/bridge.ts'
import { addTable } from '../../toolkit/primitives/nftables.ts'
import { vethPair } from '../../toolkit/primitives/veth.ts'
import type { Lesson, Scene } from '../lesson.ts'
import { asCall, container, prepareNetwork } from '../network.ts'
import { bareWords } from '../words.ts'
import { gatewayTask } from './gateway.ts'
import text from './lesson.md'
import { modesTask } from './modes.ts'
import { moduleTask } from './module.ts'
import { natTask, publishTask } from './nat.ts'
import { cablesTask, switchTask } from './switch.ts'

const CONTAINERS = ['red', 'blue', 'north', 'south', 'outside'] as const

function values(): Record<string, string> {
  const first = randomInt(10, 60)
  const second = randomInt(1, 250)
  // Different numbers, by which the prepared processes are told apart.
  const nap = (i: number) => String(10_000 * (i + 1) + randomInt(10_000))
  const [word] = bareWords(1)
  return {
    bridge: `br-${word}`,
    second: `br-${word}2`,
    net: `10.${first}.${second}`,
    net2: `10.${first + 60}.${second}`,
    ...{ northGate: `10.${first + 120}.1.1`, northIp: `10.${first + 120}.1.2` },
    ...{ southGate: `10.${first + 120}.2.1`, southIp: `10.${first + 120}.2.2` },
    wan: `203.0.113.${randomInt(2, 100)}`,
    server: `203.0.113.${randomInt(100, 250)}`,
    port: String(randomInt(2000, 9000)),
    ...Object.fromEntries([...CONTAINERS, 'hostNap', 'noneNap', 'joinNap'].map((name, i) => [name, nap(i)])),
  }
}

/** A server in NAME that tells who asks. */
const server = (name: string, address: string) => `mkdir -p /srv/${name}/cgi-bin
cat >/srv/${name}/cgi-bin/who <<'END'
#!/bin/sh
echo
echo "${name}: you are $REMOTE_ADDR"
END
chmod +x /srv/${name}/cgi-bin/who
inside ${name} busybox httpd -p ${address}:80 -h /srv/${name}`

const ASK = `cat >/usr/local/bin/ask <<'END'
#!/bin/bash
# ask ADDRESS [PORT]: call the server there, and print what it says
[ "$PORT" ] || ADDRESS=$1 PORT=\${2:-80} exec timeout 1 "$0"
exec 3<>"/dev/tcp/$ADDRESS/$PORT" || exit
printf 'GET /cgi-bin/who HTTP/1.0\\r\\n\\r\\n' >&3
tail -n 1 <&3
END
chmod +x /usr/local/bin/ask`

/** Cables of lesson 14, with a default route each. */
const cable = (name: string, gate: string, ip: string) => `
ip link add ${name}0 up type veth peer name eth0 netns "$(cat ${name}.pid)"
ip addr add ${gate}/24 dev ${name}0
inside ${name} sh -c "ip addr add ${ip}/24 dev eth0; ip link set eth0 up; ip route add default via ${gate}"`

/**
 * Containers, and a machine outside. That one has the rest of the world behind a link that leads nowhere, so it looks for
 * private addresses there, and never answers them.
 */
const setup = (scene: Scene): Promise<void> => {
  const { northGate, northIp, southGate, southIp, wan, server: outside } = scene.values
  return prepareNetwork(
    scene,
    `echo 0 >/proc/sys/net/ipv4/ip_forward # a new namespace may have it from the host
${CONTAINERS.map(name => container(name, scene.values[name]!)).join('\n')}
${cable('north', northGate!, northIp!)}
${cable('south', southGate!, southIp!)}
ip link add wan up type veth peer name eth0 netns "$(cat outside.pid)"
ip addr add ${wan}/24 dev wan
inside outside sh -ec "
  ip addr add ${outside}/24 dev eth0
  ip link add rest up type bridge
  ip link set rest arp off
  for each in all eth0 rest; do echo 0 >/proc/sys/net/ipv4/conf/\\$each/rp_filter; done
  ip link set eth0 up
  ip route add default dev rest"
${server('outside', outside!)}
${server('red', '0.0.0.0')}
${ASK}`,
  )
}

export const lesson: Lesson = {
  name: '15-bridge',
  title: 'A switch, and the way out',
  text,
  tasks: [switchTask, cablesTask, gatewayTask, natTask, publishTask, modesTask, moduleTask],
  values,
  setup,
  needs: ['nft'],
  panels: ['network', 'namespaces'],
  module: 'toolkit/primitives/bridge.ts',
  plan: ({ bridge: name, net }) => {
    const rule = [is(fields.ipSource, `${net}.0/24`), is(fields.oifname, name!, { not: true }), masquerade]
    const base = { type: 'nat', hook: 'postrouting', priority: 100, policy: 'accept' } as const
    const table = { family: 'ip', name: name!, sets: [], chains: [{ name: 'out', ...base, rules: [rule] }] } as const
    const typed = [
      `nft add table ip ${name}`,
      `nft 'add chain ip ${name} out { type nat hook postrouting priority 100; }'`,
      `nft add rule ip ${name} out ${rule.map(({ text }) => text).join(' ')}`,
    ]
    return [
      asCall(bridge({ name: name! })),
      asCall(address(name!, `${net}.1/24`)),
      asCall(vethPair({ name: 'red0', master: name!, peer: { name: 'eth0', into: { process: 'pid' } } })),
      ...addTable(table).map((message, i) => asCall({ ...message, shell: typed[i]!, why: '', lesson: '15-bridge' })),
    ]
  },
  control: 'cables',
}
