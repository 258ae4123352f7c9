// The UTS namespace: a host name of one's own. uts_namespaces(7).
import { CLONE } from '../kernel/constants.ts'
import { type Namespace, type Step, step } from '../kernel/step.ts'

const lesson = '02-uts'

export const namespace: Namespace = {
  flag: CLONE.NEWUTS,
  why: 'a host name of its own: changing it changes nobody else’s',
  lesson,
  shell: '--uts',
}

/** The longest host name in bytes: __NEW_UTS_LEN of the kernel. */
export const MAX_HOSTNAME = 64

/** Sets the host name; it must not be longer than 64 bytes (EINVAL). */
export function plan({ hostname }: { hostname: string }): Step[] {
  return [
    step('sethostname', [hostname, Buffer.byteLength(hostname)], {
      why: 'the name that programs inside see',
      lesson,
      shell: `hostname ${hostname}`,
    }),
  ]
}
