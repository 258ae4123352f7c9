// Who the processes of the lab are, inside and outside: what the checks of this lesson look at.
import { type IdRange, readIdMaps } from '../../toolkit/observe/id-maps.ts'
import { formatNamespace, type NamespaceId, readNamespaces } from '../../toolkit/observe/namespaces.ts'
import { type Process, readProcess, rootOf } from '../../toolkit/observe/process.ts'
import { BOX } from '../box.ts'
import type { Scene } from '../lesson.ts'
import { find, idOf, isFound, labProcesses } from '../look.ts'

/** How many users the maps of this lesson have. */
export const COUNT = 1000
export interface Person extends Process {
  readonly namespace: NamespaceId
  /** In a user namespace that is not the lab's. */
  readonly apart: boolean
  /** Empty where nobody has written it yet. */
  readonly users: readonly IdRange[]
  readonly groups: readonly IdRange[]
  /** Its uid as it sees it itself; undefined where it is nobody. */
  readonly inside: number | undefined
}

/** The processes of the lab with their users; `uid` is the number outside. */
export function people(scene: Scene): Person[] {
  const ofLab = readNamespaces(scene.lab.pid)?.user.inode
  return labProcesses(scene).flatMap(({ pid }) => {
    const process = readProcess(pid)
    const namespace = readNamespaces(pid)?.user
    const maps = readIdMaps(pid)
    if (!process || !namespace || !maps) return []
    return [
      {
        ...process,
        namespace,
        apart: namespace.inode !== ofLab,
        users: maps.uid,
        groups: maps.gid,
        inside: insideOf(maps.uid, process.uid),
      },
    ]
  })
}

/** Those in a user namespace of their own. */
export const strangers = (scene: Scene): Person[] => people(scene).filter(({ apart }) => apart)

export const nameOf = ({ namespace }: Person): string => formatNamespace(namespace)

function insideOf(map: readonly IdRange[], uid: number): number | undefined {
  const range = map.find(({ outside, count }) => uid >= outside && uid < outside + count)
  return range && range.inside + uid - range.outside
}

/** Whether a map says: 0 inside is `base` outside, and so on for 1000 ids. */
export const mapsTo = (map: readonly IdRange[], base: number): boolean =>
  map.length === 1 && map[0]!.inside === 0 && map[0]!.outside === base && map[0]!.count === COUNT

/** As one would write it: `0 100000 1000`. */
export const formatMap = (map: readonly IdRange[]): string =>
  map.map(({ inside, outside, count }) => `${inside} ${outside} ${count}`).join(', ') || 'empty'

export function isInBox(scene: Scene, { pid }: Process): boolean {
  const box = find(scene, BOX)
  return isFound(box) && rootOf(pid)?.id === idOf(box)
}

/** The processes that sleep this long. */
export const sleepers = (scene: Scene, seconds: string): Person[] =>
  people(scene).filter(({ comm, argv }) => comm === 'sleep' && argv.at(-1) === seconds)
