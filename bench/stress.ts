// Many containers, and nothing left of them: `bin/node bench/stress.ts [--runs 2000] [--at-once 4]`. Needs root.
// Every run must end with the exit code of its command, and afterwards the machine must look as before: mounts, links,
// cgroups, processes, files of state, descriptors.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { stateDir } from '../toolkit/image/paths.ts'
import { ensureBusybox } from '../toolkit/image/rootfs.ts'
import { difference, snapshot } from '../toolkit/observe/leaks.ts'

const { values } = parseArgs({
  options: { runs: { type: 'string', default: '2000' }, 'at-once': { type: 'string', default: '4' } },
})
const runs = Number(values.runs)
const atOnce = Number(values['at-once'])
const toolkit = join(import.meta.dirname, '../bin/toolkit')

/** Starts a container and checks what comes out of it. */
async function runOne(n: number): Promise<string | undefined> {
  const script = `echo ${n} $$; exit ${n % 100}`
  const child = spawn(toolkit, ['run', '--rm', 'busybox', 'sh', '-c', script], { stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  child.stdout.on('data', data => (output += data))
  child.stderr.on('data', data => (output += data))
  const [code, signal] = await once(child, 'close')
  if (code === n % 100 && output === `${n} 1\n`) return undefined
  return `run ${n}: ${signal ?? `exit code ${code}`}, ${JSON.stringify(output)}`
}

await ensureBusybox({ yes: true })
await runOne(1) // what only the first run makes: directories of state
const directories = [stateDir(), '/run/toolkit']
const before = snapshot({ directories, everywhere: true })
const started = performance.now()
const failures: string[] = []
let next = 0
const worker = async (): Promise<void> => {
  while (next < runs) {
    const failure = await runOne(next++)
    if (failure) failures.push(failure)
  }
}
await Promise.all(Array.from({ length: atOnce }, worker))
const seconds = (performance.now() - started) / 1000
const left = difference(before, snapshot({ directories, everywhere: true }))

console.log(
  `${runs} runs, ${atOnce} at once, in ${seconds.toFixed(1)} s: ${((seconds * 1000) / runs).toFixed(1)} ms each`,
)
console.log(`${failures.length} wrong, ${left.length} left behind`)
for (const line of [...failures, ...left].slice(0, 20)) console.log(`  ${line}`)
process.exitCode = failures.length + left.length > 0 ? 1 : 0
