// Structures that the mount calls and openat2 read, made by hand: include/uapi/linux/{mount,openat2}.h.
// Their text is made when somebody reads it: most plans are carried out unread.
import { formatFlags } from './format.ts'
import type { Struct } from './step.ts'

/** struct open_how of openat2(2): flags of open(2), and what a path may not do. */
export function openHow(flags: number, resolve: number): Struct {
  const bytes = Buffer.alloc(24)
  bytes.writeUInt32LE(flags, 0)
  bytes.writeUInt32LE(resolve, 16)
  return {
    bytes,
    get text() {
      return `{flags=${formatFlags('O', flags)}, resolve=${formatFlags('RESOLVE', resolve)}}`
    },
  }
}

/** The fields of struct mount_attr; what is left out is 0. */
export interface MountAttr {
  readonly set?: number
  readonly clear?: number
  /** One of MS.SHARED, SLAVE, PRIVATE, UNBINDABLE. */
  readonly propagation?: number
  /** The descriptor of a user namespace. */
  readonly userns?: number
}

/** struct mount_attr of mount_setattr(2). */
export function mountAttr({ set = 0, clear = 0, propagation = 0, userns = 0 }: MountAttr): Struct {
  const bytes = Buffer.alloc(32)
  for (const [i, field] of [set, clear, propagation, userns].entries()) bytes.writeUInt32LE(field, 8 * i)
  return {
    bytes,
    get text() {
      const fields = [
        set && `attr_set=${formatFlags('MOUNT_ATTR', set)}`,
        clear && `attr_clr=${formatFlags('MOUNT_ATTR', clear)}`,
        propagation && `propagation=${formatFlags('MS', propagation)}`,
        userns && `userns_fd=${userns}`,
      ]
      return `{${fields.filter(Boolean).join(', ')}}`
    },
  }
}
