// Containers: their directories, and their names.
import { existsSync, lstatSync, readFileSync, readlinkSync, renameSync, rmSync, symlinkSync, unlinkSync } from 'node:fs'
import { UsageError } from '../../kernel/usage-error.ts'
import { entries, isFree } from '../state/files.ts'
import { sweep } from '../state/orphans.ts'
import {
  type ContainerState,
  directoryOf,
  exclusively,
  holderOf,
  idsIn,
  PLACES,
  type Place,
  readState,
  rootDir,
  survives,
} from '../state/store.ts'
import { hasVolume, makeVolume, exclusively as withVolumes } from '../volume/store.ts'
import { type Finding, isAside, setAside } from './finding.ts'

interface Read {
  readonly state?: ContainerState
  readonly problem?: string
}

function read(directory: string): Read {
  try {
    return { state: readState(directory) }
  } catch (error) {
    const isMissing = (error as NodeJS.ErrnoException).code === 'ENOENT'
    return { problem: isMissing ? 'is not there' : error instanceof UsageError ? error.message : 'is damaged' }
  }
}

const swept = (what: string) => async (): Promise<string> => {
  await sweep()
  return what
}

/** Those that have a monitor or an engine, or should. */
function live(id: string): Finding[] {
  const directory = directoryOf('live', id)
  const about = { kind: 'container', subject: id } as const
  const { state, problem } = read(directory)
  if (!existsSync(`${directory}/lock`)) {
    const meaning = 'somebody was killed who had just begun to make it, or had nearly removed it'
    return existsSync(directory) ? [{ ...about, meaning, repair: swept('removed the rest') }] : []
  }
  if (!isFree(`${directory}/lock`)) {
    if (state || !existsSync(directory) || problem === 'is not there') return []
    return [{ ...about, meaning: `it runs, and ${problem}; end its processes, then it can be repaired` }]
  }
  if (!state) {
    const damaged = existsSync(`${directory}/state.json`)
    const meaning = damaged ? `nobody looks after it, and ${problem}` : 'nobody has removed all of it'
    return [
      {
        ...about,
        meaning,
        repair: swept(damaged ? 'removed its cgroups and its place in the network' : 'removed the rest'),
      },
    ]
  }
  if (!survives(state))
    return [
      {
        ...about,
        meaning: 'it has ended, and whoever looked after it was killed',
        repair: swept('undid what was left of it'),
      },
    ]
  if (state.detached)
    return [{ ...about, meaning: 'it runs, but its monitor was killed', repair: swept('gave it another monitor') }]
  return [{ ...about, meaning: 'it runs, but its engine was killed', repair: swept('ended it') }]
}

/** Those that are kept. */
function ended(id: string): Finding[] {
  const directory = directoryOf('ended', id)
  const about = { kind: 'container', subject: id } as const
  if (!isFree(`${directory}/lock`) && existsSync(`${directory}/lock`)) return [] // another command is at it
  const { state, problem } = read(directory)
  if (!state) return existsSync(directory) ? [{ ...about, meaning: problem!, repair: () => setAside(directory) }] : []
  const rootfs: Finding[] = existsSync(state.rootfs)
    ? []
    : [
        {
          ...about,
          meaning: `the root file system that it is made of is gone: ${state.rootfs}; 'toolkit rm' removes it`,
        },
      ]
  return [...rootfs, ...files(id, directory)]
}

/** What is in a directory whose state is well. */
function files(id: string, directory: string): Finding[] {
  const about = { kind: 'container', subject: id } as const
  const torn = entries(directory).filter(name => name.endsWith('.json.new'))
  return [
    ...torn.map(name => ({
      ...about,
      meaning: `${directory}/${name} was never finished`,
      repair() {
        rmSync(`${directory}/${name}`, { force: true })
        return 'removed it'
      },
    })),
    ...uses(directory).flatMap(volume =>
      volume === undefined
        ? [
            {
              ...about,
              meaning: `${directory}/mounts.json is damaged, or of a newer toolkit: nobody knows its volumes`,
              repair: () => setAside(`${directory}/mounts.json`),
            },
          ]
        : hasVolume(volume)
          ? []
          : [
              {
                ...about,
                meaning: `its volume ${volume} is gone`,
                repair() {
                  withVolumes(() => makeVolume({ name: volume }))
                  return 'made a new one, which is empty'
                },
              },
            ],
    ),
  ]
}

/** The names of its volumes; undefined for a list that cannot be read. */
function uses(directory: string): (string | undefined)[] {
  try {
    const { version, mounts } = JSON.parse(readFileSync(`${directory}/mounts.json`, 'utf8'))
    if (version !== 1 || !Array.isArray(mounts)) return [undefined]
    return mounts.flatMap(({ type, source }) => (type === 'volume' ? [String(source)] : []))
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT' ? [] : [undefined]
  }
}

/** Names that lead nowhere, and containers that their name does not lead to. To be called `exclusively`. */
function names(): Finding[] {
  const directory = `${rootDir()}/names`
  const owners = new Map<string, { id: string; place: Place }>()
  const unreadable = new Set<string>()
  for (const place of PLACES)
    for (const id of idsIn(place)) {
      const { state } = read(directoryOf(place, id))
      if (state) owners.set(state.name, { id, place })
      else unreadable.add(id)
    }
  const stray = entries(directory)
    .filter(name => !isAside(name))
    .flatMap((name): Finding[] => {
      const path = `${directory}/${name}`
      const remove = () => {
        unlinkSync(path)
        return 'gave it back'
      }
      const about = { kind: 'name', subject: name } as const
      if (!lstatSync(path).isSymbolicLink())
        return [{ ...about, meaning: `${path} is no name of a container`, repair: () => setAside(path) }]
      const id = readlinkSync(path)
      if (owners.get(name)?.id === id || unreadable.has(id)) return []
      return [{ ...about, meaning: 'it is taken, and no container has it', repair: remove }]
    })
  const nameless = [...owners].flatMap(([name, { id }]): Finding[] => {
    if (holderOf(name) === id) return []
    const repair = () => {
      const path = `${directory}/${name}`
      symlinkSync(id, `${path}.new`)
      renameSync(`${path}.new`, path)
      return 'took it for it again'
    }
    return [{ kind: 'name', subject: name, meaning: `container ${id} has this name, and it is not taken`, repair }]
  })
  return [...stray, ...nameless]
}

/** Changes nothing. */
export function checkContainers(): Finding[] {
  if (!existsSync(rootDir())) return []
  return exclusively(() => [...idsIn('live').flatMap(live), ...idsIn('ended').flatMap(ended), ...names()])
}
