// Putting a filter in place, seccomp(2).
import { SECCOMP } from '../../kernel/constants.ts'
import { type Step, type Struct, step } from '../../kernel/step.ts'

const SIZE = 8 // bytes of an instruction

/** A compiled profile. */
export interface Program {
  /** struct sock_filter, 8 bytes each. */
  readonly filter: Uint8Array
  /** SECCOMP_FILTER_FLAG_… of seccomp(2). */
  readonly flags: number
}

/** struct sock_fprog: how many instructions, and where. */
function fprog(filter: Uint8Array): Struct {
  const bytes = Buffer.alloc(16)
  const len = filter.length / SIZE
  bytes.writeUInt16LE(len)
  return { bytes, text: `{len=${len}}`, pointers: [{ at: 8, to: filter }] }
}

/**
 * From here on the filter decides about every system call, also of all that the program starts; no way back. Needs
 * CAP_SYS_ADMIN, or no_new_privs, so before the last capset; whatever comes after must be allowed by it.
 */
export function plan({ filter, flags }: Program): Step[] {
  return [
    step('seccomp', [SECCOMP.SET_MODE_FILTER, flags, fprog(filter)], {
      why: 'from here on the kernel checks every call by this filter: ways out begin with calls that few programs need',
      lesson: '17-security',
      shell: '',
    }),
  ]
}
