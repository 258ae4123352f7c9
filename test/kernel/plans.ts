// Plans for the tests of the two runners.
import { readdirSync, readFileSync } from 'node:fs'
import { CLONE } from '../../toolkit/kernel/constants.ts'
import { type Starting, start } from '../../toolkit/kernel/start.ts'
import { type Arg, type Gate, type Plan, type Step, step } from '../../toolkit/kernel/step.ts'
import type { SyscallName } from '../../toolkit/kernel/syscalls.ts'
import { startTwin } from '../../toolkit/kernel/twin.ts'
import { type Exit, wait } from '../../toolkit/kernel/wait.ts'

export const call = (name: SyscallName, ...args: Arg[]): Step =>
  step(name, args, { why: 'to be tested', lesson: '20-engine', shell: '' })

export const PATH = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/** The program of a plan: a shell command. */
export const shell = (script: string): Step => call('execve', '/bin/sh', ['sh', '-c', script], [PATH])

/** New namespaces of all kinds that both runners know. */
export const namespaces: Plan['namespaces'] = [
  CLONE.NEWNS,
  CLONE.NEWUTS,
  CLONE.NEWIPC,
  CLONE.NEWPID,
  CLONE.NEWNET,
  CLONE.NEWCGROUP,
].map(flag => ({ flag, why: 'to be tested', lesson: '20-engine', shell: '' }))

export const plan = (...steps: (Step | Gate)[]): Plan => ({ namespaces, steps })

/** One runner behind the same few words as the other. */
export interface Runner {
  readonly name: string
  /** Carries the plan out, answering at each gate; resolves to how the program ended. */
  run(
    plan: Plan,
    atGate?: (gate: string, pid: number) => void,
    descriptors?: ReadonlyMap<string, number>,
  ): Promise<{ exit: Exit; results: (number | undefined)[] }>
}

const runFast: Runner['run'] = async (plan, atGate, descriptors = new Map()) => {
  const process: Starting = start(plan, { descriptors })
  for (let gate = process.next(); gate !== undefined; gate = process.next()) {
    atGate?.(gate, process.pid)
    process.open()
  }
  const exit = await wait(process.pid, process.pidfd)
  process.close()
  return { exit, results: process.results() }
}

const runSlowly: Runner['run'] = async (plan, atGate, descriptors = new Map()) => {
  const process = startTwin(plan, { descriptors })
  try {
    for (let gate = await process.next(); gate !== undefined; gate = await process.next()) {
      atGate?.(gate, process.pid)
      process.open()
    }
  } catch (error) {
    await process.exit
    throw error
  }
  return { exit: await process.exit, results: process.results() }
}

export const runners: readonly Runner[] = [
  { name: 'start (machine code)', run: runFast },
  { name: 'startTwin (JavaScript)', run: runSlowly },
]

/** What a run must leave as it was: mounts, open descriptors, children. */
export function surroundings() {
  return {
    mounts: readFileSync('/proc/self/mountinfo', 'utf8'),
    fds: readdirSync('/proc/self/fd').length,
    children: readFileSync(`/proc/self/task/${process.pid}/children`, 'utf8'),
  }
}
