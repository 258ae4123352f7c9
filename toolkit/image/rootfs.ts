// From the word a person typed to a root file system. The name `busybox` is one that we make ourselves at the first
// use, with rootfs-scripts/busybox.sh; anything else is a directory.
import { closeSync, existsSync, openSync, readSync, statSync, writeSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { UsageError } from '../kernel/usage-error.ts'
import { packageDir, stateDir } from './paths.ts'

/** Those that we have made, by their names. */
export const rootfsDir = (): string => resolve(stateDir(), 'rootfs')

const busyboxDir = (): string => join(rootfsDir(), 'busybox')

const isMade = (): boolean => existsSync(join(busyboxDir(), 'bin/busybox'))

/** The absolute path of the root file system that `name` stands for. Throws UsageError where there is none. */
export function findRootfs(name: string): string {
  if (name === 'busybox') {
    if (isMade()) return busyboxDir()
    throw new UsageError(`there is no busybox root file system yet; make it with: ${script()} ${busyboxDir()}`)
  }
  const found = statSync(name, { throwIfNoEntry: false })
  if (!found) throw new UsageError(`no such root file system: ${name} (a directory, or the name busybox)`)
  if (!found.isDirectory()) throw new UsageError(`not a directory: ${name} (a root file system is one)`)
  return resolve(name)
}

export interface EnsureOptions {
  /** Do not ask before something is downloaded. */
  readonly yes: boolean
  /** A person sits at a terminal and can be asked; looked up where it is not said. */
  readonly interactive?: boolean
  /** Says nothing where all goes well. */
  readonly quiet?: boolean
}

/**
 * Makes the busybox root file system where it is missing. Says on stderr what it does. Only a download is asked about,
 * and only a person. Throws UsageError, one line, where it cannot be made.
 */
export async function ensureBusybox({ yes, interactive, quiet = false }: EnsureOptions): Promise<void> {
  const dir = busyboxDir()
  if (isMade()) return
  // Loaded only here: it costs milliseconds, and `toolkit run` comes through this file.
  const { spawnSync } = await import('node:child_process')
  const run = (argument: string) =>
    spawnSync(script(), [argument], { stdio: ['ignore', 'ignore', 'pipe'], encoding: 'utf8' })

  const find = run('--find')
  if (find.status === 1 && find.stderr === '') {
    const { isatty } = await import('node:tty')
    const ask = !yes && !process.env.CI && (interactive ?? (isatty(0) && isatty(2)))
    if (ask || !quiet)
      process.stderr.write(
        "toolkit needs a small root file system to start from, and there is none yet. It downloads Debian's package\n" +
          'busybox-static (about 1 MB) with apt-get, unpacks it without installing it, and puts the files into\n' +
          `${dir}\n`,
      )
    if (ask && !confirm('Go on? [y/N] ')) {
      throw new UsageError(`nothing downloaded; make it from a static busybox of yours: BUSYBOX=… ${script()} ${dir}`)
    }
  }
  const { status, signal, stderr, error } = run(dir)
  const said = (stderr ?? '').replaceAll('busybox.sh: ', '').trimEnd().split('\n').at(-1)
  if (status !== 0) throw new UsageError(said || `${script()}: ${error?.message ?? signal ?? `exit code ${status}`}`)
  if (!quiet) process.stderr.write(`${said}\n`)
}

const script = (): string => join(packageDir(), 'rootfs-scripts/busybox.sh')

// Straight from the terminal, and blocking: ^C ends us as it should, and no stream is left open on stdin.
function confirm(question: string): boolean {
  const terminal = openSync('/dev/tty', 'r+')
  try {
    writeSync(terminal, question)
    const answer = Buffer.alloc(1024)
    return /^\s*y(es)?\s*$/i.test(answer.toString('utf8', 0, readSync(terminal, answer)))
  } finally {
    closeSync(terminal)
  }
}
