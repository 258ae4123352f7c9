// What the checks of this lesson look at: the files through which a container knows names, as it sees them itself.
import { readFileSync } from 'node:fs'
import { readCounters } from '../../toolkit/observe/counters.ts'
import { readNeighbours } from '../../toolkit/observe/neighbours.ts'
import { readSockets } from '../../toolkit/observe/sockets.ts'
import type { Scene } from '../lesson.ts'
import { type Found, find, idOf, isFound } from '../look.ts'
import { sleeper } from '../network.ts'

export const IMAGE = '/lab/image'
export const SERVER = '127.0.0.11'
const MAX_SIZE = 10_000n // bytes; nobody writes so many names by hand

/** The process that the container web or db consists of. */
export const pidOf = (scene: Scene, name: 'web' | 'db'): number | undefined =>
  sleeper(scene, scene.values[name === 'db' ? 'dbNap' : name]!)?.pid

/** A file as a process sees it, by its own root and mounts; undefined where there is none. */
export function seenBy(scene: Scene, pid: number, path: string): Found | undefined {
  const found = find({ ...scene, lab: { ...scene.lab, pid } }, path)
  return isFound(found) && found.stat.isFile() && found.stat.size < MAX_SIZE ? found : undefined
}

/** A file of the lab. */
export const inLab = (scene: Scene, path: string): Found | undefined => seenBy(scene, scene.lab.pid, path)

export const textOf = (file: Found | undefined): string => (file ? readFileSync(file.hostPath, 'utf8') : '')

export const same = (a: Found | undefined, b: Found | undefined): boolean => !!a && !!b && idOf(a) === idOf(b)

/** The addresses that a hosts file has for a name: an address, then its names, on a line. hosts(5). */
export const addressesIn = (hosts: string, name: string): string[] =>
  hosts.split('\n').flatMap(line => {
    const [address, ...names] = line.replace(/#.*/, '').trim().split(/\s+/)
    return address && names.includes(name) ? [address] : []
  })

/** The words behind a keyword in resolv.conf, of all its lines. */
export const wordsIn = (resolv: string, keyword: string): string[] =>
  resolv.split('\n').flatMap(line => {
    const [word, ...rest] = line.trim().split(/\s+/)
    return word === keyword ? rest : []
  })

/** Whether a name server waits in the network of a process, and where else it might. */
export const serves = (pid: number): boolean =>
  (readSockets(pid) ?? []).some(
    socket => socket.protocol === 'udp' && socket.local.port === 53 && socket.local.address === SERVER,
  )

/** Whether somebody in the network of a process has been answered by an address that is on its cable. */
export const hasReached = (pid: number, address: string): boolean =>
  (readCounters(pid)?.Icmp.InEchoReps ?? 0) > 0 &&
  !!readNeighbours(pid)?.some(known => known.address === address && known.mac !== undefined)
