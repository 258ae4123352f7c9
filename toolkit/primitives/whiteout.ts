// How a layer says that something below it is gone, in two languages. In an image (a tar archive) it is an empty file
// with a name: `.wh.NAME`, or `.wh..wh..opq` for all that a directory held. On disk, for overlayfs, it is a character
// device 0:0 of that very name, or an attribute of the directory. OCI image-spec, layer.md; filesystems/overlayfs.
import { AT, S } from '../kernel/constants.ts'
import { type Step, step } from '../kernel/step.ts'
import { UsageError } from '../kernel/usage-error.ts'

const lesson = '13-layers'

/** What an entry of a layer hides: one name, or all that the layers below have in this directory. */
export type Whiteout = { readonly hides: 'name'; readonly name: string } | { readonly hides: 'directory' }

const PREFIX = '.wh.'
const OPAQUE = '.wh..wh..opq'

/** The attribute that makes a directory opaque, and its value. */
export const OPAQUE_ATTRIBUTE = { name: 'trusted.overlay.opaque', value: 'y' } as const

const malformed = (name: string): UsageError =>
  new UsageError(`the layer has a malformed whiteout, ${JSON.stringify(name)}; it hides no name of a file`)

/**
 * Reads the last part of a name in an image's layer: undefined for an ordinary one. Throws UsageError for one that would
 * hide the directory itself or the one above, and for what only aufs understands.
 */
export function parseName(name: string): Whiteout | undefined {
  if (!name.startsWith(PREFIX)) return undefined
  if (name === OPAQUE) return { hides: 'directory' }
  const hidden = name.slice(PREFIX.length)
  if (['', '.', '..'].includes(hidden) || hidden.includes('/') || hidden.startsWith(PREFIX)) throw malformed(name)
  return { hides: 'name', name: hidden }
}

/** The name in an image's layer. Throws UsageError for a file that no whiteout can hide. */
export function formatName(whiteout: Whiteout): string {
  if (whiteout.hides === 'directory') return OPAQUE
  const name = `${PREFIX}${whiteout.name}`
  if (parseName(name)!.hides === 'directory') throw malformed(name)
  return name
}

/** Puts it on disk, in the layer's directory `directory`, by root. */
export function plan(directory: string, whiteout: Whiteout): Step[] {
  if (whiteout.hides === 'name') {
    const path = `${directory}/${whiteout.name}`
    return [
      step('mknodat', [AT.FDCWD, path, S.IFCHR, 0], {
        why: `what the layers below have as ${whiteout.name} is gone`,
        lesson,
        shell: `mknod ${path} c 0 0`,
      }),
    ]
  }
  const { name, value } = OPAQUE_ATTRIBUTE
  return [
    step('lsetxattr', [directory, name, value, value.length, 0], {
      why: 'what the layers below have in this directory is gone',
      lesson,
      shell: `setfattr -n ${name} -v ${value} ${directory}`,
    }),
  ]
}
