// The name server of the networks that users have made, as the engine sees it: one process for all of them, started with
// the first container and gone soon after the last. They talk by files:
//
//   STATE/networks/.dns/lock      held (flock) by the name server
//   STATE/networks/.dns/ID.json   a container that wants one, and which process it is
//   STATE/networks/.dns/ID.ready  it can ask now; what is in it is why not
//
// What it answers it reads from the leases. So a name server that was killed is replaced by the next command, and finds all
// who want it.
import { closeSync, existsSync, readFileSync, rmSync } from 'node:fs'
import { packageDir } from '../../image/paths.ts'
import type { Action } from '../../kernel/action.ts'
import { deadline, pause } from '../../kernel/pause.ts'
import { UsageError } from '../../kernel/usage-error.ts'
import { isAlive, readStat } from '../../observe/process.ts'
import { entries, lock, makeTree, writeJson } from '../state/files.ts'
import { exclusively, type Lease, type Network, rootOf } from './leases.ts'

/** Where a container finds its name server. */
export const ADDRESS = '127.0.0.11'

/** ID.json. */
export interface Wish {
  readonly version: 2
  /** The container's first process: its network namespace is where it asks. */
  readonly pid: number
  readonly startTime: number
}

export const VERSION = 2

export const serviceDir = (root: string): string => `${root}/.dns`
export const wishFile = (root: string, id: string): string => `${serviceDir(root)}/${id.slice(0, 12)}.json`
export const readyFile = (root: string, id: string): string => `${serviceDir(root)}/${id.slice(0, 12)}.ready`
export const lockFile = (root: string): string => `${serviceDir(root)}/lock`

/** The ids (12 characters) of those who want it. */
export const clients = (root: string): string[] =>
  entries(serviceDir(root)).flatMap(name => /^([0-9a-f]{12})\.json$/.exec(name)?.[1] ?? [])

const PATIENCE = 10_000 // milliseconds: a Node that starts on a busy machine
const LOOK = 2

/** Gives a container a name server. */
export function nameAction({ id }: Pick<Lease, 'id'>, network: Pick<Network, 'directory'>): Action {
  const root = rootOf(network)
  return {
    text: `name server: serve at ${ADDRESS}:53 in its namespace`,
    why: 'containers of a network find each other by name, wherever their addresses come from',
    lesson: '16-names',
    shell: '',
    apply({ process }) {
      const { pid } = process!
      const startTime = readStat(pid)?.startTime ?? 0
      const wish: Wish = { version: VERSION, pid, startTime }
      exclusively(network, () => {
        makeTree(serviceDir(root))
        rmSync(readyFile(root, id), { force: true })
        writeJson(wishFile(root, id), wish, { durable: false })
        ensureServed(root)
      })
      awaitReady(readyFile(root, id), wish)
    },
  }
}

/** Whether a container has been given a name server. */
export const hasNames = (id: string, network: Pick<Network, 'directory'>): boolean =>
  existsSync(wishFile(rootOf(network), id))

/** Where somebody has killed the name server and containers still want one, they get another; nobody waits for it. */
export function mendServer(root: string): void {
  const look = () => {
    if (clients(root).length > 0) ensureServed(root)
  }
  if (clients(root).length > 0 && !isServed(root)) exclusively({ directory: `${root}/bridge` }, look)
}

/** There is a name server; it lets go of its lock only where nobody wants it, under the networks' lock. */
function isServed(root: string): boolean {
  const fd = lock(lockFile(root), { wait: false })
  if (fd !== undefined) closeSync(fd)
  return fd === undefined
}

let lastStart = Number.NEGATIVE_INFINITY
const START = 2_000 // milliseconds, in which one may still be about to take its lock

/** Brings a name server where there is none. To be called `exclusively`. */
export function ensureServed(root: string): void {
  if (!isServed(root)) startServer(root)
}

/** Undefined where it is torn, or of another version. */
export function readWish(root: string, id: string): Wish | undefined {
  try {
    const wish = JSON.parse(readFileSync(wishFile(root, id), 'utf8')) as Partial<Wish> | null
    const whole = wish?.version === VERSION && Number.isInteger(wish.pid)
    return whole ? (wish as Wish) : undefined
  } catch {
    return undefined
  }
}

/** Several may be started, by several commands: the first one stays. */
function startServer(root: string): void {
  if (performance.now() - lastStart < START) return
  lastStart = performance.now()
  const { PATH } = process.env
  const { spawn } = process.getBuiltinModule('node:child_process') // milliseconds, which most runs need not spend
  const child = spawn(`${packageDir()}/bin/toolkit`, ['dns-server', root], {
    cwd: '/',
    env: { ...(PATH && { PATH }) },
    detached: true, // Ctrl-C at the terminal is not meant for it
    stdio: 'ignore',
  })
  child.on('error', () => {}) // said below, by nobody being ready
  child.unref()
}

/** Nothing else can be done meanwhile: the container is not to start before it can ask. */
function awaitReady(path: string, { pid, startTime }: Wish): void {
  const isLate = deadline(PATIENCE)
  while (!existsSync(path)) {
    if (!isAlive(pid, startTime)) return // it has failed meanwhile, and will be heard of
    if (isLate())
      throw new UsageError('run: --network: the name server of the networks did not start; --network bridge needs none')
    pause(LOOK)
  }
  const why = readFileSync(path, 'utf8')
  if (why !== '') throw new UsageError(`run: --network: no name server for the container: ${why}`)
}

/** The container is gone, or will be. */
export function forgetNames(id: string, network: Pick<Network, 'directory'>): void {
  const root = rootOf(network)
  for (const file of [wishFile(root, id), readyFile(root, id)]) rmSync(file, { force: true })
}
