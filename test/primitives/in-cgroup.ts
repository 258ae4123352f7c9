// A shell script in cgroups of its own, on whichever layout the machine has.
import { closeSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type AllResources, type Prepared, prepareCgroup, removeCgroup } from '../../toolkit/engine/cgroup/cgroup.ts'
import { start } from '../../toolkit/kernel/start.ts'
import type { Plan, Step } from '../../toolkit/kernel/step.ts'
import { waitSync } from '../../toolkit/kernel/wait.ts'
import { shell } from '../kernel/plans.ts'

let made = 0
/** An id that no other run of the tests has. */
export const newId = (): string => `${process.pid.toString(16)}c${(++made).toString(16)}`.padEnd(12, '0').slice(0, 12)

export interface Inside extends Prepared {
  readonly pid: number
  /** Where the script's output goes, and other files. */
  readonly scratch: string
  /** What the script has printed so far. */
  output(): string
  /** Waits for the script's end; its status as a shell has it. */
  wait(): number
  /** Ends and removes all. */
  end(): void
}

export interface Options {
  readonly steps?: readonly Step[]
  readonly namespaces?: Plan['namespaces']
  readonly path?: string
  readonly privateNamespace?: boolean
}

/** Starts a script; $SCRATCH is a directory to write in. */
export function inCgroup(resources: AllResources, script: string, options: Options = {}): Inside {
  const { steps = [], namespaces = [], path, privateNamespace = false } = options
  const prepared = prepareCgroup({ id: newId(), resources, path, privateNamespace })
  const scratch = mkdtempSync(join(tmpdir(), 'in-cgroup-'))
  const descriptors = new Map<string, number>()
  try {
    for (const action of prepared.before) action.apply({ descriptors })
    const program = shell(`SCRATCH=${scratch}; exec >$SCRATCH/output 2>&1; ${script}`)
    const plan: Plan = {
      namespaces,
      steps: [...prepared.steps, ...steps, program],
      ...(prepared.cgroup && { cgroup: prepared.cgroup }),
    }
    const process = start(plan, { descriptors })
    if (process.next() !== undefined) throw new Error('a gate')
    let status: number | undefined
    const wait = () => {
      if (status === undefined) {
        const { code, signal } = waitSync(process.pid)
        status = code ?? 128 + signal!
      }
      return status
    }
    return {
      ...prepared,
      pid: process.pid,
      scratch,
      output: () => readFileSync(`${scratch}/output`, 'utf8'),
      wait,
      end() {
        if (status === undefined) globalThis.process.kill(process.pid, 'SIGKILL')
        removeCgroup(prepared.directories)
        wait()
        process.close()
        rmSync(scratch, { recursive: true })
      },
    }
  } catch (error) {
    removeCgroup(prepared.directories)
    rmSync(scratch, { recursive: true })
    throw error
  } finally {
    for (const fd of descriptors.values()) closeSync(fd)
  }
}
