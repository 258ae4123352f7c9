// How long a container takes, from the command to its removal: `npm run bench -- [--rounds N] [--json FILE]`. Needs root.
// Compare the rows of one run with each other, not with those of another day.
//
// What the contenders write lies in memory, but for one row that is there to show the difference. A disk's file system
// remembers what was there before: ext4 without a journal does not give out an inode again for some minutes, and to make a
// file it looks at all that it holds back. After some hundred containers that is most of what would be measured.
import { spawnSync } from 'node:child_process'
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
runApart('bench', '--net', '--mount')

await ensureBusybox({ yes: true })
const rootfs = findRootfs('busybox')
const toolkit = join(import.meta.dirname, '../bin/toolkit')

const disk = mkdtempSync(join(stateDir(), 'bench-'))
const memory = mkdtempSync(join(stateDir(), 'bench-'))
process.on('exit', () => {
  spawnSync('umount', [memory], { stdio: 'ignore' })
  for (const directory of [memory, disk]) rmSync(directory, { recursive: true, force: true })
})
const mounted = spawnSync('mount', ['-t', 'tmpfs', 'tmpfs', memory], { stdio: 'inherit' })
if (mounted.status !== 0) process.exit(1)
process.env.TOOLKIT_STATE = memory // containers and a bridge that nobody else counts

/** A container of ours. Its flags are in its name. */
const run = (...flags: string[]): Contender => ({
  name: ['toolkit run --rm', ...flags].join(' '),
  argv: [toolkit, 'run', '--rm', ...flags, rootfs, 'true'],
})
const alone = run('--net', 'none')
const limited = run('--net', 'none', '-m', '64m', '--cpus', '1', '--pids-limit', '100')
const ours: Contender[] = [
  { name: 'node -e 0', argv: [process.execPath, '-e', '0'] }, // the Node that toolkit runs on; everything is compared with it
  alone,
  limited,
  { ...limited, name: 'the same, with its files on the disk', env: { TOOLKIT_STATE: disk } },
  run('--net', 'bridge'),
  { name: 'unshare, chroot', argv: ['unshare', '-mnuipC', '--fork', 'chroot', rootfs, '/bin/true'] },
]
const low = runtimes(rootfs, memory)
const high = engines(rootfs, memory)
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
}
