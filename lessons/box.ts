// The box of lesson 1, ready made, for the lessons that go on with it: /lab/box, a root of busybox alone.
import type { Scene } from './lesson.ts'
import { installBusybox, prepare } from './tools.ts'

export const BOX = '/lab/box'

/** As lines for `leaves`. busybox makes its names by itself, all of them in milliseconds. */
export const MAKE_BOX: readonly string[] = [
  'mkdir -p box/bin',
  'cp -f /usr/local/bin/busybox box/bin/',
  'box/bin/busybox --install box/bin 2>/dev/null || true', // some of them may be there
]

/**
 * busybox on PATH, and the box, with directories to mount something at. `more` is run afterwards by sh, in /lab. Nobody
 * may have been in the lab yet.
 */
export async function makeBox({ lab }: Pick<Scene, 'lab'>, more = ''): Promise<void> {
  await installBusybox({ lab })
  await prepare({ lab }, [...MAKE_BOX, 'mkdir -p box/proc box/mnt box/tmp', more].join('\n'))
}
