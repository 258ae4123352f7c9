// What was said by flags, word by word, where what the engine makes of it does not tell any more. Only `inspect` reads it.
import type { Wording } from '../../engine/options.ts'
import type { Parsed } from '../options.ts'
import { attached } from './attach.ts'
import { volumesOf } from './mounts.ts'

/** Undefined where none of these flags is given. */
export function wording(given: Parsed['flags']): Wording | undefined {
  const list = (flag: string) => given[flag] as readonly string[] | undefined
  const all: { [K in keyof Wording]: Wording[K] | undefined } = {
    volumes: given.volume === undefined ? undefined : volumesOf(given),
    mounts: list('mount'),
    tmpfs: list('tmpfs'),
    devices: list('device'),
    entrypoint: given.entrypoint as string | undefined,
    users: given.userns as string | undefined,
    cidfile: given.cidfile as string | undefined,
    publishAll: given['publish-all'] === true ? true : undefined,
    attach: attached(given),
    isolation: given.isolation as string | undefined,
    volumeDriver: given['volume-driver'] as string | undefined,
    deviceRules: list('device-cgroup-rule'),
    noHealthcheck: given['no-healthcheck'] === true ? true : undefined,
  }
  const said = Object.entries(all).filter(([, value]) => value !== undefined)
  return said.length > 0 ? Object.fromEntries(said) : undefined
}
