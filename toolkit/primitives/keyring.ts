// The session keyring: keys and tokens that the kernel keeps for a login session, session-keyring(7). No namespace hides
// it: without one of its own, a process in a container may read the keys of whoever started the engine.
import { KEYCTL } from '../kernel/constants.ts'
import { type Step, step } from '../kernel/step.ts'

/** A new and empty session keyring. A kernel built without keyrings has nothing to leak, and is fine. */
export function plan(): Step[] {
  return [
    step('keyctl', [KEYCTL.JOIN_SESSION_KEYRING, null], {
      why: 'leaves the keys of the engine’s session behind: Kerberos tickets, disk keys',
      lesson: '17-security',
      shell: 'keyctl session',
      allow: ['ENOSYS'],
    }),
  ]
}
