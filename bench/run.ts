// How long a container takes, from the command to its removal: `npm run bench -- [--rounds N] [--json FILE]`. Needs root.
// Compare the rows of one run with each other, not with those of another day.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, release } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { stateDir } from '../toolkit/image/paths.ts'
import { ensureBusybox, findRootfs } from '../toolkit/image/rootfs.ts'
import { runApart } from './apart.ts'
import { type Contender, crowd, formatCrowd, formatTable, measure } from './measure.ts'
import { engines, runOf, runtimes } from './peers.ts'

const AT_ONCE = 20
const { values } = parseArgs({ options: { rounds: { type: 'string', default: '40' }, json: { type: 'string' } } })
const rounds = Number(values.rounds)
if (!(rounds >= 1)) {
  console.error(`bench: --rounds ${values.rounds} is not a number of rounds`)
  process.exit(2)
}
runApart('bench', '--net')

await ensureBusybox({ yes: true })
const rootfs = findRootfs('busybox')
const toolkit = join(import.meta.dirname, '../bin/toolkit')

/** A container of ours. Its flags are in its name. */
const run = (...flags: string[]): Contender => ({
  name: ['toolkit run --rm', ...flags].join(' '),
  argv: [toolkit, 'run', '--rm', ...flags, rootfs, 'true'],
})
const alone = run('--net', 'none')
const ours: Contender[] = [
  { name: 'node -e 0', argv: [process.execPath, '-e', '0'] }, // the Node that toolkit runs on; everything is compared with it
  alone,
  run('--net', 'none', '-m', '64m', '--cpus', '1', '--pids-limit', '100'),
  run('--net', 'bridge'),
  { name: 'unshare, chroot', argv: ['unshare', '-mnuipC', '--fork', 'chroot', rootfs, '/bin/true'] },
]
const scratch = mkdtempSync(join(stateDir(), 'bench-')) // where containers usually have their files
process.env.TOOLKIT_STATE = scratch // containers and a bridge that nobody else counts
const low = runtimes(rootfs, scratch)
const high = engines(rootfs, scratch)
try {
  const contenders = [...ours, ...low.contenders, ...high.found.map(runOf)]
  const show = process.stderr.isTTY
  const results = measure(contenders, rounds, n => {
    if (show) process.stderr.write(`\rround ${n} of ${rounds}${n === rounds ? '\r\x1b[K' : ''}`)
  })
  console.log(`${rounds} rounds, Linux ${release()}, Node ${process.version}, ${cpus().length} × ${cpus()[0]?.model}\n`)
  console.log(formatTable(results))
  const crowded = crowd(alone, AT_ONCE, Math.ceil(rounds / 4))
  console.log(`\n${formatCrowd(await crowded, AT_ONCE)}`)
  const missing = [...low.missing, ...high.missing]
  if (missing.length > 0) console.log(`\nNot here:\n${missing.map(line => `  ${line}`).join('\n')}`)
  if (values.json) writeFileSync(values.json, `${JSON.stringify({ results, crowd: await crowded }, null, 2)}\n`)
} finally {
  high.tidy()
  rmSync(scratch, { recursive: true, force: true })
}
