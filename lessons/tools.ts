// Programs that a lesson wants in its lab and that the host may not have.
import { readFileSync, writeFileSync } from 'node:fs'
import { ensureBusybox, findRootfs } from '../toolkit/image/rootfs.ts'
import type { Scene } from './lesson.ts'

/** Runs a script of sh in /lab, with $0, $1 and so on; the rest of a `setup`. It ends at the first command that fails. */
export async function prepare({ lab }: Pick<Scene, 'lab'>, script: string, ...args: string[]): Promise<void> {
  const { code, output } = await lab.run(['/bin/sh', '-ec', `cd /lab\n${script}`, ...args])
  if (code !== 0) throw new Error(`the lab of this lesson cannot be prepared: ${output.trim()}`)
}

/**
 * Puts a static busybox at /usr/local/bin/busybox of the lab. Throws a UsageError where there is none to be had; never
 * asks before it downloads one, since whoever opens a lesson has been asked already.
 */
export async function installBusybox({ lab }: Pick<Scene, 'lab'>): Promise<void> {
  await ensureBusybox({ yes: true, interactive: false })
  // Into the lab's top directory under a name that nobody has, so that no link of the lab's is followed out here.
  writeFileSync(`/proc/${lab.pid}/root/.busybox`, readFileSync(`${findRootfs('busybox')}/bin/busybox`), {
    flag: 'wx',
    mode: 0o755,
  })
  const { code, output } = await lab.run(['mv', '-f', '/.busybox', '/usr/local/bin/busybox'])
  if (code !== 0) throw new Error(`busybox cannot be put into the lab: ${output.trim()}`)
}

/** Lines for sh that wait until a command succeeds; they fail after 10 seconds. */
export const waitFor = (command: string): string => `tries=0
until ${command}; do
  tries=$((tries + 1))
  [ $tries -lt 500 ]
  sleep 0.02
done`
