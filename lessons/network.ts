// What the lessons about networks share: containers that are there and wait, and a look into their networks.
import { formatMessage, type ToldMessage } from '../toolkit/kernel/netlink-message.ts'
import { readLinks } from '../toolkit/observe/links.ts'
import { readNamespaces } from '../toolkit/observe/namespaces.ts'
import type { Stat } from '../toolkit/observe/process.ts'
import { type InternetSocket, readSockets } from '../toolkit/observe/sockets.ts'
import type { Lesson, Scene } from './lesson.ts'
import { labProcesses, sleepers } from './look.ts'
import { installBusybox, prepare } from './tools.ts'

/** `inside NAME COMMAND …`: nsenter, with the pid from /lab/NAME.pid. */
const INSIDE = `#!/bin/sh
# inside NAME COMMAND: run it in the network of NAME
pid=$(cat "/lab/$1.pid") || exit
shift
exec nsenter --target "$pid" --net "$@"
`

/** A line for sh: a process that only waits, in a network of its own, and its pid in /lab/NAME.pid. */
export const container = (name: string, seconds: string): string =>
  `unshare --net sh -c 'ip link set lo up; sleep ${seconds} 2>/dev/null & echo $!' >/lab/${name}.pid`

/** Puts busybox, ping and inside into the lab, and runs a script for sh there. */
export async function prepareNetwork(scene: Scene, script: string): Promise<void> {
  await installBusybox(scene)
  const head = `ln -s busybox /usr/local/bin/ping
cat >/usr/local/bin/inside <<'END'
${INSIDE}END
chmod +x /usr/local/bin/inside`
  await prepare(scene, `${head}\n${script}`)
}

/** The process `sleep SECONDS` of the lab, by which a prepared container is known. */
export const sleeper = (scene: Scene, seconds: string): Stat | undefined => sleepers(scene, seconds)[0]

export const networkOf = (pid: number): number => readNamespaces(pid)?.net.inode ?? 0

/** A process of each network in the lab that is neither the lab's own nor one of `known`; the best connected come first. */
export function otherNetworks(scene: Scene, known: readonly (Stat | undefined)[] = []): Stat[] {
  const seen = new Set([scene.lab.pid, ...known.map(stat => stat?.pid ?? 0)].map(networkOf))
  const found = labProcesses(scene).filter(({ pid }) => {
    const network = networkOf(pid)
    return network !== 0 && !seen.has(network) && seen.add(network)
  })
  const weight = ({ pid }: Stat) => (readLinks(pid) ?? []).filter(({ up }) => up).length
  return found.sort((a, b) => weight(b) - weight(a))
}

const MAPPED = /^::ffff:(?=\d)/ // an IPv4 address on a socket of IPv6

/** The TCP sockets of a process's network, all addresses as those of IPv4 where they are. */
export const tcp = (pid: number): InternetSocket[] =>
  (readSockets(pid) ?? []).flatMap(socket => {
    if (socket.protocol !== 'tcp' && socket.protocol !== 'tcp6') return []
    const plain = ({ address, port }: InternetSocket['local']) => ({ address: address.replace(MAPPED, ''), port })
    return [{ ...socket, local: plain(socket.local), remote: plain(socket.remote) }]
  })

/** A request to the network stack as a lesson's plan shows it. */
export const asCall = (asked: ToldMessage): ReturnType<Lesson['plan']>[number] => ({
  call: 'sendto',
  args: [3, { bytes: asked.body, text: formatMessage(asked) }, asked.body.length, 0, null, 0],
  shell: asked.shell,
})
