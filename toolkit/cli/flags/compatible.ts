// Flags that docker has and for which there is one answer here, or none: taken where they ask for what is so anyway,
// else refused in a line that says what to do instead. A script that was written for docker goes on as far as it can.
import { pairsOf, withoutKey } from '../../engine/pairs.ts'
import type { Flag, Parsed } from '../options.ts'
import { many, one, parseBytes } from './amounts.ts'
import { refuseValue } from './refuse.ts'

const NEVER = 'for docker’s sake: refused'
const WINDOWS = `${NEVER}; of containers on Windows`

export const flags = {
  platform: { value: 'linux[/ARCHITECTURE]', help: 'for docker’s sake: that of this machine', blank: true },
  runtime: { value: 'toolkit', help: 'for docker’s sake: there is one', blank: true },
  isolation: { value: 'default', help: 'for docker’s sake: there is one', blank: true },
  'volume-driver': { value: 'local', help: 'for docker’s sake: there is one', blank: true },
  'disable-content-trust': { help: 'for docker’s sake: nothing here is signed' },
  'kernel-memory': { value: 'BYTES', help: 'for docker’s sake: no effect; --memory counts what the kernel takes, too' },
  'storage-opt': { value: 'KEY=VALUE', many: true, help: NEVER, absent: true },
  gpus: { value: 'REQUEST', many: true, help: `${NEVER}; --device gives device files`, blank: true, absent: true },
  ip6: { value: 'IP', help: NEVER, blank: true, absent: true },
  'link-local-ip': { value: 'IP', many: true, help: NEVER, absent: true },
  'cpu-count': { value: 'NUMBER', help: WINDOWS, absent: true },
  'cpu-percent': { value: 'NUMBER', help: WINDOWS, absent: true },
  'io-maxbandwidth': { value: 'BYTES', help: WINDOWS, absent: true },
  'io-maxiops': { value: 'NUMBER', help: WINDOWS, absent: true },
} satisfies Record<string, Flag>

const ARCHITECTURES: Readonly<Record<string, readonly string[]>> = {
  x64: ['amd64', 'x86_64', 'x86-64'],
  arm64: ['arm64', 'aarch64', 'arm64/v8'],
}

/** linux, linux/amd64, amd64: as containerd reads it. */
function platform(value: string): string | undefined {
  const [ours = process.arch] = ARCHITECTURES[process.arch] ?? []
  const given = value.toLowerCase().replace(/^linux(\/|$)/, '')
  if (given === '' || given === ours || ARCHITECTURES[process.arch]?.includes(given)) return undefined
  return `this machine runs linux/${ours}, and nothing else`
}

const only = (word: string, more: string) => (value: string) => (value === word ? undefined : `allowed: ${word}${more}`)

/** Why a value is refused; undefined where it is what is so anyway. */
const ANSWERS: Readonly<Partial<Record<keyof typeof flags, (value: string) => string | undefined>>> = {
  platform,
  runtime: only('toolkit', ", which is a runtime itself; others take what 'toolkit spec' prints"),
  isolation: only('default', ', which is by namespaces'),
  'volume-driver': only('local', "; see 'toolkit volume create --help' for what it can do"),
  'kernel-memory': value =>
    parseBytes(value) === undefined ? 'give a number of bytes, or with a unit: 512m' : undefined,
  'storage-opt': () =>
    'the layer of a container lies in an ordinary directory, which has no limit; --read-only with --tmpfs PLACE:size=64m has',
  gpus: () =>
    'there are no drivers for them; give their device files, --device /dev/dri/renderD128, and mount their libraries',
  ip6: () => 'our networks have no IPv6; --network host has what the host has',
  'link-local-ip': () => 'a container has one address in each network; choose it with --ip',
}

/** Throws a UsageError for what cannot be, which says what to do instead. */
export function checkCompatible(given: Parsed['flags']): void {
  for (const flag of Object.keys(flags) as (keyof typeof flags)[]) {
    if (given[flag] === undefined || typeof given[flag] === 'boolean') continue
    const answer =
      ANSWERS[flag] ?? (() => 'that is for containers on Windows; see --cpus, --device-read-bps and their like')
    for (const value of [given[flag]].flat() as string[]) {
      const why = answer(value)
      if (why !== undefined) throw refuseValue(flag, value, why)
    }
  }
  if (given['disable-content-trust'] === false)
    throw refuseValue('disable-content-trust', 'false', 'root file systems are directories, and nobody has signed them')
}

/** What is taken, and has no effect, or a doubtful one: a line each. `isV1`: limits of memory are cgroup v1's. */
export function warnings(given: Parsed['flags'], isV1: () => boolean): string[] {
  const found: string[] = []
  if (given['kernel-memory'] !== undefined)
    found.push('--kernel-memory has no effect: Linux has given it up; --memory counts what the kernel takes, too')
  const unknown = (flag: string) => `--${flag} has no effect: cgroup v2 does not have it`
  if (given['oom-kill-disable'] === true) {
    if (!isV1()) found.push(unknown('oom-kill-disable'))
    else if (one(given, 'memory') === undefined)
      found.push('--oom-kill-disable without --memory: the host may run out of memory')
  }
  if (given['memory-swappiness'] !== undefined && one(given, 'memory-swappiness') !== '-1' && !isV1())
    found.push(unknown('memory-swappiness'))
  return found.map(text => `toolkit: ${text}`)
}

export const annotationFlag = {
  annotation: { value: 'KEY=VALUE', many: true, help: 'something for who reads its OCI description' },
} satisfies Record<string, Flag>

/** Throws a UsageError where one has no key. */
export function annotations(given: Parsed['flags']): Readonly<Record<string, string>> | undefined {
  const texts = many(given, 'annotation')
  const bad = withoutKey(texts)
  if (bad !== undefined) throw refuseValue('annotation', bad, 'give KEY=VALUE')
  return texts.length > 0 ? pairsOf(texts) : undefined
}
