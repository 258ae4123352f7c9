// What else starts a container on this machine, each set up to do as nearly as it can what `toolkit run --rm` does: new
// mount, pid, uts, ipc and net namespaces around `true` from the same root file system.
import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
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
      const argv = [runtime, 'run', '--bundle', bundle, id]
      if (works(...argv)) contenders.push({ name, argv })
      else missing.push(`${name}: does not work here (${firstLine(argv)})`)
    }
  }
  return { contenders, missing }
}

/** podman and docker, without a network of their own; the image is imported here and removed by `removeImages`. */
export function engines(rootfs: string): { contenders: Contender[]; missing: string[]; removeImages: () => void } {
  const contenders: Contender[] = []
  const missing: string[] = []
  const imported: string[] = []
  for (const engine of ['podman', 'docker']) {
    const name = `${engine} run --rm`
    if (!works(engine, 'info')) {
      missing.push(`${name}: not installed, or its daemon does not run`)
      continue
    }
    const tar = spawnSync('tar', ['-C', rootfs, '-c', '.'], { maxBuffer: 1 << 28 }).stdout
    if (spawnSync(engine, ['import', '-', IMAGE], { input: tar, stdio: ['pipe', 'ignore', 'ignore'] }).status === 0)
      imported.push(engine)
    const argv = [engine, 'run', '--rm', '--network=none', IMAGE, 'true']
    if (works(...argv)) contenders.push({ name, argv })
    else missing.push(`${name}: does not work here (${firstLine(argv)})`)
  }
  const removeImages = () => {
    for (const engine of imported) spawnSync(engine, ['rmi', '-f', IMAGE], { stdio: 'ignore' })
  }
  return { contenders, missing, removeImages }
}

function firstLine(argv: readonly string[]): string {
  const { stderr, status } = spawnSync(argv[0]!, argv.slice(1), { encoding: 'utf8', timeout: 30_000 })
  return stderr?.trim().split('\n')[0] || `exit code ${status}`
}
