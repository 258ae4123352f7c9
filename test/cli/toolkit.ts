// `toolkit` as its users start it, on the real kernel, with a state directory and a busybox of its own.
import { type ChildProcess, type SpawnSyncReturns, spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import fs from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach } from 'vitest'
import { deadline } from '../../toolkit/kernel/pause.ts'
import { staticBusybox } from '../rootfs-scripts/static-busybox.ts'
import { slow } from '../slow.ts'

const { busybox, missing } = staticBusybox()

/** Why containers cannot be made here, as the end of a title; empty where they can. */
export const skipped = process.getuid!() !== 0 ? ' (skipped: needs root)' : missing ? ` (skipped: ${missing})` : ''

const repo = path.resolve(import.meta.dirname, '../..')
export const bin = `${repo}/bin/toolkit`

export class World {
  readonly state = fs.mkdtempSync(path.join(tmpdir(), 'toolkit-test-'))
  /** The busybox root file system. */
  readonly rootfs = `${this.state}/rootfs/busybox`
  readonly env: NodeJS.ProcessEnv = {
    PATH: process.env.PATH,
    TOOLKIT_STATE: this.state,
    TOOLKIT_NETWORK: 'none', // the machine's own network is not for tests
  }

  readonly #started: ChildProcess[] = []

  constructor() {
    if (skipped) return
    const made = spawnSync(`${repo}/rootfs-scripts/busybox.sh`, [this.rootfs], {
      env: { ...process.env, BUSYBOX: busybox },
      encoding: 'utf8',
    })
    if (made.status !== 0) throw new Error(made.stderr)
  }

  end(): void {
    if (!skipped && fs.existsSync(`${this.state}/containers`)) {
      this.removeAll() // waits until all of each is put away: their record goes now
      this.sweep()
    }
    for (const pid of processesNaming(this.state)) process.kill(Number(pid), 'SIGKILL') // of a test that failed
    fs.rmSync(this.state, { recursive: true, force: true, maxRetries: 10 }) // a monitor may still put the last one away
  }

  /** Ends what a test that failed has left running, and all that belongs to it. */
  stopAll(): void {
    const running = this.#started
      .splice(0)
      .filter(({ exitCode, signalCode }) => exitCode === null && signalCode === null)
    for (const child of running) child.kill('SIGKILL')
    if (running.length > 0) this.sweep()
  }

  /** Undoes what engines that were killed have left. */
  sweep(): void {
    this.toolkit(['rm', '-f', 'nobody'])
  }

  /** Ends and removes all containers: for tests with some that live on. */
  removeAll(): void {
    const ids = this.toolkit(['ps', '-aq']).stdout.split('\n').filter(Boolean)
    if (ids.length > 0) this.toolkit(['rm', '-f', ...ids])
  }

  /** Runs `toolkit ARGS` to its end. */
  toolkit(args: readonly string[], options: { input?: string | Buffer; env?: NodeJS.ProcessEnv } = {}) {
    return read(spawnSync(bin, args, { env: this.env, timeout: 15_000 * slow, maxBuffer: 1 << 26, ...options }))
  }

  /** `toolkit run --rm busybox sh -c SCRIPT`; its output, or an error that shows what went wrong. */
  sh(script: string, flags: readonly string[] = []): string {
    const { status, stdout, stderr } = this.toolkit(['run', '--rm', ...flags, 'busybox', 'sh', '-c', script])
    if (status !== 0) throw new Error(`exit code ${status}: ${stderr}`)
    return stdout
  }

  /** A shell of this machine that knows $TOOLKIT and $ROOTFS. */
  shell(script: string) {
    const env = { ...this.env, TOOLKIT: bin, ROOTFS: this.rootfs }
    return read(spawnSync('bash', ['--norc', '-c', script], { env, timeout: 60_000 * slow, maxBuffer: 1 << 26 }))
  }

  /** `toolkit ARGS`, going on in the background. */
  start(args: readonly string[], stdin: 'ignore' | 'pipe' = 'ignore') {
    const child = spawn(bin, args, { env: this.env, stdio: [stdin, 'pipe', 'pipe'] })
    this.#started.push(child)
    let output = ''
    child.stdout!.on('data', data => {
      output += data
    })
    child.stderr!.on('data', data => {
      output += data
    })
    const exit = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>(resolve =>
      child.once('close', (code, signal) => resolve({ code, signal })),
    )
    /** kill -9 of the engine. Does not wait for the end of its output: a container that survives would hold it open. */
    async function kill(): Promise<void> {
      const gone = once(child, 'exit')
      if (child.kill('SIGKILL')) await gone
    }
    return {
      child,
      exit,
      kill,
      output: () => output,
      until: (text: string) => eventually(() => output.includes(text), text),
    }
  }

  /** The first process of the container that runs here: the pid that it has on this machine. */
  init(): number {
    const isFirst = (pid: string) => /^NSpid:.*\t1$/m.test(fs.readFileSync(`/proc/${pid}/status`, 'utf8'))
    return Number(processesNaming(this.state).find(isFirst))
  }

  /** What containers have left behind: directories, and mounts of this machine. */
  left() {
    const list = (kind: string) => fs.readdirSync(`${this.state}/containers/${kind}`)
    return {
      ended: fs.existsSync(`${this.state}/containers`) ? list('ended') : [],
      live: fs.existsSync(`${this.state}/containers`) ? list('live') : [],
      mounts: fs
        .readFileSync('/proc/self/mountinfo', 'utf8')
        .split('\n')
        .filter(line => line.includes(this.state)),
      processes: processesNaming(this.state),
    }
  }
}

/** A world of a test file; after each test nothing runs in it, and no container is left. */
export function worldForEach(): World {
  const world = new World()
  afterAll(() => world.end())
  afterEach(() => {
    world.stopAll()
    world.removeAll()
  })
  return world
}

export const nothing = { ended: [], live: [], mounts: [], processes: [] }

const read = ({ status, signal, stdout, stderr }: SpawnSyncReturns<Buffer>) => ({
  status,
  signal,
  bytes: stdout,
  stdout: stdout.toString(),
  stderr: stderr.toString(),
})

/** Processes with this directory in their root file system: container processes, by what they see mounted at /. */
function processesNaming(directory: string): string[] {
  return fs.readdirSync('/proc').filter(pid => {
    if (!/^\d+$/.test(pid)) return false
    try {
      return fs.readFileSync(`/proc/${pid}/mountinfo`, 'utf8').includes(`upperdir=${directory}/`)
    } catch {
      return false // it has ended
    }
  })
}

/** Waits until something is so. */
export async function eventually(check: () => boolean, what: string): Promise<void> {
  const isLate = deadline(60_000 * slow)
  while (!check()) {
    if (isLate()) throw new Error(`did not come about: ${what}`)
    await sleep(10)
  }
}

/** Processes of ours that sleep until it is time, by a file that they have open. */
export function sleepersWith(has: (path: string) => boolean): number[] {
  return fs
    .readdirSync('/proc')
    .filter(pid => /^\d+$/.test(pid))
    .filter(pid => {
      try {
        if (fs.readFileSync(`/proc/${pid}/comm`, 'utf8') !== 'toolkit-sleeper\n') return false
        return fs.readdirSync(`/proc/${pid}/fd`).some(fd => has(fs.readlinkSync(`/proc/${pid}/fd/${fd}`)))
      } catch {
        return false // it has ended
      }
    })
    .map(Number)
}

/** A digest of names, modes, owners, times and contents of a tree. */
export function digest(tree: string): string {
  const hash = createHash('sha256')
  for (const name of fs.readdirSync(tree, { recursive: true }).map(String).sort().concat('.')) {
    const { mode, uid, gid, size, mtimeMs, ino } = fs.lstatSync(`${tree}/${name}`)
    hash.update(JSON.stringify([name, mode, uid, gid, size, mtimeMs, ino]))
    if ((mode & 0o170000) === 0o100000) hash.update(fs.readFileSync(`${tree}/${name}`))
    if ((mode & 0o170000) === 0o120000) hash.update(fs.readlinkSync(`${tree}/${name}`))
  }
  return hash.digest('hex')
}
