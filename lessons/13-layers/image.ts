// The image of tasks 4 to 8 as the checks see it: its layers among the blobs, and all of it, verified.
import { type Image, readLayout } from '../../toolkit/image/layout.ts'
import { UsageError } from '../../toolkit/kernel/usage-error.ts'
import type { Scene } from '../lesson.ts'
import { find, isFound } from '../look.ts'
import { BLOBS, type Blob, findLayers, type PackedLayer, readBlobs } from './blobs.ts'

interface Layers {
  readonly blobs: readonly Blob[]
  readonly base: PackedLayer
  readonly changes: PackedLayer
}

/** The blobs of task 3; in words, what of them is missing. */
export function layersOf(scene: Scene): Layers | string {
  const blobs = readBlobs(scene)
  const { base, changes } = findLayers(scene, blobs ?? [])
  if (!blobs || !base || !changes) return `${BLOBS} has not both layers any more; go back to task 3, or reset the lab`
  return { blobs, base, changes }
}

/** The image, verified; in words, what is wrong with it. */
export function imageOf(scene: Scene, path: string): Image | string {
  const found = find(scene, path)
  if (!isFound(found)) return `there is no directory ${path}`
  try {
    const [image, second] = readLayout(found.hostPath)
    if (!image) return `${path} has no image in its index.json`
    return second ? `${path} has more than one image in its index.json` : image
  } catch (error) {
    if (error instanceof UsageError) return error.message
    throw error
  }
}
