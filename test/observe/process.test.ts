import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { openDevices } from '../../toolkit/observe/descriptors.ts'
import { readLimits } from '../../toolkit/observe/limits.ts'
import { readLinks } from '../../toolkit/observe/links.ts'
import { readMounts } from '../../toolkit/observe/mounts.ts'
import { readNamespaces } from '../../toolkit/observe/namespaces.ts'
import * as observe from '../../toolkit/observe/process.ts'
import { identify } from '../../toolkit/observe/read.ts'
import { readStatus } from '../../toolkit/observe/status.ts'
import { readUts } from '../../toolkit/observe/uts.ts'
import { ready, script, until } from './helpers.ts'

const { children, cwdOf, descendants, executableOf, foreground, isAlive, isAtTop, processTree } = observe
const { processes, readProcess, readStat, rootOf } = observe

const directory = mkdtempSync(join(tmpdir(), 'process-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))

const NO_PID = 0x7fffffff

/** What readers of any kind say of a process. */
const readers = [readProcess, readStat, readStatus, readNamespaces, readMounts, readLimits, readUts, readLinks]
const places = [rootOf, cwdOf, executableOf]

describe('one process', () => {
  test('is what ps says', () => {
    const [ppid, pgid, sid, tpgid, uid] = execFileSync(
      'ps',
      ['-o', 'ppid=,pgid=,sid=,tpgid=,uid=', '-p', String(process.pid)],
      { encoding: 'utf8' },
    )
      .trim()
      .split(/\s+/)
      .map(Number)
    expect(readProcess(process.pid)).toMatchObject({ pid: process.pid, ppid, pgrp: pgid, session: sid, tpgid, uid })
  })

  test('has a name with spaces, parentheses and a line end', async () => {
    const program = `${directory}/a) S (1\n2`
    copyFileSync('/bin/sleep', program)
    const pid = spawn(program, ['60']).pid!
    const found = await until(() => readStat(pid)?.comm === 'a) S (1\n2' && readStat(pid))
    expect(found).toMatchObject({ pid, ppid: process.pid })
    process.kill(pid, 'SIGKILL')
  })

  test('has arguments that are empty, or hold line ends and other letters', async () => {
    const argv = ['sh', '-c', 'echo ready; read x', '', 'ü ☃\n', '']
    expect(readProcess(await ready(argv))?.argv).toEqual(argv)
  })

  test('has devices open, whatever their files are called', async () => {
    const pid = await ready(['sh', '-c', 'exec 3</dev/zero 4>/dev/null 5</dev/null 6</etc/passwd; echo ready; read x'])
    expect(openDevices(pid)).toEqual(expect.arrayContaining(['c 1:5', 'c 1:3']))
    expect(openDevices(pid)!.filter(device => device === 'c 1:3')).toHaveLength(1)
    expect(openDevices(NO_PID)).toBeUndefined()
  })

  test('has a pid in each of its pid namespaces', async () => {
    const outer = await script('echo ready; read x', 'unshare', '--pid', '--fork')
    const [inner] = children(outer)
    expect(readProcess(inner!.pid)?.nsPid).toEqual([inner!.pid, 1])
  })

  test('started when /proc/uptime says', () => {
    const ticks = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }))
    const uptime = Number(execFileSync('cat', ['/proc/uptime'], { encoding: 'utf8' }).split(' ')[0])
    const age = uptime - readStat(process.pid)!.startTime / ticks
    expect(Math.abs(age - process.uptime())).toBeLessThan(2)
  })

  test('that is a thread of the kernel has no arguments and no program', () => {
    const thread = processes().find(({ ppid, comm }) => ppid === 2 || comm === 'kthreadd')
    if (thread) {
      expect(readProcess(thread.pid)?.argv).toEqual([])
      expect(executableOf(thread.pid)).toBeUndefined()
    }
  })
})

describe('alive', () => {
  test('only with its start time', () => {
    const { startTime } = readStat(process.pid)!
    expect(isAlive(process.pid, startTime)).toBe(true)
    expect(isAlive(process.pid, startTime + 1)).toBe(false)
    expect(isAlive(NO_PID, startTime)).toBe(false)
  })

  test('not as a zombie, of which all can be asked', async () => {
    const parent = await script('sleep 0.3 & echo ready; exec sleep 60')
    const zombie = await until(() => children(parent).find(({ state }) => state === 'Z'))
    expect(isAlive(zombie.pid, zombie.startTime)).toBe(false)
    expect(readProcess(zombie.pid)).toMatchObject({ comm: 'sleep', state: 'Z', argv: [] })
    expect(readNamespaces(zombie.pid)).toBeUndefined()
    expect(readMounts(zombie.pid)).toBeUndefined()
    expect(rootOf(zombie.pid)).toBeUndefined()
    expect(readStatus(zombie.pid)?.threads).toBe(1)
    expect(readUts(zombie.pid)).toBeUndefined()
  })

  test('gone: nothing, from every reader', () => {
    for (const read of [...readers, ...places]) expect(read(NO_PID)).toBeUndefined()
    expect(children(NO_PID)).toEqual([])
    expect(processTree(NO_PID)).toBeUndefined()
    expect(foreground(NO_PID)).toBeUndefined()
  })

  test('processes that end at any moment make no reader throw', async () => {
    let running = 40
    for (let i = 0; i < running; i++)
      spawn('sh', ['-c', 'for i in 1 2 3 4 5 6; do /bin/true; done']).on('exit', () => running--)
    for (let looks = 0; running > 0 || looks < 20; looks++) {
      for (const { pid } of processes().filter(({ pid }) => pid > process.pid))
        for (const read of [...readers, ...places]) read(pid)
      processTree(process.pid)
      await new Promise(setImmediate)
    }
  })
})

test('children, descendants and tree', async () => {
  const top = await script('(sleep 60 & sleep 61 & wait) & sleep 62 & echo ready; wait')
  const all = await until(() => descendants(top).length === 4 && descendants(top))
  expect(children(top).map(({ ppid }) => ppid)).toEqual([top, top])
  expect(all[0]).toMatchObject({ ppid: top })
  const byPs = execFileSync('ps', ['-o', 'pid=', '--ppid', String(top)], { encoding: 'utf8' })
    .trim()
    .split(/\s+/)
    .map(Number)
  expect(children(top).map(({ pid }) => pid)).toEqual(byPs)
  const tree = processTree(top)!
  expect(tree.children.flatMap(child => child.children.map(({ argv }) => argv.join(' '))).sort()).toEqual([
    'sleep 60',
    'sleep 61',
  ])
  expect(tree.children.map(({ argv }) => argv.join(' ')).at(-1)).toBe('sleep 62')
  for (const { pid } of all) process.kill(pid, 'SIGKILL')
})

describe('places', () => {
  test('this process’s own', () => {
    expect(cwdOf(process.pid)).toEqual({ path: process.cwd(), id: identify('.') })
    expect(rootOf(process.pid)).toEqual({ path: '/', id: identify('/') })
    expect(executableOf(process.pid)).toEqual({ path: process.execPath, id: identify(process.execPath) })
  })

  // A root with a shell in it, in a mount namespace of its own: the host's /usr below an empty tmpfs.
  const root = join(directory, 'root')
  const prepare = `mkdir ${root}/usr; mount --bind /usr ${root}/usr
    for name in bin lib lib64; do ln -s usr/$name ${root}/$name; done`
  test('another root directory, in another mount namespace', async () => {
    mkdirSync(root)
    const pid = await script(
      `mount -t tmpfs tmpfs ${root}; ${prepare}; exec chroot ${root} sh -c 'echo ready; read x'`,
      'unshare',
      '-m',
    )
    const seen = execFileSync('nsenter', ['-t', String(pid), '-m', 'stat', '-c', '%d:%i', root], { encoding: 'utf8' })
    expect(rootOf(pid)?.id).toBe(seen.trim())
    expect(rootOf(pid)?.id).not.toBe(rootOf(process.pid)?.id)
    expect(rootOf(pid)?.path).toBe(root)
    expect(cwdOf(pid)).toEqual(rootOf(pid))
    expect(identify(`/proc/${pid}/root/usr`)).toBe(identify('/usr'))
    expect(identify(root)).not.toBe(rootOf(pid)?.id) // here it is the empty directory below
  })
})

const noScript = spawnSync('script', ['--version']).status !== 0
describe.skipIf(noScript)('the foreground of a terminal (script from bsdutils needed)', () => {
  test('is the shell, its program, the first of a pipeline, the last that is left', async () => {
    const terminal = spawn('script', ['-qfc', 'bash --norc --noprofile -i', '/dev/null'], {
      stdio: ['pipe', 'ignore', 'inherit'],
    })
    const shell = await until(() => children(terminal.pid!).find(({ comm }) => comm === 'bash' || comm === 'sh'))
    const bash = (await until(() => descendants(terminal.pid!).find(({ comm }) => comm === 'bash'))) ?? shell
    const now = () => foreground(bash.pid)?.argv.join(' ')
    const type = (text: string) => terminal.stdin.write(text)
    try {
      await until(() => now() === 'bash --norc --noprofile -i')
      type('sleep 600\n')
      await until(() => now() === 'sleep 600')
      type('\x03')
      await until(() => now()?.startsWith('bash'))
      type('sleep 601 | sleep 602\n')
      await until(() => now() === 'sleep 601')
      type('\x03')
      type('true | sleep 603\n')
      await until(() => now() === 'sleep 603')
      type('\x03')
      type('sleep 604 &\n')
      await until(() => children(bash.pid).some(({ comm }) => comm === 'sleep') && now()?.startsWith('bash'))
    } finally {
      for (const { pid } of descendants(terminal.pid!).reverse()) process.kill(pid, 'SIGKILL')
      terminal.kill('SIGKILL')
    }
  })

  test('is nothing without a terminal', async () => {
    const pid = await script('echo ready; read x', 'setsid')
    expect(readStat(pid)).toMatchObject({ tty: 0, tpgid: -1 })
    expect(foreground(pid)).toBeUndefined()
  })
})

test('rights, signals and limits', async () => {
  const set = 'trap "" USR1; trap : TERM; umask 027; ulimit -S -n 123; ulimit -c 0; echo ready; read x'
  const pid = await ready([
    'setpriv',
    '--no-new-privs',
    '--bounding-set',
    '-sys_admin',
    '--reuid',
    '65534',
    '--regid',
    '65533',
    '--groups',
    '5,6',
    'sh',
    '-c',
    set,
  ])
  const status = readStatus(pid)!
  expect(status).toMatchObject({
    noNewPrivs: true,
    umask: 0o27,
    uid: Array(4).fill(65534),
    gid: Array(4).fill(65533),
    seccomp: 0,
  })
  expect(status.groups).toEqual([5, 6])
  expect(status.signals.ignored & (1n << 9n)).not.toBe(0n) // SIGUSR1 is 10
  expect(status.signals.caught & (1n << 14n)).not.toBe(0n) // SIGTERM is 15
  expect(status.capabilities).toMatchObject({ effective: 0n, permitted: 0n })
  expect(status.capabilities.bounding & (1n << 21n)).toBe(0n) // CAP_SYS_ADMIN is 21
  const limits = readLimits(pid)!
  expect(limits.NOFILE.soft).toBe(123)
  expect(limits.CORE).toEqual({ soft: 0, hard: 0 })
})

test('limits are what prlimit says', () => {
  const argv = ['--raw', '--noheadings', '-o', 'RESOURCE,SOFT,HARD', '-p', String(process.pid)]
  const figure = (text: string) => (text === 'unlimited' ? Number.POSITIVE_INFINITY : Number(text))
  const lines = execFileSync('prlimit', argv, { encoding: 'utf8' }).trim().split('\n')
  const expected = lines
    .map(line => line.trim().split(/\s+/))
    .map(([name, soft, hard]) => [name, { soft: figure(soft!), hard: figure(hard!) }])
  expect(readLimits(process.pid)).toEqual(Object.fromEntries(expected))
})

test('a root is the top of its mount namespace after pivot_root, not after chroot, nor with the old one above it', async () => {
  const [bind, wait] = ['mount --bind /usr /usr; cd /usr', "exec chroot . /bin/sh -c 'echo ready; read x'"]
  const chrooted = await script(`${bind}; ${wait}`, 'unshare', '-m')
  const stacked = await script(`${bind}; pivot_root . .; echo ready; read x`, 'unshare', '-m')
  const pivoted = await script(`${bind}; pivot_root . share && echo ready; read x`, 'unshare', '-m')
  expect([chrooted, stacked, pivoted, process.pid].map(isAtTop)).toEqual([false, false, true, true])
  expect(new Set([chrooted, stacked, pivoted].map(pid => rootOf(pid)?.id)).size).toBe(1)
  expect(isAtTop(NO_PID)).toBeUndefined()
})
