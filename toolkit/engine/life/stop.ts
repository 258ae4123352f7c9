// How a container is ended, as a plan: it is asked, it is waited for, and then it is not asked any more. Like the steps of
// a new process these are data with a reason: what is explained is what is done.
import { type Action, type Context, callAction } from '../../kernel/action.ts'
import { attempt } from '../../kernel/call.ts'
import { SIG } from '../../kernel/constants.ts'
import { step } from '../../kernel/step.ts'
import { ended } from '../../kernel/wait.ts'
import * as cgroup from '../cgroup/cgroup.ts'

/** Is told what is done, and what has come of it: a result of the kernel, or words. */
export interface Watcher {
  before(action: Pick<Action, 'text' | 'why' | 'lesson' | 'shell'>): void
  after(result: number | string): void
}

interface Act extends Pick<Action, 'text' | 'why' | 'lesson' | 'shell'> {
  /** Only for one that has not ended by then. */
  readonly stubborn?: true
  readonly make: (context: Context) => Promise<number | string> | number | string
}

export interface Stopping {
  /** Of its first process. */
  readonly pid: number
  /** Number of the signal that asks it. */
  readonly signal: number
  /** Seconds until SIGKILL; 0: at once, after the signal; below 0: never. */
  readonly timeout: number
  readonly cgroups: readonly string[]
  /** Is told of each signal that was sent. */
  readonly onSignal?: (signal: number) => void
}

const CONTAINER = { descriptor: 'container' }
const ENDED = 'it has ended'
const PATIENCE = 10 // seconds for one that was killed: the kernel may have much to free
const about = { lesson: '20-engine', shell: '' } as const

function send(signal: number, { pid, onSignal }: Stopping, why: string): Act {
  const asked = { ...about, why, shell: `kill -${signal} ${pid}` }
  let result = 0
  const call = callAction(step('pidfd_send_signal', [CONTAINER, signal, null, 0], asked), undefined, (name, args) => {
    result = attempt(name, args) // one that has just ended is as good
    return result
  })
  const make = (context: Context) => {
    call.apply(context)
    onSignal?.(signal)
    return result
  }
  return { ...asked, text: call.text, make }
}

/** A process that is frozen hears of no signal; on cgroup v1 not even of SIGKILL. */
const thaw = ({ cgroups }: Stopping): Act[] =>
  cgroups.length === 0
    ? []
    : [
        {
          text: `thaw(${JSON.stringify(cgroups.find(path => path.includes('freezer')) ?? cgroups[0])})`,
          why: 'a container that is paused hears of nothing, so it goes on',
          lesson: '11-limits',
          shell: 'echo THAWED >freezer.state, or echo 0 >cgroup.freeze',
          make() {
            cgroup.resume(cgroups)
            return 'it runs, or did all the time'
          },
        },
      ]

const wait = (seconds: number): Act => ({
  ...about,
  text: `poll({container, POLLIN}, ${seconds < 0 ? '-1' : `${seconds}000`})`,
  why: seconds < 0 ? 'a pidfd can be read when its process has ended' : 'it may have much to put away',
  shell: '',
  async make({ descriptors }) {
    const pidfd = descriptors.get(CONTAINER.descriptor)!
    return (await ended(pidfd, seconds < 0 ? undefined : 1000 * seconds)) ? ENDED : `it runs on, after ${seconds} s`
  },
})

/** What is done, in order. */
function planStop(wish: Stopping): readonly Act[] {
  const opened: Act = {
    ...about,
    text: `container = pidfd_open(${wish.pid}, 0)`,
    why: 'a number can come to mean another process, this cannot; its start time says that it is the one',
    make: ({ descriptors }) => descriptors.get(CONTAINER.descriptor)!,
  }
  const asked = [
    send(wish.signal, wish, 'asks its first process to end: what that does is up to the program'),
    ...(wish.timeout === 0 ? [] : [...thaw(wish), wait(wish.timeout)]),
  ]
  const killed = [
    send(SIG.KILL, wish, 'this one nobody can refuse; with its first process all others of its pid namespace end'),
    ...thaw(wish),
    wait(PATIENCE),
  ].map(act => ({ ...act, stubborn: true as const }))
  const insists = wish.timeout === 0 && wish.signal === SIG.KILL // once is enough
  return [opened, ...(insists ? [] : asked), ...(wish.timeout < 0 ? [] : killed)]
}

/** Carries it out. `pidfd` is of its first process. False where that has not ended, even so. */
export async function carryOutStop(wish: Stopping, pidfd: number, watcher?: Watcher): Promise<boolean> {
  const context = { descriptors: new Map([[CONTAINER.descriptor, pidfd]]) }
  let over = false
  for (const act of planStop(wish)) {
    if (act.stubborn && over) continue
    watcher?.before(act)
    const result = await act.make(context)
    watcher?.after(result)
    over ||= result === ENDED
  }
  return over
}
