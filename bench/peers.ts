// What else starts a container on this machine, each set up to do as nearly as it can what `toolkit run --rm` does: new
// mount, pid, uts, ipc and net namespaces around `true` from the same root file system.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pause } from '../toolkit/kernel/pause.ts'
import type { Contender } from './measure.ts'
import { seccomp } from './seccomp.ts'

const IMAGE = 'toolkit-bench'

const works = (...argv: string[]): boolean =>
  spawnSync(argv[0]!, argv.slice(1), { stdio: 'ignore', timeout: 30_000 }).status === 0

interface Variant {
  readonly name: string
  readonly filtered: boolean
  readonly limited: boolean
}

const VARIANTS: readonly Variant[] = [
  { name: 'run', filtered: false, limited: false },
  { name: 'run, seccomp', filtered: true, limited: false },
  { name: 'run, seccomp, limits', filtered: true, limited: true },
]

/** `-m 64m --cpus 1 --pids-limit 100` as `linux.resources`. */
const LIMITS = {
  memory: { limit: 64 << 20, swap: 128 << 20 },
  cpu: { quota: 100_000, period: 100_000 },
  pids: { limit: 100 },
}

/** A bundle of the OCI runtime specification, from the runtime's own template. */
function makeBundle(runtime: string, rootfs: string, directory: string, { filtered, limited }: Variant): string {
  mkdirSync(directory, { recursive: true })
  spawnSync(runtime, ['spec'], { cwd: directory, stdio: 'ignore' })
  const file = join(directory, 'config.json')
  const config = JSON.parse(readFileSync(file, 'utf8'))
  config.process.terminal = false
  config.process.args = ['true']
  config.root = { path: rootfs, readonly: true }
  if (filtered) config.linux.seccomp = seccomp
  else delete config.linux.seccomp
  if (limited) Object.assign(config.linux.resources, LIMITS)
  writeFileSync(file, JSON.stringify(config))
  return directory
}

/** runc and crun, with and without a filter and limits, where they are installed and work here. */
export function runtimes(rootfs: string, scratch: string): { contenders: Contender[]; missing: string[] } {
  const contenders: Contender[] = []
  const missing: string[] = []
  for (const runtime of ['runc', 'crun']) {
    for (const [i, variant] of VARIANTS.entries()) {
      const name = `${runtime} ${variant.name}`
      const id = `bench-${process.pid}`
      if (!works(runtime, '--version')) {
        missing.push(`${name}: not installed`)
        continue
      }
      const bundle = makeBundle(runtime, rootfs, join(scratch, `${runtime}-${i}`), variant)
      const argv = [runtime, '--root', join(scratch, runtime), 'run', '--bundle', bundle, id]
      if (works(...argv)) contenders.push({ name, argv })
      else missing.push(`${name}: does not work here (${firstLine(argv)})`)
    }
  }
  return { contenders, missing }
}

/** A container engine with a command line as docker's. */
export interface Engine {
  readonly name: string
  /** Its program, and what comes before every command. */
  readonly program: readonly string[]
  /** What `run` and `create` need. */
  readonly flags: readonly string[]
  readonly image: string
}

/** Words of `run` that a machine may ask for: podman raises limits, and not every root may. */
const LIMITED = ['--ulimit', 'nofile=1024:1024', '--ulimit', 'nproc=4096:4096']

/** What to try: before the command, and after `run`. */
function waysOf(engine: string, scratch: string): (readonly [readonly string[], readonly string[]])[] {
  const net = '--net=none'
  if (engine === 'docker') return [[['docker'], [net]]]
  // All that is podman's lies in the scratch directory and in one cgroup: nothing of its user's is touched.
  const places = ['--root', '--runroot', '--tmpdir'].flatMap(flag => [flag, join(scratch, `podman${flag.slice(1)}`)])
  const group = `--cgroup-parent=/${groupOf()}`
  return [[], ['--runtime', 'runc']].flatMap(runtime =>
    [[], LIMITED].map(limits => {
      const program = ['podman', ...places, '--cgroup-manager', 'cgroupfs', '--events-backend', 'file', ...runtime]
      return [program, [net, group, ...limits]] as const
    }),
  )
}

const groupOf = () => `${IMAGE}-${process.pid}`

/** podman and docker, without a network of their own; an image is imported here, and removed by `tidy`. */
export function engines(rootfs: string, scratch: string): { found: Engine[]; missing: string[]; tidy: () => void } {
  const found: Engine[] = []
  const missing: string[] = []
  const tar = () => spawnSync('tar', ['-C', rootfs, '-c', '.'], { maxBuffer: 1 << 28 }).stdout
  for (const name of ['podman', 'docker']) {
    const ways = waysOf(name, scratch)
    if (!works(...ways[0]![0], 'info')) {
      missing.push(`${name}: not installed, or its daemon does not run`)
      continue
    }
    const [first] = ways[0]!
    const stdio = ['pipe', 'ignore', 'ignore'] as const
    spawnSync(first[0]!, [...first.slice(1), 'import', '-', IMAGE], { input: tar(), stdio: [...stdio] })
    const argvOf = ([program, flags]: (typeof ways)[number]) => [...program, 'run', '--rm', ...flags, IMAGE, 'true']
    const way = ways.find(way => works(...argvOf(way)))
    if (way) found.push({ name, program: way[0], flags: way[1], image: IMAGE })
    else missing.push(`${name}: does not work here (${firstLine(argvOf(ways[0]!))})`)
  }
  const tidy = () => {
    if (found.some(({ name }) => name === 'docker')) spawnSync('docker', ['rmi', '-f', IMAGE], { stdio: 'ignore' })
    spawnSync('umount', ['--recursive', '--lazy', join(scratch, 'podman-root/overlay')], { stdio: 'ignore' })
    for (const top of readdirSync('/sys/fs/cgroup')
      .map(name => `/sys/fs/cgroup/${name}`)
      .concat('/sys/fs/cgroup'))
      removeGroups(`${top}/${groupOf()}`)
  }
  return { found, missing, tidy }
}

/** `run --rm` of an engine. */
export const runOf = ({ name, program, flags, image }: Engine): Contender => ({
  name: `${name} run --rm`,
  argv: [...program, 'run', '--rm', ...flags, image, 'true'],
})

/** Cgroups in which nobody is any more; conmon may take its time to end. Where somebody stays, they stay. */
function removeGroups(path: string): void {
  if (!existsSync(path)) return
  for (const entry of readdirSync(path, { withFileTypes: true }))
    if (entry.isDirectory()) removeGroups(join(path, entry.name))
  for (let tries = 0; tries < 30 && existsSync(path); tries++) {
    try {
      rmdirSync(path)
    } catch {
      pause(100)
    }
  }
}

function firstLine(argv: readonly string[]): string {
  const { stderr, status } = spawnSync(argv[0]!, argv.slice(1), { encoding: 'utf8', timeout: 30_000 })
  return stderr?.trim().split('\n')[0] || `exit code ${status}`
}
