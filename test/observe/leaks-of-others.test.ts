// Two look at one machine at the same time: each finds what he has left, and not what the other one is using.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { readLayout } from '../../toolkit/observe/cgroups.ts'
import { labName, labOwner } from '../../toolkit/observe/lab-name.ts'
import { difference, snapshot } from '../../toolkit/observe/leaks.ts'
import { isAlive, readStat } from '../../toolkit/observe/process.ts'
import { bin, skipped as noContainers, World } from '../cli/toolkit.ts'

const writable = readLayout(process.pid)?.hierarchies.some(hierarchy => hierarchy.writable && hierarchy.directory)
const skipped =
  process.getuid!() !== 0 ? ' (skipped: needs root)' : writable ? '' : ' (skipped: no cgroups can be made here)'

const directories = [mkdtempSync(join(tmpdir(), 'others-'))]
const [state] = directories as [string]
afterAll(() => rmSync(state, { recursive: true }))
const look = () => snapshot({ directories })

const engine = `${import.meta.dirname}/../../toolkit/engine/lab/lab.ts`
const program = `import { startLab } from '${engine}'
  const lab = await startLab()
  console.log(JSON.stringify({ pid: lab.pid, owner: process.pid, cgroups: lab.cgroups }))
  process.stdin.on('end', async () => { await lab.stop(); process.exit() }).resume()`

interface Told {
  readonly pid: number
  readonly owner: number
  readonly cgroups: readonly string[]
}

/** Somebody with a lab: our child, or a process that is none of ours. */
async function somebody(how: 'child' | 'stranger'): Promise<{ child: ChildProcess; told: Told }> {
  const node = [process.execPath, '--input-type=module', '-e', program]
  // The subshell ends, its job goes on and gets another parent; 3 is our pipe, since a job in the background has no input.
  const argv = how === 'child' ? node : ['sh', '-c', '("$@" <&3 &)', 'sh', ...node]
  const child = spawn(argv[0]!, argv.slice(1), {
    stdio: how === 'child' ? ['pipe', 'pipe', 'inherit'] : ['ignore', 'pipe', 'inherit', 'pipe'],
    env: { ...process.env, TOOLKIT_STATE: state },
  })
  const told = JSON.parse(String(await new Promise(resolve => child.stdout!.once('data', resolve)))) as Told
  return { child, told }
}

const gone = ({ owner }: Told) =>
  expect.poll(() => isAlive(owner, readStat(owner)?.startTime ?? 0), { timeout: 10_000 }).toBe(false)

describe.skipIf(skipped)(`labs${skipped}`, () => {
  test('one of a stranger who lives does not count; what he leaves when he is killed does, until a sweep', async () => {
    await (async () => {
      const { child, told } = await somebody('child') // makes the directories that stay
      child.stdin!.end()
      await gone(told)
    })()
    const before = look()
    const { told } = await somebody('stranger')
    const name = basename(told.cgroups[0]!)
    expect(labOwner(told.cgroups[0]!)).toBe(told.owner)
    expect(difference(before, look()).filter(line => /^(cgroup|file)/.test(line))).toEqual([])
    process.kill(told.owner, 'SIGKILL')
    await gone(told)
    const left = difference(before, look())
    expect(left).toContain(`file left: ${state}/labs/${name}`)
    for (const group of told.cgroups) expect(left).toContain(`cgroup left: ${group}`)
    const env = { ...process.env, TOOLKIT_STATE: state }
    expect(spawnSync(bin, ['ps'], { env, encoding: 'utf8' })).toMatchObject({ status: 0, stderr: '' })
    expect(difference(before, look()).filter(line => /^(cgroup|file)/.test(line))).toEqual([])
  })

  test('one that we have started counts', async () => {
    const before = look()
    const { child, told } = await somebody('child')
    const found = difference(before, look())
    for (const group of told.cgroups) expect(found).toContain(`cgroup left: ${group}`)
    child.stdin!.end()
    await gone(told)
    await expect.poll(() => difference(before, look()).filter(line => /^(cgroup|file)/.test(line))).toEqual([])
  })
})

describe.skipIf(skipped || noContainers)(`containers that live on${skipped || noContainers}`, () => {
  test('are those of their state directory, whoever their parents are, with a monitor or without', async () => {
    const world = new World()
    const groups = (directory: string) =>
      difference(before, snapshot({ directories: [directory] })).filter(line => line.startsWith('cgroup'))
    const before = snapshot({ directories: [world.state] })
    try {
      const { stdout: id } = world.toolkit(['run', '-d', 'busybox', 'sleep', '1000'])
      const line = expect.stringMatching(new RegExp(`^cgroup left: .*/toolkit/${id.slice(0, 12)}$`))
      expect(groups(world.state)).toContainEqual(line)
      expect(groups(state)).not.toContainEqual(line)
      const pid = Number(world.toolkit(['inspect', '-f', '{{.State.Pid}}', id.trim()]).stdout)
      process.kill(readStat(pid)!.ppid, 'SIGKILL')
      await expect.poll(() => readStat(pid)?.comm).toBe('sleep')
      expect(groups(world.state)).toContainEqual(line)
      expect(groups(state)).not.toContainEqual(line)
    } finally {
      world.removeAll()
      world.end()
    }
  })
})

test('a name says who it is of, as long as he lives', () => {
  expect(labOwner(`/a/toolkit/${labName(1)}/lab`)).toBe(process.pid)
  expect(labOwner(`/a/toolkit/lab-${process.pid}-1-1`)).toBe(undefined) // his pid, another time
  expect(labOwner('/a/toolkit/lab')).toBe(undefined)
})
