// Networks as a drawing: the lab's links in a frame, those of other network namespaces in frames beside it, and a line
// from link to link where there is a cable.
import { fit, width } from '../wrap.ts'
import { count, type Part, part, type Row, type Space } from './panel.ts'

export interface Network {
  /** Unique: the inode of the namespace. */
  readonly key: string
  /** Whose it is: `the lab`, or a program. */
  readonly name: string
  /** The program in the foreground is in it. */
  readonly front: boolean
  readonly links: readonly NetworkLink[]
}

export interface NetworkLink {
  readonly name: string
  readonly up: boolean
  /** Empty where it has none. */
  readonly address: string
  /** `→ br0`, `bridge`; or empty. */
  readonly about: string
  /** It is a cable, and so has another end. */
  readonly cable: boolean
  /** That end, where it is in sight: the namespace's key and the link's name. */
  readonly peer: { readonly key: string; readonly name: string } | undefined
}

export interface Networks {
  /** The lab's first. */
  readonly networks: readonly Network[]
  /** How many are not shown. */
  readonly others: number
}

const GAP = 5
const WIDEST = 46

export function drawNetworks(data: Networks, space: Space): readonly Row[] {
  if (data.networks.length === 0) return [[part('The links of the lab cannot be read.', 'muted')]]
  if (space.rows === 1) return [oneRow(data, space)]
  const rows = draw(data, space)
  const fits = rows.length <= space.rows ? rows : draw(essential(data), space)
  if (fits.length <= space.rows) return fits
  const shown = fits.slice(0, space.rows - 1)
  return [...shown, [part(`… ${count(fits.length - shown.length)} rows more: V shows all`, 'muted')]]
}

/** Without what every namespace has, and without those where there is nothing else. */
function essential({ networks, others }: Networks): Networks {
  const kept = networks.filter(({ front, links }, at) => at === 0 || front || links.some(({ cable }) => cable))
  const shorter = kept.map(network => {
    const links = network.links.filter(({ name }) => name !== 'lo')
    return links.length > 0 ? { ...network, links } : network
  })
  return { networks: shorter, others: others + networks.length - kept.length }
}

function draw(data: Networks, space: Space): Row[] {
  const [lab, ...others] = data.networks as [Network, ...Network[]]
  const cells = Math.min(WIDEST, others.length === 0 ? space.columns : Math.floor((space.columns - GAP) / 2))
  const rows = others.length === 0 ? frame(lab, lab.links, data, cells, space.ascii) : beside(data, cells, space)
  if (data.others > 0) rows.push([part(`… and ${count(data.others)} more network namespaces`, 'muted')])
  return rows
}

/** A frame with a link, or nothing, in each row. `cells` is its width. */
function frame(
  network: Network,
  links: readonly (NetworkLink | undefined)[],
  data: Networks,
  cells: number,
  ascii: boolean,
): Row[] {
  const [h, v, tl, tr, bl, br] = ascii ? '-|++++' : '─│┌┐└┘'
  const title = `${network.name}${network.front ? ' (in front)' : ''}`
  const name = fit(title, Math.min(width(title), cells - 6))
  const names = Math.max(...network.links.map(link => width(link.name)))
  return [
    [
      part(`${tl}${h} `, 'rule'),
      part(name, network.front ? 'accent' : 'strong'),
      part(` ${h!.repeat(cells - width(name) - 5)}${tr}`, 'rule'),
    ],
    ...links.map((link): Row => {
      const inner = link
        ? linkParts(network, link, data, Math.min(names, 15), cells - 4, ascii)
        : [part(' '.repeat(cells - 4))]
      return [part(`${v} `, 'rule'), ...inner, part(` ${v}`, 'rule')]
    }),
    [part(bl! + h!.repeat(cells - 2) + br!, 'rule')],
  ]
}

function linkParts(
  at: Network,
  link: NetworkLink,
  data: Networks,
  names: number,
  cells: number,
  ascii: boolean,
): Part[] {
  const { name, up, address, about, cable, peer } = link
  const key = `${at.key} ${name}`
  const drawn = peer && (at === data.networks[0]) !== (peer.key === data.networks[0]!.key)
  const end = !cable || drawn ? '' : peer ? `with ${peer.name}` : 'other end not in sight'
  const arrow = ascii ? about.replace('→', 'in') : about
  const words = [up ? address || 'up' : 'down', arrow, end].filter(Boolean).join('  ')
  return [
    part(fit(name, names), up ? 'strong' : 'muted', key),
    part('  '),
    part(fit(words, Math.max(1, cells - names - 2)), up ? undefined : 'muted', key),
  ]
}

/** The lab's frame on the left, the others one below the other on the right; links of one cable in the same row. */
function beside(data: Networks, cells: number, { ascii }: Space): Row[] {
  const [lab, ...others] = data.networks
  const right: { row: Row; network?: Network; link?: NetworkLink }[] = others.flatMap(network => {
    const rows = frame(network, network.links, data, cells, ascii)
    return rows.map((row, index) => {
      const link = network.links[index - 1]
      return link ? { row, network, link } : { row }
    })
  })
  const inner = Math.max(lab!.links.length, right.length - 2)
  const places = new Array<NetworkLink | undefined>(inner).fill(undefined)
  right.forEach(({ link }, index) => {
    if (link?.peer?.key === lab!.key) places[index - 1] = lab!.links.find(({ name }) => name === link.peer!.name)
  })
  const cables = places.map(link => link !== undefined)
  const free = lab!.links.filter(link => !places.includes(link))
  for (let row = 0; row < inner; row++) places[row] ??= free.shift()
  const left = frame(lab!, places, data, cells, ascii)
  const [across, from, to] = ascii ? '-++' : '─├┤'
  return left.map((row, index): Row => {
    const other = right[index]
    if (!other) return row
    if (!cables[index - 1]) return [...row, part(' '.repeat(GAP)), ...other.row]
    const key = `${other.network!.key} ${other.link!.name}`
    return [
      ...row.slice(0, -1),
      part(` ${from}${across!.repeat(GAP)}${to} `, other.link!.up ? 'good' : 'rule', key),
      ...other.row.slice(1),
    ]
  })
}

/** The network of the program in the foreground: `sh: lo down, eth0 10.0.0.2/24 ── veth0 (the lab)`. */
function oneRow({ networks, others }: Networks, { ascii }: Space): Row {
  const at = networks.find(({ front }) => front) ?? networks[0]!
  const more = networks.length - 1 + others
  return [
    part(`${at.name}:`, 'strong'),
    ...at.links.flatMap((link, index) => {
      const { name, up, address, peer, about } = link
      const other = networks.find(({ key }) => key === peer?.key)
      const words = [name, up ? address : 'down', ascii ? about.replace('→', 'in') : about]
      return [
        part(index === 0 ? ' ' : ', ', 'muted'),
        part(words.filter(Boolean).join(' '), up ? undefined : 'muted', `${at.key} ${name}`),
        part(
          peer ? ` ${ascii ? '--' : '──'} ${peer.name}${other && other !== at ? ` (${other.name})` : ''}` : '',
          'good',
        ),
      ]
    }),
    part(more > 0 ? `  +${count(more)} other` : '', 'muted'),
  ]
}
