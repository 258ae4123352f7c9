// The PID namespace: processes are numbered anew from 1, and those outside cannot be seen. pid_namespaces(7).
import { CLONE, PR, SIG } from '../kernel/constants.ts'
import { ALIVE, type Gate, type Namespace, type READY, type Step, step } from '../kernel/step.ts'

const lesson = '04-pid'

export const namespace: Namespace = {
  flag: CLONE.NEWPID,
  why: 'it is PID 1 and sees only its own children; when it ends, the kernel kills them all',
  lesson,
  shell: '--pid --fork',
}

/**
 * Ties the process to the one that started it: it is killed when that one ends, however it ends. With READY as `gate`, it
 * also waits until that one has written down all about it.
 */
export function dieWithParent(gate: typeof ALIVE | typeof READY = ALIVE): (Step | Gate)[] {
  return [
    step('prctl', [PR.SET_PDEATHSIG, SIG.KILL, 0, 0, 0], {
      why: 'if the engine is killed, nobody is left to clean up: the kernel then kills this process too',
      lesson,
      shell: 'unshare --kill-child',
    }),
    { gate }, // the call says nothing of a parent that has died before it
  ]
}
