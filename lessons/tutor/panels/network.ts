// Network: the links of the lab, and of the network namespaces of its processes, with the cables between them.
import { type Link, readLinks } from '../../../toolkit/observe/links.ts'
import { readNamespaces } from '../../../toolkit/observe/namespaces.ts'
import { readProcess } from '../../../toolkit/observe/process.ts'
import { tryTo } from './bounded.ts'
import { clean, type PanelScene, type Reading } from './panel.ts'
import { allBelow, programOf } from './program.ts'
import { drawNetworks, type Network, type NetworkLink } from './topology.ts'

const SHOWN = 6 // namespaces besides the lab's
const PROCESSES = 40
const LINKS = 24 // of a namespace

interface Place {
  readonly key: string
  readonly name: string
  readonly links: readonly Link[]
  readonly front: boolean
}

export function readNetworkPanel({ shellPid, lab }: PanelScene): Reading | undefined {
  const program = programOf(shellPid)
  const host = readNamespaces(lab.pid)?.net.inode
  if (!program || host === undefined) return undefined
  const front = readNamespaces(program.pid)?.net.inode
  const level = (readProcess(lab.pid)?.nsPid.length ?? 1) - 1
  const nameOf = (pid: number, comm: string) => `${clean(comm)} ${readProcess(pid)?.nsPid[level] ?? ''}`.trim()
  const found = new Map([[host, { pid: lab.pid, name: 'the lab' }]])
  if (front !== undefined && front !== host)
    found.set(front, { pid: program.pid, name: nameOf(program.pid, program.comm) })
  for (const { pid, comm, state } of allBelow([lab.pid, shellPid], PROCESSES)) {
    const inode = state === 'Z' ? undefined : readNamespaces(pid)?.net.inode
    if (inode !== undefined && !found.has(inode)) found.set(inode, { pid, name: nameOf(pid, comm) })
  }
  const places = [...found].slice(0, SHOWN + 1).flatMap(([inode, { pid, name }]): Place[] => {
    const links = tryTo(() => readLinks(pid))
    return links ? [{ key: String(inode), name, links: links.slice(0, LINKS), front: inode === front }] : []
  })
  const networks = places.map(place => networkOf(place, places)).sort((a, b) => rank(a, host) - rank(b, host))
  const data = { networks, others: found.size - places.length }
  const facts = networks.flatMap(({ key, links }) =>
    links.map(
      ({ name, up, address, about, peer }) => [`${key} ${name}`, JSON.stringify([up, address, about, peer])] as const,
    ),
  )
  const where = front === host ? "= the host's network" : '≠ a network of its own'
  return {
    data,
    title: clean(program.comm),
    legend: where,
    facts: new Map(facts),
    draw: space => drawNetworks(data, space),
  }
}

/** The lab's first, then that of the program in the foreground, then those that have a cable. */
const rank = ({ key, front, links }: Network, host: number): number =>
  key === String(host) ? 0 : front ? 1 : links.some(({ cable }) => cable) ? 2 : 3

function networkOf({ key, name, links, front }: Place, places: readonly Place[]): Network {
  return {
    key,
    name,
    front,
    links: links.map(link => {
      const { up, master, kind, loopback, addresses } = link
      const end = otherEnd(link, key, places)
      const about = master ? `→ ${clean(master)}` : kind === 'veth' || loopback || kind === undefined ? '' : clean(kind)
      const address = addresses.find(text => text.includes('.')) ?? ''
      return { name: clean(link.name), up, address, about, cable: kind === 'veth', peer: end }
    }),
  }
}

/**
 * The other end of a veth. The kernel tells its index, and a number for its namespace that only says whether that is
 * another one: where several could be meant, none is.
 */
function otherEnd(link: Link, key: string, places: readonly Place[]): NetworkLink['peer'] {
  if (link.kind !== 'veth' || link.peer === undefined) return undefined
  const here = link.peerNamespace === undefined
  const ends = places.flatMap(place =>
    (place.key === key) === here
      ? place.links
          .filter(({ kind, index, peer }) => kind === 'veth' && index === link.peer && peer === link.index)
          .map(({ name }) => ({ key: place.key, name: clean(name) }))
      : [],
  )
  return ends.length === 1 ? ends[0] : undefined
}
