import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { difference, snapshot } from '../../toolkit/observe/leaks.ts'
import { readMounts } from '../../toolkit/observe/mounts.ts'
import { script } from './helpers.ts'

const directory = mkdtempSync(join(tmpdir(), 'leaks-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))
const observe = join(import.meta.dirname, '../../toolkit/observe')

const noBridge = spawnSync('unshare', ['-n', 'ip', 'link', 'add', 'b0', 'type', 'bridge']).status !== 0

test.skipIf(noBridge)('names what is left, nothing when it is gone, and what is missing (bridges needed)', () => {
  const top = readMounts(process.pid)!.find(({ fsType }) => fsType.startsWith('cgroup'))?.mountPoint
  const cgroup = top && `${top}/toolkit-leaks-${process.pid}`
  const child = [process.execPath, join(import.meta.dirname, 'leaks-child.ts'), directory, ...(cgroup ? [cgroup] : [])]
  const { dirty, clean, gone, sleeping } = JSON.parse(
    execFileSync('unshare', ['-m', '-n', ...child], { encoding: 'utf8' }),
  )
  expect(dirty).toEqual([
    `mount left: ${directory}/mnt (tmpfs)`,
    'link left: left0',
    ...(cgroup ? [`cgroup left: ${cgroup}`] : []),
    `process left: ${sleeping} sleep 987`,
    expect.stringMatching(/^fd left: \d+ → \/etc\/hostname$/),
    `file left: ${directory}/state/containers`,
    `file left: ${directory}/state/containers/abc`,
  ])
  expect(clean).toEqual([])
  expect(gone).toEqual(['mount gone: /dev/shm (tmpfs)'])
})

test('a zombie is left too, and says so', async () => {
  const before = snapshot()
  const pid = await script('sleep 0.3 & echo ready; exec sleep 60')
  await expect
    .poll(() => difference(before, snapshot()).join('\n'))
    .toMatch(/process left: \d+ \[sleep\], ended but not waited for/)
  process.kill(pid, 'SIGKILL')
})

test('a process that has lost its parent is found by its namespaces', async () => {
  const before = snapshot({ everywhere: true })
  execFileSync('sh', ['-c', 'setsid unshare -u sleep 986 >/dev/null 2>&1 &'])
  const line = () => difference(before, snapshot({ everywhere: true })).find(text => text.includes('sleep 986'))
  await expect.poll(line).toMatch(/^process left: \d+ sleep 986 in uts:\[\d+\]$/)
  process.kill(Number(/\d+/.exec(line()!)![0]), 'SIGKILL')
})

test('threads of the kernel are nobody’s, though seen from another network namespace they are in another', () => {
  const script = `
    import { processes } from '${observe}/process.ts'
    import { snapshot } from '${observe}/leaks.ts'
    const threads = processes().filter(({ kernel }) => kernel).map(({ pid }) => pid)
    const seen = [...snapshot({ everywhere: true }).process.keys()].map(key => Number(key.split(' ')[0]))
    console.log(JSON.stringify([threads.length > 0, threads.includes(2), seen.length > 0, seen.filter(pid => threads.includes(pid))]))`
  const node = ['--disable-warning=ExperimentalWarning', '--input-type=module', '-e', script]
  const found = execFileSync('unshare', ['-n', process.execPath, ...node], { encoding: 'utf8' })
  expect(JSON.parse(found)).toEqual([true, true, true, []])
})

test('looking changes nothing', () => {
  const before = snapshot()
  for (let i = 0; i < 10; i++) snapshot()
  expect(difference(before, snapshot())).toEqual([])
})
