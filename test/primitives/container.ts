// A small container for the tests of mounts: a busybox root file system, and directories around it.
import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll } from 'vitest'
import { type Namespace, type Step, step } from '../../toolkit/kernel/step.ts'
import { namespace as mounts } from '../../toolkit/primitives/mount.ts'
import { staticBusybox } from '../rootfs-scripts/static-busybox.ts'

const { busybox, missing } = staticBusybox()

/** Why containers cannot be made here, as the end of a title; empty where they can. */
export const skipped = process.getuid!() !== 0 ? ' (skipped: needs root)' : missing ? ` (skipped: ${missing})` : ''

const made: string[] = []
afterAll(() => {
  for (const directory of made) rmSync(directory, { recursive: true, force: true })
})

/** A new directory, gone after the tests. */
export function scratch(parent = tmpdir()): string {
  const directory = mkdtempSync(join(parent, 'mounts-'))
  made.push(directory)
  return directory
}

/** Makes a root file system with the commands of busybox. */
export function makeRootfs(directory: string): string {
  for (const name of ['bin', 'dev', 'proc', 'sys', 'tmp', 'etc']) mkdirSync(`${directory}/${name}`, { recursive: true })
  copyFileSync(busybox, `${directory}/bin/busybox`)
  const names = execFileSync(busybox, ['--list'], { encoding: 'utf8' }).trim().split('\n')
  for (const name of names) if (name !== 'busybox') symlinkSync('busybox', `${directory}/bin/${name}`)
  return directory
}

/** Directories below `parent`, by name. */
export function directories<T extends string>(parent: string, ...names: T[]): Record<T, string> {
  for (const name of names) mkdirSync(join(parent, name))
  return Object.fromEntries(names.map(name => [name, join(parent, name)])) as Record<T, string>
}

/** The program of a container. */
export const sh = (script: string): Step =>
  step('execve', ['/bin/sh', ['sh', '-c', script], ['PATH=/bin']], {
    why: 'to be tested',
    lesson: '20-engine',
    shell: '',
  })

export const mountNamespace: readonly Namespace[] = [mounts]
