// A host of its own for tests of the network: this process moves to a new network namespace, and neighbours are joined
// to it by cables. All who take part answer on port 80 with who they are and who asks.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, readlinkSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { Lease, Network } from '../../toolkit/engine/network/lease.ts'
import { dockerPools } from '../../toolkit/engine/network/leases.ts'
import { leaveNetwork } from '../../toolkit/engine/network/network.ts'
import { createNetwork, join, type Memberships } from '../../toolkit/engine/network/networks.ts'
import { parsePublish } from '../../toolkit/engine/network/ports.ts'
import type { NetworkDefinition } from '../../toolkit/engine/network/store.ts'
import { wireAll } from '../../toolkit/engine/network/wiring.ts'
import { newId } from '../../toolkit/engine/state/store.ts'
import { invoke } from '../../toolkit/kernel/call.ts'
import { CLONE, PR, SIG } from '../../toolkit/kernel/constants.ts'
import { type Starting, start } from '../../toolkit/kernel/start.ts'
import { step } from '../../toolkit/kernel/step.ts'
import { loopbackUp, namespace } from '../../toolkit/primitives/net.ts'
import { until } from '../observe/helpers.ts'
import { slow } from '../slow.ts'

/** Why this cannot be tested here, as the end of a title; empty where it can. */
export const skipped = process.getuid!() === 0 ? '' : ' (skipped: needs root)'

/** TCP and UDP, IPv4 and IPv6: "NAME asked by ADDRESS". */
const SERVER = `
const answer = address => process.argv[1] + ' asked by ' + address.replace('::ffff:', '')
require('node:net').createServer(s => s.on('error', () => {}).end(answer(s.remoteAddress))).listen(80)
const udp = require('node:dgram').createSocket('udp6')
udp.on('message', (_, from) => udp.send(answer(from.address), from.port, from.address)).bind(80)`

/** A container with its lease. */
export interface Box {
  readonly pid: number
  readonly id: string
  readonly lease: Lease
  readonly process: Starting
  readonly membership: Memberships
}

export const HOST = '203.0.113.1'
export const NEIGHBOUR = '203.0.113.2'

const SECONDS = 0.5 * slow // an answer takes a hundredth

let count = 0

export class NetWorld {
  readonly state = mkdtempSync(path.join(tmpdir(), 'toolkit-net-'))
  readonly network: Network = {
    bridge: 'toolkit0',
    table: 'toolkit',
    directory: `${this.state}/networks/bridge`,
    pools: dockerPools(),
    isAlive: () => true,
  }
  readonly #home = openSync('/proc/thread-self/ns/net', 'r')
  readonly #others: ChildProcess[] = []
  readonly #boxes: Box[] = []

  constructor() {
    invoke('unshare', [CLONE.NEWNET])
    this.sh('ip link set lo up; echo 0 > /proc/sys/net/ipv4/ip_forward') // a new one may have it from the old
  }

  /** A machine beside ours: `net`.2 where we are `net`.1, and we are its way to everywhere. Returns a pid of it. */
  async neighbour(name: string, net: string): Promise<number> {
    const child = spawn('unshare', ['--net', process.execPath, '-e', SERVER, name], { stdio: 'ignore' })
    this.#others.push(child)
    const pid = child.pid!
    await until(() => readlinkSync(`/proc/${pid}/ns/net`) !== readlinkSync('/proc/self/ns/net'))
    this.sh(`ip link add to-${name} type veth peer name out netns ${pid}
      ip address add ${net}.1/24 dev to-${name}; ip link set to-${name} up`)
    this.in(
      pid,
      `ip link set lo up; ip address add ${net}.2/24 dev out; ip link set out up
      ip route add default via ${net}.1`,
    )
    await this.#serves(pid)
    return pid
  }

  /** Runs a script of bash on our host. */
  sh(script: string): string {
    return execFileSync('bash', ['-ec', script], { encoding: 'utf8' })
  }

  /** The same in the network namespace of a process. */
  in(pid: number, script: string): string {
    return execFileSync('nsenter', ['-t', String(pid), '-n', 'bash', '-ec', script], { encoding: 'utf8' })
  }

  /** Until it listens on port 80 (0x50), TCP and UDP. */
  async #serves(pid: number): Promise<void> {
    await until(() => {
      const text = this.in(pid, 'cat /proc/net/tcp6 /proc/net/udp6')
      return text.match(/:0050 /g)?.length === 2
    })
  }

  /** Makes a network, as `toolkit network create`. */
  make(name: string, wish: { subnet?: string; gateway?: string; internal?: boolean } = {}): NetworkDefinition {
    const { subnet, gateway, internal = false } = wish
    return createNetwork({ id: newId(), name, subnet, gateway, internal, labels: {} }, this.network)
  }

  /** Starts a container in the engine's own network. */
  box(name: string, ...publish: string[]): Promise<Box> {
    return this.boxIn(undefined, name, ...publish)
  }

  /** Starts a container, in one network or several, wired up as the engine does it. */
  async boxIn(networkName: string | undefined | readonly string[], name: string, ...publish: string[]): Promise<Box> {
    const id = (++count).toString(16).padStart(12, '0').padEnd(64, 'f')
    const wish = {
      ...{
        endpoints: [networkName].flat().map(name => ({ name, aliases: [] })),
        publish: publish.flatMap(parsePublish),
      },
      names: { dns: [] },
    }
    const membership = join(wish, id, [name], this.network)
    const about = { why: 'to be tested', lesson: '14-veth', shell: '' } as const
    const starting = start({
      namespaces: [namespace],
      steps: [
        step('prctl', [PR.SET_PDEATHSIG, SIG.KILL, 0, 0, 0], about),
        ...loopbackUp(),
        { gate: 'outside' },
        step('execve', [process.execPath, ['node', '-e', SERVER, name], ['PATH=/bin']], about),
      ],
    })
    const lease = membership.leases[0]!
    const box = { pid: starting.pid, id, lease, process: starting, membership }
    this.#boxes.push(box)
    starting.next()
    const descriptors = new Map<string, number>()
    try {
      for (const action of wireAll(membership.leases, this.network)) action.apply({ descriptors, process: starting })
    } finally {
      for (const fd of descriptors.values()) closeSync(fd)
    }
    starting.open()
    starting.next()
    await this.#serves(starting.pid)
    return box
  }

  /** As after kill -9 of its engine: the container is dead, the port free, and nobody has cleaned up. */
  crash(box: Box): void {
    box.process.abort()
    box.membership.close()
    this.#boxes.splice(this.#boxes.indexOf(box), 1)
  }

  /** Ends a container as the engine does. */
  stop(box: Box): void {
    this.crash(box)
    leaveNetwork(box.id, this.network)
  }

  stopAll(): void {
    for (const box of [...this.#boxes]) this.stop(box)
  }

  end(): void {
    this.stopAll()
    for (const child of this.#others) child.kill('SIGKILL')
    invoke('setns', [this.#home, CLONE.NEWNET])
    closeSync(this.#home)
    rmSync(this.state, { recursive: true, force: true })
  }

  /** Asks `tcp/ADDRESS/PORT` or `udp/…` from where a process is; undefined where no answer comes in time. */
  ask(pid: number, what: string): Promise<string | undefined> {
    const script = `exec 3<>/dev/${what}; [ ${what.slice(0, 3)} = tcp ] || echo >&3; dd bs=200 count=1 <&3`
    const child = spawn('nsenter', ['-t', String(pid), '-n', 'timeout', String(SECONDS), 'bash', '-c', script], {
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    let text = ''
    child.stdout.on('data', data => {
      text += data
    })
    return new Promise(resolve => child.on('close', () => resolve(text || undefined)))
  }
}
