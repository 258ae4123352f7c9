// How much a directory holds, as `du --apparent-size -b` without the directories themselves.
import { lstatSync, readdirSync } from 'node:fs'
import { orGone } from './read.ts'

/** Bytes of all files below a directory, or of one file; a file with several names counts once. Links are not followed. */
export function sizeOf(path: string, seen = new Set<string>()): number {
  const stat = orGone(() => lstatSync(path))
  if (!stat) return 0
  if (stat.isDirectory())
    return (orGone(() => readdirSync(path)) ?? []).reduce((sum, name) => sum + sizeOf(`${path}/${name}`, seen), 0)
  const key = `${stat.dev}:${stat.ino}`
  if (!stat.isFile() || seen.has(key)) return 0
  seen.add(key)
  return stat.size
}
