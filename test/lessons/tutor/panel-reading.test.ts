// The panels against the real kernel: our own processes play the lab.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { afterEach, describe, expect, test } from 'vitest'
import type { PanelName } from '../../../lessons/lesson.ts'
import { kernel } from '../../../lessons/tutor/panels/index.ts'
import type { PanelScene, Reading } from '../../../lessons/tutor/panels/panel.ts'
import { width } from '../../../lessons/tutor/wrap.ts'
import { onTerminal } from '../../cli/pty.ts'

const needsRoot = process.getuid?.() !== 0
const children: ChildProcess[] = []
const directories: string[] = []
afterEach(() => {
  for (const { pid } of children.splice(0)) {
    try {
      process.kill(-pid!, 'SIGKILL') // its group: what it has started, too
    } catch {} // ended already
  }
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true })
})

/** A process that has said that it is ready. */
async function start(...argv: string[]): Promise<number> {
  const child = spawn(argv[0]!, argv.slice(1), { stdio: ['ignore', 'pipe', 'inherit'], detached: true })
  children.push(child)
  await once(child.stdout, 'data')
  return child.pid!
}

const scene = (shellPid: number, pid = shellPid, cgroups: string[] = [], now = 0): PanelScene => ({
  shellPid,
  lab: { pid, cgroups },
  now,
})

const drawn = (reading: Reading | undefined, columns = 80, rows = Number.POSITIVE_INFINITY, ascii = false) =>
  reading!.draw({ columns, rows, ascii }).map(row => row.map(({ text }) => text).join(''))

const NAMES: PanelName[] = ['namespaces', 'processes', 'mounts', 'cgroups', 'layers', 'network']

describe.each(NAMES)('%s', name => {
  test('shows nothing, and throws nothing, where the shell and the lab are gone', () => {
    expect(kernel.open(name)(scene(2 ** 22))).toBeUndefined()
  })

  test.skipIf(needsRoot)('fits into any space [needs root]', async () => {
    const shell = await start('unshare', '--net', '--mount', '--uts', 'sh', '-c', 'echo; exec sleep 60')
    const read = kernel.open(name)
    read(scene(shell, process.pid))
    for (let n = 0; n < 10; n++) read(scene(shell, process.pid, [], n * 500))
    for (const columns of [58, 64, 108, 200])
      for (const rows of [1, 4, 8, 12, Number.POSITIVE_INFINITY])
        for (const ascii of [false, true]) {
          const lines = drawn(read(scene(shell, process.pid)), columns, rows, ascii)
          expect(lines.length).toBeGreaterThan(0)
          expect(lines.length).toBeLessThanOrEqual(rows)
        }
  })
})

test.skipIf(needsRoot)('namespaces: a name of its own, all else shared [needs root]', async () => {
  const shell = await start('unshare', '--uts', 'sh', '-c', 'echo; exec sleep 60')
  const text = drawn(kernel.open('namespaces')(scene(shell, process.pid)), 80, 8)
  expect(text.filter(row => row.startsWith('≠'))).toEqual([expect.stringMatching(/^≠ uts +host name/)])
  expect(text).toHaveLength(8)
})

describe.skipIf(needsRoot)('the program in front [needs root]', () => {
  const env = { PATH: process.env.PATH, TERM: 'dumb', PS1: '', HISTFILE: '' }

  test.each([
    ['unshare --uts --pid --fork sleep 60', 'sleep', 'pid uts', /pid +1 \(outside \d+\)/],
    ['unshare --uts --pid --fork sh -c "sleep 60; :"', 'sleep', 'pid uts', /pid +2 \(outside \d+\)/],
    ['unshare --uts sh -c "unshare --ipc sleep 60; :"', 'sleep', 'ipc uts', /pid +\d+$/m],
    // with a terminal of its own: what is in front there, not the newest
    ['unshare --pid --fork script -qc "sleep 70 & exec sleep 60" /dev/null', 'sleep', 'pid', /pid +2 \(/],
    ['sh -c "sleep 60; :"', 'sh', '', /pid +\d+$/m], // nothing of its own in there
  ])('%s', async (command, name, own, pid) => {
    const window = onTerminal(['bash', '--norc', '--noprofile', '-i'], env)
    try {
      window.type(`${command}\n`)
      const read = kernel.open('namespaces')
      const look = () => {
        const reading = read(scene(window.pid, process.pid))
        const text = drawn(reading, 90, 8)
        const names = text.filter(row => row.startsWith('≠')).map(row => row.split(/ +/)[1])
        return [reading!.title, names.toSorted().join(' '), pid.test(text.join('\n'))]
      }
      await expect.poll(look, { timeout: 5000 }).toEqual([`${name} (running)`, own, true])
      expect(kernel.program(window.pid)?.pid).not.toBe(window.pid)
    } finally {
      window.hangUp()
    }
  })
})

test.skipIf(needsRoot)('processes: a tree with both pids, and a zombie [needs root]', async () => {
  const script = 'sleep 61 & sleep 0.3 & echo; exec sleep 62' // which waits for nobody
  const shell = await start('unshare', '--pid', '--fork', '--kill-child', 'sh', '-c', script)
  const look = () => drawn(kernel.open('processes')(scene(shell)), 80).join('\n')
  await expect.poll(look).toMatch(/zombie/)
  expect(look()).toMatch(/PID +INSIDE +PROCESS/)
  expect(look()).toMatch(/^ *\d+ +1 +└─ sleep 62/m)
  expect(look()).toMatch(/^ *\d+ +2 +├─ sleep 61/m)
  expect(drawn(kernel.open('processes')(scene(shell)), 80, 1)[0]).toMatch(/^\d processes: unshare \d+/)
})

test.skipIf(needsRoot)(
  'mounts: what is new since the first look, how it spreads, in any script [needs root]',
  async () => {
    const directory = mkdtempSync(`${tmpdir()}/panel-`)
    directories.push(directory)
    mkdirSync(`${directory}/目录`)
    const shell = await start('unshare', '--mount', 'sh', '-c', 'echo; exec sleep 60')
    const read = kernel.open('mounts')
    expect(drawn(read(scene(shell)), 100, 8)[0]).toMatch(/Nothing is mounted but what the lab came with/)
    const inside = ['nsenter', '--mount', '--target', String(shell)]
    await start(
      ...inside,
      'sh',
      '-c',
      `mount -t tmpfs 数据 ${directory}/目录 && mount --make-shared ${directory}/目录; echo`,
    )
    const reading = read(scene(shell))
    expect(drawn(reading, 100, 8).join('\n')).toMatch(/目录 +tmpfs +shared:\d+ +数据/)
    expect(drawn(reading, 100, 8)).toHaveLength(3)
    for (const columns of [60, 100]) {
      const [head, row] = drawn(reading, columns, 8)
      const column = (text: string, word: string) => width(text.slice(0, text.indexOf(word)))
      expect(column(row!, 'tmpfs')).toBe(column(head!, 'TYPE'))
    }
  },
)

test.skipIf(needsRoot)(
  'layers: the stack of an overlay, a whiteout with a minus, closed boxes [needs root]',
  async () => {
    const top = mkdtempSync(`${tmpdir()}/panel-`)
    directories.push(top)
    const shell = await start('unshare', '--mount', 'sh', '-c', 'echo; exec sleep 60')
    const read = kernel.open('layers')
    expect(drawn(read(scene(shell)), 80, 8)[0]).toMatch(/No overlay/)
    const script = `cd ${top} && mount -t tmpfs t . && cd ${top} && mkdir 层 up work all && touch 层/一 层/two &&
    mount -t overlay o -o lowerdir=${top}/层,upperdir=${top}/up,workdir=${top}/work all && rm all/two && touch all/new; echo`
    await start('nsenter', '--mount', '--target', String(shell), 'sh', '-ec', script)
    const reading = read(scene(shell))
    const text = drawn(reading, 90, 8)
    expect(text.join('\n')).toMatch(/│ upper +\S+up +-two new +│/)
    expect(text.join('\n')).toMatch(/│ lower +\S+层 +two 一 +│/)
    expect(new Set(text.slice(1).map(width))).toEqual(new Set([90]))
    expect(drawn(reading, 90, 8, true).join('\n')).toMatch(/^\+-+\+$/m)
  },
)

test.skipIf(needsRoot)('layers: a link in the path of a layer is not followed [needs root]', async () => {
  const top = mkdtempSync(`${tmpdir()}/panel-`)
  directories.push(top)
  const shell = await start('unshare', '--mount', 'sh', '-c', 'echo; exec sleep 60')
  const read = kernel.open('layers')
  read(scene(shell))
  const script = `cd ${top} && mount -t tmpfs t . && cd ${top} && mkdir low up work all && touch low/secret &&
    mount -t overlay o -o lowerdir=${top}/low,upperdir=${top}/up,workdir=${top}/work all &&
    mv low real && ln -s real low; echo`
  await start('nsenter', '--mount', '--target', String(shell), 'sh', '-ec', script)
  expect(drawn(read(scene(shell)), 90, 8).join('\n')).not.toMatch(/secret/)
})

test.skipIf(needsRoot)('network: a cable from the lab to a namespace is a line [needs root]', async () => {
  const lab = await start('unshare', '--net', 'sh', '-c', 'ip link add br0 type bridge; echo; sleep 60 & exec sleep 61')
  const shell = await start(
    'nsenter',
    '--net',
    '--target',
    String(lab),
    'unshare',
    '--net',
    'sh',
    '-c',
    'echo; exec sleep 62',
  )
  const script = `ip link add va up type veth peer name vb netns ${shell}; ip link set va master br0; echo`
  await start('nsenter', '--net', '--target', String(lab), 'sh', '-ec', script)
  await start(
    'nsenter',
    '--net',
    '--target',
    String(shell),
    'sh',
    '-ec',
    'ip addr add 10.9.8.2/24 dev vb; ip link set vb up; echo',
  )
  const reading = kernel.open('network')(scene(shell, lab))
  const text = drawn(reading, 80, 8)
  expect(text.join('\n')).toMatch(/│ va +up +→ br0 +├─{5}┤ vb +10\.9\.8\.2\/24 +│/)
  expect(text[0]).toMatch(/┌─ the lab ─+┐ +┌─ sleep \d+ \(in front\) ─+┐/)
  expect(drawn(reading, 80, 1)[0]).toMatch(/^sleep \d+: lo down, vb 10\.9\.8\.2\/24 ── va \(the lab\)/)
})

test('cgroups: figures of a group with a limit, and their last minute', () => {
  const top = mkdtempSync(`${tmpdir()}/panel-`) // what v2 shows; the real files are the reader's tests
  directories.push(top)
  const box = `${top}/盒`
  mkdirSync(`${top}/lab`)
  mkdirSync(box)
  const set = (current: number, usage: number) => {
    writeFileSync(`${box}/memory.current`, `${current * 2 ** 20}\n`)
    writeFileSync(`${box}/memory.max`, `${64 * 2 ** 20}\n`)
    writeFileSync(`${box}/memory.events`, 'max 9\noom_kill 2\n')
    writeFileSync(`${box}/cpu.stat`, `usage_usec ${usage}\nnr_throttled 5\n`)
    writeFileSync(`${box}/cpu.max`, '50000 100000\n')
  }
  const read = kernel.open('cgroups')
  set(8, 0)
  read(scene(process.pid, process.pid, [top], 1000))
  set(64, 250_000)
  const text = drawn(read(scene(process.pid, process.pid, [top], 2000)), 80, 8).join('\n')
  expect(text).toMatch(/^\/盒 {2}0 processes/)
  expect(text).toMatch(/memory +64M of 64M +·+▂█ {2}2 killed/)
  expect(text).toMatch(/cpu +25% of 50% +·+▁▅ {2}5 times throttled/)
  expect(text).toMatch(/\/lab/)
  set(64, 250_000)
  const later = drawn(read(scene(process.pid, process.pid, [top], 5000)), 80, 1)[0]
  expect(later).toMatch(/^\/盒 {2}mem 64M of 64M ·+▂████ {2}cpu 0% of 50% .* \+1$/)
})
