// Volumes: what is half made or half gone, and descriptions that cannot be read. Files in a volume are never touched.
import { existsSync, rmSync } from 'node:fs'
import { resolve } from 'node:path'
import { stateDir } from '../../image/paths.ts'
import { entries, isFree, remove, writeJson } from '../state/files.ts'
import { checkVolumeName, exclusively, readVolume, type VolumeState } from '../volume/store.ts'
import { type Finding, isAside, setAside } from './finding.ts'

const rootDir = (): string => resolve(stateDir(), 'volumes')

const succeeds = (action: () => void): boolean => {
  try {
    action()
    return true
  } catch {
    return false
  }
}

function halves(name: string): Finding[] {
  if (!/^\.(new|gone)-/.test(name)) return []
  const meaning = `somebody was killed who ${name.startsWith('.new') ? 'made' : 'removed'} it`
  const repair = () => {
    remove(`${rootDir()}/${name}`)
    return 'removed the rest'
  }
  return [{ kind: 'volume', subject: name.replace(/^\.(new|gone)-/, ''), meaning, repair }]
}

function volume(name: string): Finding[] {
  const directory = `${rootDir()}/${name}`
  const about = { kind: 'volume', subject: name } as const
  if (!succeeds(() => checkVolumeName(name)) || !existsSync(`${directory}/_data`))
    return [{ ...about, meaning: `${directory} is no volume`, repair: () => setAside(directory, `.${name}`) }]
  const path = `${directory}/volume.json`
  const unread: Finding[] = succeeds(() => readVolume(name))
    ? []
    : [
        {
          ...about,
          meaning: `${path} is not there, damaged, or of a newer toolkit; the files in the volume are as they were`,
          repair() {
            const done = existsSync(path) ? `${setAside(path)}, and ` : ''
            const fresh: Omit<VolumeState, 'version'> & { version: 1 } = {
              ...{ version: 1, name, created: new Date().toISOString(), anonymous: false, labels: {} },
            }
            writeJson(path, fresh, { durable: true })
            return `${done}wrote a new one, without labels`
          },
        },
      ]
  const filling = `${directory}/filling`
  if (!existsSync(filling) || !isFree(`${directory}/lock`)) return unread
  const empty = () => {
    for (const file of entries(`${directory}/_data`)) rmSync(`${directory}/_data/${file}`, { recursive: true })
    rmSync(filling)
    return 'emptied it: the next container that uses it fills it again'
  }
  return [...unread, { ...about, meaning: 'somebody was killed who filled it from an image', repair: empty }]
}

/** Changes nothing. */
export function checkVolumes(): Finding[] {
  const all = entries(rootDir()).filter(name => !isAside(name))
  const held = existsSync(`${rootDir()}/.lock`) && !isFree(`${rootDir()}/.lock`) // somebody makes or removes one just now
  const found = [...(held ? [] : all.flatMap(halves)), ...all.filter(name => !name.startsWith('.')).flatMap(volume)]
  return found.map(finding => ({
    ...finding,
    ...(finding.repair && { repair: () => exclusively(finding.repair as () => string) }),
  }))
}
