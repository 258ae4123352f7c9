// Benchmarks make bridges, firewalls and mounts by the hundred: not in the machine's own namespaces.
import { spawnSync } from 'node:child_process'

/**
 * Runs this script once more, as root in new namespaces (unshare(1)), and ends with its exit code. Does nothing in the script
 * that runs there. Ends with 125 for an ordinary user.
 */
export function runApart(script: string, ...namespaces: ('--net' | '--mount')[]): void {
  if (process.getuid?.() !== 0) {
    console.error(`bench: making containers needs root; try: sudo npm run ${script}`)
    process.exit(125)
  }
  if (process.env.BENCH_APART) return
  const env = { ...process.env, BENCH_APART: 'yes' }
  const again = [...namespaces, process.execPath, ...process.argv.slice(1)]
  process.exit(spawnSync('unshare', again, { stdio: 'inherit', env }).status ?? 1)
}
