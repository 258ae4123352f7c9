// An init: the first process of a PID namespace has duties that programs do not expect. Who loses his parent becomes its
// child, and stays a zombie until it waits for him; and the kernel drops signals sent to it that it has no handler for.
// With these steps the process forks: the child becomes the program, and the process itself stays in the plan runner
// (kernel/machine-code.ts) as a PID 1 that does nothing but these duties. pid_namespaces(7), `docker run --init`.
import { CLONE, IOCTL, PR, SIG } from '../kernel/constants.ts'
import { SIG_DFL, SIG_IGN } from '../kernel/sigaction.ts'
import { type Step, type Struct, step } from '../kernel/step.ts'

const lesson = '04-pid'
const about = { lesson, shell: '' } as const

const SETMASK = 2
const allSignals: Struct = { bytes: new Uint8Array(8).fill(0xff), text: '~[]' }
const noSignal: Struct = { bytes: new Uint8Array(8), text: '[]' }
const pid: Struct = { bytes: new Uint8Array(4), text: '&pid' }

const onHangUp = (action: Struct, why: string): Step =>
  step('rt_sigaction', [SIG.HUP, action, null, 8], { ...about, why })

const setMask = (set: Struct, why: string): Step => step('rt_sigprocmask', [SETMASK, set, null, 8], { ...about, why })

/** In a PID namespace of its own the kernel would drop the signal anyway; in another's it would be the end. */
const giveUpTerminal = (): Step[] => [
  onHangUp(SIG_IGN, 'a session that gives up its terminal is told so by SIGHUP'),
  step('ioctl', [0, IOCTL.TIOCNOTTY, 0], { ...about, why: 'the terminal is the program’s, for ^C and the like' }),
  onHangUp(SIG_DFL, 'the program gets this one as usual, too'),
]

/**
 * The last steps before the program: what comes after them is done by the child alone. The process must be the first of
 * its PID namespace and lead a session; with `terminal`, the terminal that is its stdin is the session's.
 */
export function plan({ process: { terminal } }: { process: { readonly terminal: boolean } }): Step[] {
  return [
    step('prctl', [PR.SET_NAME, 'init', 0, 0, 0], { ...about, why: 'its name in ps' }),
    ...(terminal ? giveUpTerminal() : []),
    setMask(allSignals, 'init takes signals one by one, by sigtimedwait; a child that ended is one of them'),
    step('clone', [CLONE.PARENT_SETTID + SIG.CHLD, null, pid, null, null], {
      lesson,
      why: 'the child becomes the program; PID 1 stays: it passes signals on, reaps orphans, and ends like the program',
      shell: 'tini -- COMMAND',
    }),
    step('setsid', [], { ...about, why: 'a session of its own, as it would have without init' }),
    ...(terminal
      ? [step('ioctl', [0, IOCTL.TIOCSCTTY, 0], { ...about, why: 'with the terminal, and in its foreground' })]
      : []),
    setMask(noSignal, 'the program gets its signals as usual'),
  ]
}
