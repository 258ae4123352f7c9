// What a container has mounted, in docker's words: .Mounts of all, and in .HostConfig what -v, --mount and --tmpfs said.
import { posix } from 'node:path'
import type { RunOptions } from '../engine/options.ts'
import { pairsOf } from '../engine/pairs.ts'
import type { ContainerRow } from '../engine/state/list.ts'
import { DRIVER, LABEL, OPTION, sorted } from '../engine/volume/driver-options.ts'
import { dataOf } from '../engine/volume/store.ts'
import { mountsOf } from '../engine/volume/uses.ts'
import { SUBPATH } from '../engine/volume/volumes.ts'
import { UsageError } from '../kernel/usage-error.ts'
import type { Mount } from '../primitives/mount.ts'
import { labelsOf } from './flags/labels.ts'
import { freeMap, orNil, withEmpty } from './text/template/values.ts'

const isReadOnly = ({ options }: Mount): boolean => options.includes('ro') || options.includes('rotop')
const PROPAGATION = /^r?(private|shared|slave)$/
const propagationOf = ({ options }: Mount): string => options.find(word => PROPAGATION.test(word)) ?? 'rprivate'

interface Said extends Mount {
  /** With -v: what comes after the source, `:DESTINATION[:OPTIONS]`. */
  readonly rest: string
}

/** Which flag has asked for which of the mounts: they lie in the order of the flags. */
function byFlag({ mounts: { mounts }, wording }: Pick<RunOptions, 'mounts' | 'wording'>) {
  const lasting = mounts.filter(({ type, source }) => type === 'bind' || (type === 'volume' && source !== ''))
  const { volumes, mounts: words = [] } = wording ?? {}
  const plain = (mount: Mount): Said => ({
    ...mount,
    rest: `:${mount.destination}${isReadOnly(mount) ? ':ro' : ''}`,
  })
  if (!volumes && words.length === 0) return { volume: lasting.map(plain), mount: [] } // an older toolkit has made it
  const count = volumes?.length ?? 0
  return {
    volume: mounts.slice(0, count).map((mount, i): Said => {
      const colon = volumes![i]!.indexOf(':')
      return { ...mount, rest: colon < 0 ? '' : volumes![i]!.slice(colon) }
    }),
    mount: mounts.slice(count, count + words.length),
  }
}

/** What it has mounted; of one that was never started what it asks for. */
function mountsKnown(row: ContainerRow): readonly Mount[] {
  try {
    const found = mountsOf(row)
    if (found.length > 0) return found
  } catch (error) {
    if (!(error instanceof UsageError)) throw error // its list is damaged; `system check` says so
  }
  const asked = row.state?.options?.mounts.mounts ?? []
  return asked.filter(({ type }) => type === 'bind' || type === 'volume')
}

/** .Mounts: all but those of --tmpfs. */
export function mounts(row: ContainerRow) {
  const { options } = row.state ?? {}
  const { volume, mount } = options ? byFlag(options) : { volume: [], mount: [] }
  const known = mountsKnown(row)
  const inMemory = mount.filter(({ type }) => type === 'tmpfs')
  const modeOf = ({ destination, source, type, options: words }: Mount): string => {
    const asked = volume.find(one => one.destination === destination)
    if (asked?.rest === '') return '' // without a name
    const [, , text] = asked?.rest.split(':') ?? []
    const kind = type === 'volume' && source !== '' ? 'z' : '' // of SELinux; docker says so of every volume with a name
    if (asked || mount.some(one => one.destination === destination)) return text ?? kind
    return words.filter(word => word === 'ro').join(',') // of another container
  }
  return [...known, ...inMemory].map(mount => {
    const isVolume = mount.type === 'volume'
    const shown = {
      Type: mount.type,
      ...(isVolume && { Name: mount.source, Driver: 'local' }),
      Source: isVolume ? mount.source && dataOf(mount.source) : mount.type === 'bind' ? mount.source : '',
      Destination: mount.destination,
      Mode: modeOf(mount),
      RW: !isReadOnly(mount),
      Propagation: mount.type === 'bind' ? propagationOf(mount) : '',
    }
    return isVolume ? shown : withEmpty(shown, 'Name', 'Driver')
  })
}

/** .HostConfig.Binds: -v with a source, which is absolute by now. */
export const binds = (options: RunOptions) =>
  orNil(byFlag(options).volume.flatMap(({ source, rest }) => (rest === '' ? [] : [`${source}${rest}`])))

/** .Config.Volumes: -v without a source. */
export const anonymousVolumes = (options: RunOptions): readonly string[] =>
  byFlag(options).volume.flatMap(({ destination, rest }) => (rest === '' ? [destination] : []))

/** .HostConfig.Tmpfs: the options by destination, as they were given. */
export function tmpfs({ wording, mounts: { mounts } }: RunOptions) {
  if (!wording?.tmpfs) return freeMap(wording?.mounts ? [] : olderTmpfs(mounts))
  return freeMap(
    wording.tmpfs.map(text => {
      const [path = '', ...options] = text.split(':')
      return [posix.normalize(path), options.join(':')]
    }),
  )
}

const olderTmpfs = (mounts: readonly Mount[]) =>
  mounts
    .filter(({ type, destination }) => type === 'tmpfs' && destination !== '/dev/shm')
    .map(({ destination, options }) => [destination, options.join(',')] as const)

const part = (options: readonly string[], key: string): string | undefined =>
  options.find(word => word.startsWith(key))?.slice(key.length)

/** .HostConfig.Mounts: those of --mount; no key for what is as by default. */
export const mountsAsked = (options: RunOptions) =>
  byFlag(options).mount.map(mount => ({
    Type: mount.type,
    ...(mount.type !== 'tmpfs' && mount.source !== '' && { Source: mount.source }),
    Target: mount.destination,
    ...(isReadOnly(mount) && { ReadOnly: true }),
    ...detailsOf(mount),
  }))

/** Fields under a name of their own; nothing where there are none. */
const under = (name: string, fields: object) => (Object.keys(fields).length > 0 ? { [name]: fields } : {})

function detailsOf(mount: Mount) {
  const { type, options } = mount
  if (type === 'bind') {
    const spread = propagationOf(mount)
    return under('BindOptions', {
      ...(spread !== 'rprivate' && { Propagation: spread }),
      ...(options.includes('bind') && /^r/.test(spread) && { NonRecursive: true }),
    })
  }
  if (type === 'tmpfs') {
    const [size, mode] = [part(options, 'size='), part(options, 'mode=')]
    return under('TmpfsOptions', {
      ...(size !== undefined && { SizeBytes: Number(size) }),
      ...(mode !== undefined && { Mode: Number.parseInt(mode, 8) }),
    })
  }
  const all = (start: string) => options.filter(word => word.startsWith(start)).map(word => word.slice(start.length))
  const labels = all(LABEL)
  const driven = sorted(pairsOf(all(OPTION)))
  const driver = part(options, DRIVER)
  const below = part(options, SUBPATH)
  return under('VolumeOptions', {
    ...(options.includes('nocopy') && { NoCopy: true }),
    ...(labels.length > 0 && { Labels: freeMap(Object.entries(labelsOf(labels))) }),
    ...under('DriverConfig', {
      ...(driver !== undefined && { Name: driver }),
      ...(driven.length > 0 && { Options: freeMap(driven) }),
    }),
    ...(below !== undefined && { Subpath: below }),
  })
}
