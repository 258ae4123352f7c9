// What the checks of this lesson look at: the lab's processes, with what each of them may do.
import { type Capabilities, readCapabilities } from '../../toolkit/observe/capabilities.ts'
import { type Process, readProcess } from '../../toolkit/observe/process.ts'
import { readSeccomp } from '../../toolkit/observe/seccomp.ts'
import { readStatus } from '../../toolkit/observe/status.ts'
import type { Scene } from '../lesson.ts'
import { labProcesses } from '../look.ts'

export interface Rights {
  readonly process: Process
  readonly capabilities: Capabilities
  /** Real and effective user. */
  readonly users: readonly [number, number]
  readonly noNewPrivs: boolean
  /** How many filters it has that the lab has not: the machine may be a container itself. */
  readonly filters: number
}

/** Undefined where the process is gone. */
export function rightsOf(scene: Scene, pid: number): Rights | undefined {
  const process = readProcess(pid)
  const capabilities = readCapabilities(pid)
  const seccomp = readSeccomp(pid)
  const uid = readStatus(pid)?.uid
  if (!process || !capabilities || !seccomp || !uid) return undefined
  const filters = (seccomp.filters ?? 0) - (readSeccomp(scene.lab.pid)?.filters ?? 0)
  return { process, capabilities, users: [uid[0], uid[1]], noNewPrivs: seccomp.noNewPrivs, filters }
}

/** What the processes of the lab may do, its first one left out. */
export const everybody = (scene: Scene): Rights[] =>
  labProcesses(scene)
    .filter(({ pid }) => pid !== scene.lab.pid)
    .flatMap(({ pid }) => rightsOf(scene, pid) ?? [])

/** The processes `sleep SECONDS`, under whatever name and path. */
export const sleepers = (scene: Scene, seconds: string | undefined): Rights[] =>
  everybody(scene).filter(({ process: { argv } }) => argv.length === 2 && argv[1] === seconds)

/** What there is to have in the lab: what its first process could still get. */
export const whole = (scene: Scene): readonly string[] => readCapabilities(scene.lab.pid)?.bounding ?? []

/** The names of `all` that are not in `some`. */
export const without = (all: readonly string[], some: readonly string[]): string[] =>
  all.filter(name => !some.includes(name))

/** A few names, and how many more there are. */
export const few = (names: readonly string[]): string =>
  names.length > 3 ? `${names.slice(0, 3).join(', ')} and ${names.length - 3} more` : names.join(', ')
