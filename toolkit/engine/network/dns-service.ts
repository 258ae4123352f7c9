// The name server of the networks that users have made, as the engine sees it: one process for all of them, started with
// the first container and gone soon after the last. They talk by files:
//
//   STATE/networks/.dns/lock      held (flock) by the name server, which inherits it from the command that starts it
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
import { type Lease, type Network, rootOf } from './lease.ts'
import { exclusively } from './leases.ts'

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

const PATIENCE = 60_000 // milliseconds: a Node that starts on a busy machine
const LOOK = 2
const MEND = 1_000
const DEATHS = 3 // so many name servers may end before one is ready

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
      awaitReady(network, id, wish)
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

/** Brings a name server where there is none. To be called `exclusively`. */
export function ensureServed(root: string): void {
  const held = lock(lockFile(root), { wait: false })
  if (held === undefined) return
  startServer(root, held)
  closeSync(held) // it has the lock now
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

/** The descriptor by which it has its lock. */
export const LOCK_FD = 3

function startServer(root: string, held: number): void {
  const { PATH } = process.env
  const { spawn } = process.getBuiltinModule('node:child_process') // milliseconds, which most runs need not spend
  const child = spawn(`${packageDir()}/bin/toolkit`, ['dns-server', root], {
    cwd: '/',
    env: { ...(PATH && { PATH }) },
    detached: true, // Ctrl-C at the terminal is not meant for it
    stdio: ['ignore', 'ignore', 'ignore', held],
  })
  child.on('error', () => {}) // said below, by nobody being ready
  child.unref()
}

/** Nothing else can be done meanwhile: the container is not to start before it can ask. */
function awaitReady(network: Pick<Network, 'directory'>, id: string, { pid, startTime }: Wish): void {
  const root = rootOf(network)
  const path = readyFile(root, id)
  const isLate = deadline(PATIENCE)
  let isDue = deadline(MEND)
  for (let deaths = 0; !existsSync(path); pause(LOOK)) {
    if (!isAlive(pid, startTime)) return // it has failed meanwhile, and will be heard of
    if (isLate() || deaths > DEATHS)
      throw new UsageError('run: --network: the name server of the networks did not start; --network bridge needs none')
    if (!isDue()) continue
    isDue = deadline(MEND)
    if (isServed(root)) continue
    deaths++
    exclusively(network, () => ensureServed(root))
  }
  const why = readFileSync(path, 'utf8')
  if (why !== '') throw new UsageError(`run: --network: no name server for the container: ${why}`)
}

/** The container is gone, or will be. */
export function forgetNames(id: string, network: Pick<Network, 'directory'>): void {
  const root = rootOf(network)
  for (const file of [wishFile(root, id), readyFile(root, id)]) rmSync(file, { force: true })
}
