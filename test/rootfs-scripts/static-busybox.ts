// A static busybox for the tests: this machine's, or Debian's, downloaded once into a temporary directory.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll } from 'vitest'
import { slow } from '../slow.ts'

export const script = resolve('rootfs-scripts/busybox.sh')

export function staticBusybox(): { busybox: string; missing: string | undefined; downloaded: boolean } {
  const found = spawnSync(script, ['--find'], { encoding: 'utf8' })
  if (found.status === 0) return { busybox: found.stdout.trim(), missing: undefined, downloaded: false }
  const directory = mkdtempSync(join(tmpdir(), 'busybox-'))
  afterAll(() => rmSync(directory, { recursive: true, force: true })) // a test worker is not left time for 'exit'
  const made = spawnSync(script, [`${directory}/rootfs`], { encoding: 'utf8', timeout: 120_000 * slow })
  const missing = made.status === 0 ? undefined : 'no static busybox, and none could be downloaded'
  return { busybox: `${directory}/rootfs/bin/busybox`, missing, downloaded: true }
}
