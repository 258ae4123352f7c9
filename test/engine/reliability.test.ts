// An engine that ends, or fails, at every place of its way; and an undoing that itself fails.
import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import { afterAll, beforeEach, describe, expect, test } from 'vitest'
import { FAILPOINTS } from '../../toolkit/engine/failpoint.ts'
import type { Snapshot } from '../../toolkit/observe/leaks.ts'
import { eventually, skipped, World } from '../cli/toolkit.ts'
import { expectAsBefore, lookAt } from './as-before.ts'

const world = new World()
afterAll(() => world.end())
beforeEach(() => fs.rmSync(`${world.state}/containers`, { recursive: true, force: true }))

const at = (failpoint: string) => ({ env: { ...world.env, TOOLKIT_FAILPOINT: failpoint } })
const run = (flags: readonly string[], failpoint?: string) =>
  world.toolkit(['run', '--name', 'box', ...flags, 'busybox', 'sh', '-c', 'echo x >/file; exit 7'], {
    ...(failpoint && at(failpoint)),
  })
const listed = () => JSON.parse(world.toolkit(['ps', '-a', '--json']).stdout) as { id: string; exitCode?: number }[]

const look = () => lookAt(world)
const asBefore = (before: Snapshot) => expectAsBefore(world, before)

const onlyKept = ['retired']
const onlyRemoved = ['name given back', 'files removed']
const undoing = ['cgroup removed', 'network released', 'volumes removed', ...onlyKept, ...onlyRemoved]
const unused = ['network joined'] // see reliability-network.test.ts
const actions = [1, 6, 13, 22].map(number => `action ${number}`)
const places = [...FAILPOINTS.filter(place => !unused.includes(place)), ...actions]
const cases = places.flatMap(place => [
  ...(onlyKept.includes(place) ? [] : [{ place, flags: ['--rm'] }]),
  ...(onlyRemoved.includes(place) ? [] : [{ place, flags: [] }]),
])

describe.skipIf(skipped)(`every place of the way${skipped}`, () => {
  test('the engine has as many actions as are tested here', () => {
    const { stdout } = world.toolkit(['run', '--rm', '--dry-run', 'busybox', 'true'])
    expect(stdout.match(/^ {2}· {2}/gm)!.length).toBeGreaterThanOrEqual(22)
  })

  test.each(cases)('kill -9, $place $flags: the next command undoes it', async ({ place, flags }) => {
    const before = look()
    expect(run(flags, `${place}:kill`)).toMatchObject({ signal: 'SIGKILL', stderr: '' })
    await eventually(() => world.left().processes.length === 0, 'the container has ended')
    expect(world.left().mounts).toEqual([])
    if (flags.length > 0) {
      expect(run(flags)).toMatchObject({ status: 7, stderr: '' }) // the name is free
    } else {
      expect(world.toolkit(['run', '--rm', 'busybox', 'true']).status).toBe(0)
      const kept = listed() // whole, and what it came to is known where there was time to write it down
      if (place === 'locked' || place === 'name taken') expect(kept).toEqual([])
      else expect(kept).toMatchObject([{ name: 'box', ...(undoing.includes(place) && { exitCode: 7 }) }])
      for (const { id } of kept) {
        const state = JSON.parse(
          fs.readFileSync(`${world.state}/containers/ended/${id.slice(0, 12)}/state.json`, 'utf8'),
        )
        expect(state.resources).toBeUndefined()
      }
      expect(world.toolkit(['rm', 'box']).status).toBe(kept.length > 0 ? 0 : 1)
    }
    await asBefore(before)
  })

  test.each(cases)('an error, $place $flags: undone at once, in one line', async ({ place, flags }) => {
    const before = look()
    const undo = undoing.includes(place)
    expect(run(flags, `${place}:error`)).toMatchObject(
      undo
        ? { status: 7, stderr: `toolkit: the container has ended, but failpoint: ${place}\n` }
        : { status: 125, stderr: `toolkit: failpoint: ${place}\n` },
    )
    if (place === 'program ended') world.toolkit(['rm', 'box']) // it is kept, and what is left of it is undone first
    if (undo) {
      if (flags.length === 0) expect(world.toolkit(['rm', 'box'])).toMatchObject({ status: 0, stderr: '' })
      else expect(run(flags)).toMatchObject({ status: 7, stderr: '' })
    }
    await asBefore(before)
  })

  test('killed while it cleans up after one that was killed', async () => {
    const before = look()
    for (const place of ['process made', ...undoing.filter(place => !onlyKept.includes(place))])
      expect(run(['--rm'], `${place}:kill`).signal, place).toBe('SIGKILL')
    expect(run(['--rm'])).toMatchObject({ status: 7, stderr: '' })
    await asBefore(before)
  })

  test('rm that is killed half way: the container is gone with the next command', async () => {
    const before = look()
    for (const place of onlyRemoved) {
      expect(run([]).status).toBe(7)
      expect(world.toolkit(['rm', 'box'], at(`${place}:kill`)).signal).toBe('SIGKILL')
      expect(run(['--rm'])).toMatchObject({ status: 7, stderr: '' })
      await asBefore(before)
    }
  })
})

const immutable = (() => {
  if (skipped) return ''
  fs.writeFileSync(`${world.state}/try`, '')
  const made = spawnSync('chattr', ['+i', `${world.state}/try`]).status === 0
  spawnSync('chattr', ['-i', `${world.state}/try`])
  fs.rmSync(`${world.state}/try`)
  return made ? '' : ' (skipped: no chattr +i here)'
})()

describe.skipIf(skipped || immutable)(`what cannot be undone now${skipped || immutable}`, () => {
  const chattr = (how: string, file: string) => expect(spawnSync('chattr', [how, file]).status).toBe(0)
  /** A container with --rm or without, whose file `held` has become immutable while it ran. */
  async function heldUp(flags: readonly string[]) {
    const args = [
      'run',
      '--name',
      'box',
      '-i',
      ...flags,
      'busybox',
      'sh',
      '-c',
      'echo x >/held; echo up; read x; exit 7',
    ]
    const started = world.start(args, 'pipe')
    await started.until('up')
    const [id] = world.left().live
    const file = `${world.state}/containers/live/${id}/upper/held`
    chattr('+i', file)
    started.child.stdin!.end('\n')
    return { id, file, code: (await started.exit).code, output: started.output() }
  }

  test('a file, --rm: exit code, a line, a row in ps; once it can be removed the next command does', async () => {
    const before = look()
    const { id, file, code, output } = await heldUp(['--rm'])
    const why = new RegExp(`cannot remove all of .*${id}: Operation not permitted`, 'i')
    expect({ code, output }).toEqual({ code: 7, output: expect.stringMatching(why) })
    expect(output.split('\n')).toHaveLength(3)
    expect(run(['--rm'])).toMatchObject({ status: 7, stderr: '' }) // it is in nobody's way, and its name is free
    expect(world.toolkit(['ps', '-a']).stdout).toMatch(new RegExp(`^${id} .*cannot be read`, 'm'))
    expect(world.toolkit(['rm', id!])).toMatchObject({ status: 1, stdout: '', stderr: expect.stringMatching(why) })
    chattr('-i', file)
    expect(run(['--rm']).status).toBe(7)
    await asBefore(before)
  })

  test('a file of a container that was kept: rm says so, and does not forget it', async () => {
    const before = look()
    const { id, file, code, output } = await heldUp([])
    expect({ code, output }).toEqual({ code: 7, output: 'up\n' })
    const moved = file.replace('/live/', '/ended/')
    expect(world.toolkit(['rm', 'box'])).toMatchObject({
      status: 1,
      stdout: '',
      stderr: expect.stringMatching(/^.*\n$/),
    })
    expect(fs.existsSync(moved)).toBe(false)
    expect(world.toolkit(['ps', '-a']).stdout).toContain(id)
    chattr('-i', file)
    world.toolkit(['rm', id!]) // the sweep does it: then there is no such container
    await asBefore(before)
  })

  test('a cgroup whose process does not end: a record that the next command finishes', async () => {
    const before = look()
    expect(run(['--explain'], 'process made:kill').signal).toBe('SIGKILL') // without a monitor, which would do it
    const [id] = world.left().live
    const { resources } = JSON.parse(fs.readFileSync(`${world.state}/containers/live/${id}/state.json`, 'utf8'))
    const group = resources.cgroups.find((path: string) => fs.existsSync(`${path}/cgroup.procs`))
    // The command itself is in the group, and would have to kill itself.
    const inside = (command: string) => world.shell(`echo $$ >${group}/cgroup.procs; $TOOLKIT ${command}; echo $?`)
    expect(inside('rm box')).toMatchObject({
      stdout: '1\n',
      stderr: expect.stringMatching(/^toolkit: container box cannot be removed now: the cgroup .* itself is in it\n$/),
    })
    expect(inside('run --rm --net none busybox echo works')).toMatchObject({ stdout: 'works\n0\n', stderr: '' })
    expect(world.left().live).toEqual([id])
    expect(fs.existsSync(group)).toBe(true)
    expect(world.toolkit(['rm', 'box'])).toMatchObject({ status: 0, stderr: '' })
    expect(fs.existsSync(group)).toBe(false)
    await asBefore(before)
  })
})
