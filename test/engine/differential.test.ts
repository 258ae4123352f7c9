// The same bundle under runc and under us: `toolkit spec` says it, both run it, and a program inside looks around. What it
// sees must be the same, line for line, or stand in the list of differences with a reason. A difference that has gone
// must leave the list.
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import fs from 'node:fs'
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import { onTerminal } from '../cli/pty.ts'
import { bin, nothing, skipped, World } from '../cli/toolkit.ts'
import { cgroups, type Difference, here, users, v2 } from './differences.ts'
import { normal, PROBE } from './probe.ts'

const KNOWN = '1.1' // the list of differences is one with this runc
const [, version] = /^runc version (\d+\.\d+)/.exec(spawnSync('runc', ['--version'], { encoding: 'utf8' }).stdout) ?? []
const unfit = version ? ` (skipped: compares with runc ${KNOWN}, here is ${version})` : ' (skipped: no runc here)'
const why = skipped || (version === KNOWN ? '' : unfit)

const world = new World()
/** runc mounts and writes in the directory itself, so it gets one of its own. */
const copy = `${world.state}/copy`
/** A directory of the host. */
const shared = `${world.state}-shared`
if (!why) {
  spawnSync('cp', ['-a', world.rootfs, copy])
  fs.chmodSync(world.state, 0o711) // runc comes here as the root of a user namespace, too
  fs.mkdirSync(shared)
  fs.writeFileSync(`${shared}/file`, '')
}
afterAll(() => {
  world.end()
  fs.rmSync(shared, { recursive: true, force: true })
})
afterEach(() => {
  expect(world.left()).toEqual(nothing)
  expect(fs.existsSync(`${world.state}/runc`) ? fs.readdirSync(`${world.state}/runc`) : []).toEqual([])
})

/** Flags of `run`. */
const wishes: Record<string, readonly string[]> = {
  plain: [],
  'a user': ['-u', '1000'],
  'a user with groups': ['-u', '1000:100', '--group-add', '7', '--group-add', '8'],
  'a user by name': ['-u', 'nobody'],
  'no capability': ['--cap-drop', 'ALL'],
  'one capability': ['--cap-drop', 'ALL', '--cap-add', 'CHOWN'],
  'a capability more': ['--cap-add', 'SYS_ADMIN'],
  'a user and a capability more': ['--cap-add', 'SYS_ADMIN', '-u', '1000'],
  privileged: ['--privileged'],
  'no new privileges': ['--security-opt', 'no-new-privileges'],
  'a user and no new privileges': ['--security-opt', 'no-new-privileges', '-u', '1000'],
  'no filter, no masks': ['--security-opt', 'seccomp=unconfined', '--security-opt', 'systempaths=unconfined'],
  'a read-only root': ['--read-only'],
  limits: ['-m', '64m', '--pids-limit', '20', '--cpus', '0.5'],
  'more limits': ['-m', '64m', '--memory-swap', '100m', '--memory-reservation', '32m', '--cpu-shares', '512'],
  'resource limits': ['--ulimit', 'nofile=100:200', '--ulimit', 'core=0', '--ulimit', 'cpu=-1'],
  'a volume': ['-v', `${shared}:/mnt/volume`],
  'a read-only volume': ['-v', `${shared}:/mnt/volume:ro`],
  'a file as a volume': ['-v', `${shared}/file:/etc/hostname:ro`],
  'a tmpfs': ['--tmpfs', '/mnt/memory:size=1m,mode=700,exec'],
  'volumes in volumes': ['--tmpfs', '/a/b', '-v', `${shared}:/a`],
  'shared memory': ['--shm-size', '1m'],
  'a working directory': ['-w', '/var/made/for/it'],
  variables: ['-e', 'A=1', '-e', 'B=two words', '-e', 'PATH=/bin'],
  [users]: ['--userns', 'private'],
  'a host name': ['--hostname', 'other.example'],
  'the host’s name': ['--uts', 'host'],
  'the host’s memory': ['--ipc', 'host'],
  'the host’s processes': ['--pid', 'host'],
  'the host’s network': ['--net', 'host'],
  [cgroups]: ['--cgroupns', 'host'],
  settings: ['--sysctl', 'net.ipv4.ip_forward=1', '--sysctl', 'kernel.shmmax=1000000'],
  devices: ['--device', '/dev/zero:/dev/zero-of-ours:r', '--device', '/dev/full:/dev/full-of-ours'],
  'an OOM score': ['--oom-score-adj', '500'],
}

interface Program {
  readonly flags?: readonly string[]
  readonly words: readonly string[]
}

/** How programs begin and end. In the host's PID namespace a process is no PID 1, whom signals of its own do not end. */
const programs: Record<string, Program> = {
  'exit code 0': { words: ['true'] },
  'exit code 3': { words: ['sh', '-c', 'exit 3'] },
  'two streams': { words: ['sh', '-c', 'echo out; echo err >&2'] },
  'no input': { words: ['wc', '-c'] },
  signals: { words: ['grep', 'Sig[BIC]', '/proc/self/status'] },
  'a shell killed': { flags: ['--pid', 'host'], words: ['sh', '-c', 'kill -KILL $$'] },
  'a shell ended': { flags: ['--pid', 'host'], words: ['sh', '-c', 'kill -TERM $$'] },
  'no such command': { words: ['nosuch'] },
  'no such file': { words: ['/no/such'] },
  'a file that is no program': { words: ['/etc/passwd'] },
  'a directory': { words: ['/etc'] },
}

const OURS = /\b(toolkit-test-\d+-\d+|[0-9a-f]{12})\b/g

const hide = (text: string): string =>
  text
    .replaceAll(copy, 'ROOTFS')
    .replaceAll(world.rootfs, 'ROOTFS')
    .replaceAll(world.state, 'STATE')
    .replace(OURS, 'ID')

const linesOf = (output: string): string[] => output.split(/\r?\n/).filter(Boolean).map(hide).flatMap(normal)

let bundles = 0

/** What takes the command line of each there. */
interface Commands {
  readonly runc: readonly string[]
  readonly us: readonly string[]
}

/** The same container for each; that of runc in a bundle that `toolkit spec` has made. */
function commands({ flags = [], words }: Program): Commands {
  const { stdout, stderr, status } = world.toolkit(['spec', ...flags, copy, ...words])
  if (status !== 0) throw new Error(stderr)
  const name = `toolkit-test-${process.pid}-${bundles++}`
  const bundle = `${world.state}/${name}`
  fs.mkdirSync(bundle)
  fs.writeFileSync(`${bundle}/config.json`, stdout)
  return {
    runc: ['runc', '--root', `${world.state}/runc`, 'run', '--bundle', bundle, name],
    us: [bin, 'run', '--rm', ...flags, 'busybox', ...words],
  }
}

async function output([command, ...args]: readonly string[]) {
  const child = spawn(command!, args, { env: world.env, stdio: ['ignore', 'pipe', 'pipe'] })
  let [stdout, stderr] = ['', '']
  child.stdout.on('data', data => {
    stdout += data
  })
  child.stderr.on('data', data => {
    stderr += data
  })
  const [status] = await once(child, 'close')
  return { stdout, stderr, status }
}

const both = async ({ runc, us }: Commands) => {
  const [theirs, ours] = await Promise.all([output(runc), output(us)])
  return { theirs, ours }
}

/** Those of the differences that have been seen. */
const seen = new Set<Difference>()
const ran = new Set<string>()

/** Lines of one that the other has not, and that are not in the list. */
function unlisted(title: string, theirs: readonly string[], ours: readonly string[]): string[] {
  const only = (of: Difference['of'], lines: readonly string[], others: readonly string[]) => {
    const rest = [...others]
    return lines.flatMap(line => {
      const at = rest.indexOf(line)
      if (at >= 0) return rest.splice(at, 1) && []
      const listed = here.find(
        difference => difference.of === of && (difference.in ?? title) === title && difference.line.test(line),
      )
      if (listed) seen.add(listed)
      return listed ? [] : [`${of}: ${line}`]
    })
  }
  ran.add(title)
  return [...only('runc', theirs, ours), ...only('us', ours, theirs)]
}

describe.skipIf(why)(`the same bundle under runc and under us${why}`, () => {
  for (const [title, flags] of Object.entries(wishes)) {
    const harmful = v2 && title === cgroups ? ' (skipped: runc 1.1 takes the options of the host’s cgroup2 away)' : ''
    test.skipIf(harmful)(`${title}${harmful}`, async () => {
      const { theirs, ours } = await both(commands({ flags, words: ['sh', '-c', PROBE] }))
      expect([theirs.stderr, ours.stderr, theirs.status, ours.status]).toEqual(['', '', 0, 0])
      expect(ours.stdout).toMatch(/the end\n$/)
      expect(unlisted(title, linesOf(theirs.stdout), linesOf(ours.stdout))).toEqual([])
    })
    if (harmful) ran.add(title)
  }

  for (const [title, program] of Object.entries(programs))
    test(title, async () => {
      const { theirs, ours } = await both(commands(program))
      const lines = ({ stdout, stderr, status }: typeof ours) => [
        `exit ${status}`,
        ...linesOf(stdout).map(line => `stdout ${line}`),
        ...linesOf(stderr).map(line => `stderr ${line}`),
      ]
      expect(unlisted(title, lines(theirs), lines(ours))).toEqual([])
    })

  test('a terminal', async () => {
    const { runc, us } = commands({ flags: ['-t'], words: ['sh', '-c', PROBE] })
    const screen = async (args: readonly string[]) => {
      const window = onTerminal(args, world.env)
      await window.until('the end')
      expect(await window.exit).toBe(0)
      window.hangUp()
      return linesOf(window.screen())
    }
    expect(unlisted('a terminal', await screen(runc), await screen(us))).toEqual([])
  })

  test('each difference in the list is one still', () => {
    const all = [...Object.keys(wishes), ...Object.keys(programs), 'a terminal']
    if (all.some(title => !ran.has(title))) return // only some of them were asked for
    expect(here.filter(difference => !seen.has(difference))).toEqual([])
  })
})
