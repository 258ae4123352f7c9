// The box of lesson 1, ready made, for the lessons that go on with it: /lab/box, a root of busybox alone.
import type { Scene } from './lesson.ts'
import { installBusybox } from './tools.ts'

export const BOX = '/lab/box'

const MAKE = `mkdir -p ${BOX}/bin ${BOX}/proc ${BOX}/mnt ${BOX}/tmp
cp /usr/local/bin/busybox ${BOX}/bin/
for name in $(busybox --list); do [ -e ${BOX}/bin/$name ] || ln -s busybox ${BOX}/bin/$name; done
`

/** busybox on PATH, and the box. `more` is run afterwards by sh. Nobody may have been in the lab yet. */
export async function makeBox({ lab }: Pick<Scene, 'lab'>, more: string): Promise<void> {
  await installBusybox({ lab })
  const { code, output } = await lab.run(['/bin/sh', '-ec', MAKE + more])
  if (code !== 0) throw new Error(`the box cannot be made: ${output.trim()}`)
}
