// A host of its own for tests of the network: this process moves to a new network namespace, and a neighbour is joined
// to it by a cable. Containers are processes that answer on TCP and UDP with who they are and who asks.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { dockerPools, type Lease, type Network } from '../../toolkit/engine/leases.ts'
import { joinNetwork, leaveNetwork, type Membership, type NetworkWish } from '../../toolkit/engine/network.ts'
import { parsePublish } from '../../toolkit/engine/ports.ts'
import { wire } from '../../toolkit/engine/wiring.ts'
import type { Action } from '../../toolkit/kernel/action.ts'
import { invoke } from '../../toolkit/kernel/call.ts'
import { CLONE } from '../../toolkit/kernel/constants.ts'
import { parseSubnet } from '../../toolkit/kernel/ip.ts'
import { type Starting, start } from '../../toolkit/kernel/start.ts'
import { step } from '../../toolkit/kernel/step.ts'
import { loopbackUp, namespace } from '../../toolkit/primitives/net.ts'
import { until } from '../observe/helpers.ts'

/** Why this cannot be tested here, as the end of a title; empty where it can. */
export const skipped = process.getuid!() === 0 ? '' : ' (skipped: needs root)'

/** Answers every TCP connection and every datagram on port 80 with "NAME asked by ADDRESS". */
const SERVER = `
const name = process.argv[1]
require('node:net').createServer(s => s.on('error', () => {}).end(name + ' asked by ' + s.remoteAddress.replace('::ffff:', ''))).listen(80, '0.0.0.0')
const udp = require('node:dgram').createSocket('udp4')
udp.on('message', (_, from) => udp.send(name + ' asked by ' + from.address, from.port, from.address)).bind(80)`

export interface Box {
  readonly id: string
  readonly lease: Lease
  readonly process: Starting
  readonly membership: Membership
}

export interface BoxOptions {
  readonly publish?: readonly string[]
  readonly wish?: Partial<NetworkWish>
}

let count = 0

export class NetWorld {
  readonly state = mkdtempSync(path.join(tmpdir(), 'toolkit-net-'))
  readonly network: Network
  readonly #home = openSync('/proc/thread-self/ns/net', 'r')
  readonly #neighbour: ChildProcess
  readonly #boxes: Box[] = []
  readonly hostAddress = '203.0.113.1'
  readonly neighbourAddress = '203.0.113.2'

  constructor(subnet?: string) {
    this.network = {
      bridge: 'toolkit0',
      table: 'toolkit',
      directory: `${this.state}/networks/bridge`,
      pools: subnet ? [parseSubnet(subnet)!] : dockerPools(),
      isAlive: () => true,
    }
    invoke('unshare', [CLONE.NEWNET])
    this.ip('link set lo up')
    this.#neighbour = spawn('unshare', ['--net', 'sleep', '1000'], { stdio: 'ignore' })
  }

  /** Joins the neighbour: 203.0.113.2, and we are 203.0.113.1. */
  async joinNeighbour(): Promise<void> {
    const pid = this.#neighbour.pid!
    const here = execFileSync('readlink', ['/proc/self/ns/net']).toString()
    await until(() => execFileSync('readlink', [`/proc/${pid}/ns/net`]).toString() !== here)
    this.ip(`link add out0 type veth peer name out0 netns ${pid}`)
    this.ip(`address add ${this.hostAddress}/24 dev out0`)
    this.ip('link set out0 up')
    this.inNeighbour(`ip link set lo up; ip address add ${this.neighbourAddress}/24 dev out0; ip link set out0 up`)
    this.inNeighbour('ip route add default via 203.0.113.1')
  }

  ip(words: string): string {
    return execFileSync('ip', words.split(' '), { encoding: 'utf8' })
  }

  /** Runs a script of bash in the network namespace of a process. */
  in(pid: number, script: string): string {
    return execFileSync('nsenter', ['-t', String(pid), '-n', 'bash', '-c', script], { encoding: 'utf8' })
  }

  inNeighbour(script: string): string {
    return this.in(this.#neighbour.pid!, script)
  }

  get neighbour(): number {
    return this.#neighbour.pid!
  }

  /** Starts a container that serves on port 80, wired up as the engine does it. */
  async box(name: string, { publish = [], wish = {} }: BoxOptions = {}): Promise<Box> {
    const id = `${(++count).toString(16).padStart(4, '0')}${process.pid.toString(16).padStart(8, '0')}${'0'.repeat(52)}`
    const membership = joinNetwork({ id, ports: publish.flatMap(parsePublish), ...wish }, this.network)
    const about = { why: 'to be tested', lesson: '14-veth', shell: '' } as const
    const process_ = start({
      namespaces: [namespace],
      steps: [
        step('prctl', [1, 9, 0, 0, 0], about), // PR_SET_PDEATHSIG
        ...loopbackUp(),
        { gate: 'outside' },
        step('execve', [process.execPath, ['node', '-e', SERVER, name], [`PATH=${process.env.PATH}`]], about),
      ],
    })
    const box = { id, lease: membership.lease, process: process_, membership }
    this.#boxes.push(box)
    process_.next()
    this.carryOut(wire(membership.lease, this.network), process_)
    process_.open()
    process_.next()
    await until(() =>
      this.in(process_.pid, 'ss -ltnu 2>/dev/null || cat /proc/net/tcp /proc/net/udp').match(
        /:(80|0050)\b[\s\S]*:(80|0050)\b/,
      ),
    )
    return box
  }

  carryOut(actions: readonly Action[], { pid, pidfd }: Starting): void {
    const descriptors = new Map<string, number>()
    try {
      for (const action of actions) action.apply({ descriptors, process: { pid, pidfd } })
    } finally {
      for (const fd of descriptors.values()) closeSync(fd)
    }
  }

  /** Ends a container as the engine does. */
  stop(box: Box): void {
    box.process.abort()
    this.#boxes.splice(this.#boxes.indexOf(box), 1)
    leaveNetwork(box.id, this.network)
    box.membership.close()
  }

  stopAll(): void {
    for (const box of [...this.#boxes]) this.stop(box)
  }

  end(): void {
    this.stopAll()
    this.#neighbour.kill('SIGKILL')
    invoke('setns', [this.#home, CLONE.NEWNET])
    closeSync(this.#home)
    rmSync(this.state, { recursive: true, force: true })
  }

  /** Asks an address and port from the namespace of a process; undefined where nobody answers within the time. */
  ask(pid: number, to: string, { udp = false, seconds = 0.4 } = {}): Promise<string | undefined> {
    const script = udp
      ? `exec 3<>/dev/udp/${to} && echo hello >&3 && timeout ${seconds} head -c 1 <&3 && timeout 0.1 cat <&3`
      : `exec 3<>/dev/tcp/${to} && timeout ${seconds} cat <&3`
    const child = spawn('nsenter', ['-t', String(pid), '-n', 'timeout', String(seconds + 0.2), 'bash', '-c', script], {
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    let text = ''
    child.stdout.on('data', data => {
      text += data
    })
    return new Promise(resolve => child.on('close', () => resolve(text || undefined)))
  }
}
