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

/** Sets the host name, and the domain name where there is one; neither may be longer than 64 bytes (EINVAL). */
export function plan({ hostname, domainname }: { hostname: string; domainname?: string | undefined }): Step[] {
  return [
    step('sethostname', [hostname, Buffer.byteLength(hostname)], {
      why: 'the name that programs inside see',
      lesson,
      shell: `hostname ${hostname}`,
    }),
    ...(domainname === undefined
      ? []
      : [
          step('setdomainname', [domainname, Buffer.byteLength(domainname)], {
            why: 'the NIS domain that programs inside see; DNS knows nothing of it',
            lesson,
            shell: `domainname ${domainname}`,
          }),
        ]),
  ]
}
