// ps --filter: which containers are shown.
import { type Status, statusOf } from '../engine/life/lifecycle.ts'
import type { Port } from '../engine/network/ports.ts'
import { type ContainerRow, findContainer } from '../engine/state/list.ts'
import { UNREADABLE, UsageError } from '../kernel/usage-error.ts'
import { hasLabel } from './flags/labels.ts'
import { mounts } from './inspect-mounts.ts'
import { networkSettings, once, readNetworks } from './inspect-networks.ts'
import { namePattern } from './subcommands.ts'
import { exposedBy, healthOf, imageOf, leases, portsOf } from './text/describe.ts'

interface Filter {
  readonly name: string
  readonly holds: (row: ContainerRow) => boolean
}

// docker has `removing`, too, in which nothing of ours ever is.
const STATES = ['created', 'running', 'paused', 'restarting', 'exited', 'removing', 'dead']
const HEALTHS = ['starting', 'healthy', 'unhealthy', 'none']

const refuse = (name: string, value: string, allowed: string): UsageError =>
  new UsageError(`ps: --filter ${JSON.stringify(`${name}=${value}`)}: ${allowed}`, 1)

function checkOneOf(name: string, value: string, words: readonly string[]): void {
  if (!words.includes(value)) throw refuse(name, value, `${name} is one of ${words.join(', ')}`)
}

const imagesOf = (row: ContainerRow): (string | undefined)[] => [imageOf(row), row.state?.rootfs]
const createdOf = ({ state }: ContainerRow): string => state?.created ?? ''

const isStart = (value: string, id: string): boolean => value.length >= 12 && id.startsWith(value)

/** 80, 80/udp, 8000-8010/tcp: one of its ports that others can reach is there. */
function portFilter(
  name: string,
  value: string,
  portOf: (port: Port) => number,
  more: (row: ContainerRow) => readonly string[] = () => [],
): Filter['holds'] {
  const [, from, to = from, protocol = 'tcp'] = /^(\d{1,5})(?:-(\d{1,5}))?(?:\/(tcp|udp))?$/.exec(value) ?? []
  if (from === undefined) throw refuse(name, value, `${name} is a port or a range, such as 80, 53/udp or 8000-8010/tcp`)
  const known = once(leases)
  return row =>
    [...portsOf(row, known()).map(port => `${portOf(port)}/${port.protocol}`), ...more(row)].some(text => {
      const [number, itsProtocol] = text.split('/')
      return itsProtocol === protocol && Number(number) >= Number(from) && Number(number) <= Number(to)
    })
}

/** What each filter says of a container, by its value. */
const FILTERS: Readonly<Record<string, (value: string) => Filter['holds']>> = {
  id: value => row => (row.state?.id ?? row.id).startsWith(value),
  name: value => {
    const pattern = namePattern('ps', value.replace(/^\^?\//, '^'))
    return ({ state }) => pattern.test(state?.name ?? '')
  },
  label: value => row => hasLabel(row.state?.options?.labels, value),
  status: value => {
    checkOneOf('status', value, STATES)
    return row => statusOf(row) === (value as Status)
  },
  exited: value => {
    if (!/^\d+$/.test(value)) throw refuse('exited', value, 'exited is an exit code, a number from 0 to 255')
    return row => !row.running && row.state?.exitCode === Number(value)
  },
  ancestor: value => row => imagesOf(row).includes(value),
  before: value => {
    const other = createdOf(findContainer(value))
    return row => createdOf(row) < other
  },
  since: value => {
    const other = createdOf(findContainer(value))
    return row => createdOf(row) > other
  },
  network: value => {
    const known = once(readNetworks)
    return row =>
      Object.entries(networkSettings(row, known()).Networks).some(
        ([name, { NetworkID }]) => name === value || isStart(value, NetworkID),
      )
  },
  volume: value => row => mounts(row).some(mount => [mount.Name, mount.Source, mount.Destination].includes(value)),
  publish: value => portFilter('publish', value, ({ host }) => host),
  expose: value => portFilter('expose', value, ({ container }) => container, exposedBy),
  health: value => {
    checkOneOf('health', value, HEALTHS)
    return row => (healthOf(row) ?? 'none') === value
  },
}

function readFilter(text: string): Filter {
  const [name = '', ...value] = text.split('=')
  if (value.length === 0) throw new UsageError(`ps: --filter ${JSON.stringify(text)}: write NAME=VALUE`, UNREADABLE)
  if (!Object.hasOwn(FILTERS, name))
    throw new UsageError(
      `ps: --filter ${JSON.stringify(text)}: there is no filter ${name}; there are ${Object.keys(FILTERS).join(', ')}`,
      1,
    )
  return { name, holds: FILTERS[name]!(value.join('=')) }
}

/**
 * What --filter asks for. Filters of one name are alternatives, but labels; of different names all must hold, as docker's.
 * Throws a UsageError (exit code 1) for what is none, and for a value that cannot be.
 */
export function filterOf(texts: readonly string[]) {
  const filters = texts.map(readFilter)
  const names = [...new Set(filters.map(({ name }) => name))]
  return {
    /** It asks for containers that do not run, too. */
    anyState: names.includes('status') || names.includes('exited'),
    passes: (row: ContainerRow): boolean =>
      names.every(name => {
        const named = filters.filter(filter => filter.name === name)
        return name === 'label' ? named.every(({ holds }) => holds(row)) : named.some(({ holds }) => holds(row))
      }),
  }
}
