// Steps that carry out the value of one flag, which only the kernel can judge: where it refuses, the error names the flag.
import { statSync } from 'node:fs'
import type { Action } from '../kernel/action.ts'
import { KernelError } from '../kernel/error.ts'
import type { Plan, Step } from '../kernel/step.ts'
import { quoteValue, UsageError } from '../kernel/usage-error.ts'
import { readText } from '../observe/read.ts'
import { type Device, planExtra } from '../primitives/devices.ts'
import { plan as planInit } from '../primitives/init.ts'
import type { Entering, Joining, Opening } from '../primitives/namespaces.ts'
import * as process from '../primitives/process.ts'
import { type Sysctl, plan as setSysctl } from '../primitives/sysctl.ts'
import { refuse } from './host.ts'
import { type Asked, askedAt, refusing, saidOtherwise, saying, stepsSaying, type Wish, wishing } from './refusal.ts'
import type { Spec } from './spec.ts'

/** Of `container:NAME` only the path is known by now. */
const namespaceAt = ({ type, path }: Pick<Opening, 'type' | 'path'>): Wish => ({
  asked: `run: --${type} ns:${quoteValue(path)}`,
  allowed: `one of that type, such as /proc/PID/ns/${type === 'network' ? 'net' : type}, of a user namespace that is ours`,
})

export const openNamespaces = (openings: readonly Opening[]): Action[] =>
  openings.map(opening => {
    const wish = namespaceAt(opening)
    return saying(opening, error =>
      error instanceof UsageError ? new UsageError(`${wish.asked}: ${error.message}`) : refusing(wish)(error),
    )
  })

export const enterNamespaces = (entering: readonly Entering[]): Step[] =>
  entering.flatMap(one => wishing(namespaceAt(one), [one]))

/** The one that the process is born in: entered before its first step. */
export function pidNamespace({ pid, before }: Joining): Pick<Plan, 'pidNamespace'> {
  const opening = before.find(({ type }) => type === 'pid')
  return pid && opening ? { pidNamespace: saidOtherwise(pid, refusing(namespaceAt(opening))) } : {}
}

export function oomScore({ process: { oomScoreAdj } }: Pick<Spec, 'process'>): Step[] {
  if (oomScoreAdj === undefined) return []
  const asked = `run: --oom-score-adj ${oomScoreAdj}`
  const otherwise = (error: unknown) =>
    error instanceof KernelError && error.code === 'EACCES'
      ? refuse('cap-sys-resource', { asked, detail: `and our own is ${readText('/proc/self/oom_score_adj')?.trim()}` })
      : error
  return stepsSaying(otherwise, process.oomScore({ process: { oomScoreAdj } }))
}

/** What the setting is here, on one line; undefined where it is none. */
function present(name: string): string | undefined {
  const path = `/proc/sys/${name.replaceAll('.', '/')}`
  const isFile = statSync(path, { throwIfNoEntry: false })?.isFile()
  return isFile ? readText(path)?.trim().replace(/\s+/g, ' ') : undefined
}

export const sysctl = ({ sysctl }: { readonly sysctl: Sysctl }): Step[] =>
  Object.entries(sysctl).flatMap(([name, value]) => {
    const otherwise = (error: unknown) => {
      // Not before: the first value that needs quotes costs a millisecond, and most runs have two by default.
      const asked = `run: --sysctl ${quoteValue(`${name}=${value}`)}`
      const now = error instanceof KernelError && error.call === 'write' && present(name)
      const allowed = now
        ? `what the kernel takes for it; on this machine it is ${quoteValue(now)}`
        : "what 'sysctl -a' lists inside, and may be written"
      return refusing({ asked, allowed })(error)
    }
    return stepsSaying(otherwise, setSysctl({ sysctl: { [name]: value } }))
  })

export const init = (spec: Pick<Spec, 'process'>): Step[] =>
  wishing(
    { asked: 'run: --init', allowed: 'room for two processes, by --pids-limit and --ulimit nproc' },
    planInit(spec),
  )

const workdir = (cwd: string, allowed: string): Wish => ({
  get asked() {
    return `run: --workdir ${quoteValue(cwd)}`
  },
  allowed: `${allowed}, and no link of /proc`,
})

export const makeDirectory = (spec: Pick<Spec, 'process'>): Step[] =>
  wishing(workdir(spec.process.cwd, 'a directory of the container, or a new one in it'), process.makeDirectory(spec))

export const enterDirectory = (spec: Pick<Spec, 'process'>): Step[] =>
  wishing(workdir(spec.process.cwd, 'a directory of the container'), process.enterDirectory(spec))

/** Which flag asked for a device, by its place. `values`: SOURCE[:PLACE][:rwm], as given. */
export const askedDevices = (values: readonly string[] = []): Asked =>
  Object.fromEntries(
    values.map(value => {
      const [source, place = ''] = value.split(':')
      return [place.startsWith('/') ? place : source, `--device ${quoteValue(value)}`]
    }),
  )

/** Devices besides the usual. */
export const extraDevices = (extras: readonly Device[], asked: Asked): Step[] =>
  extras.flatMap(device =>
    wishing(
      {
        asked: askedAt(asked, device.path, `device ${device.path}`),
        allowed: 'a place where nothing is in the image, best one in /dev',
      },
      planExtra(device),
    ),
  )
