// --cgroup-parent: where the groups lie, and that those above them go with the last container and not before.
import fs from 'node:fs'
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest'
import { readLayout } from '../../toolkit/observe/cgroups.ts'
import { eventually, nothing, skipped, World } from './toolkit.ts'

describe.skipIf(skipped)(`--cgroup-parent${skipped}`, () => {
  const world = new World()
  const name = `toolkit-test-${process.pid}`
  const places = (readLayout(process.pid)?.hierarchies ?? []).flatMap(({ mountPoint, directory }) =>
    directory === undefined ? [] : [{ top: mountPoint!, own: directory }],
  )
  /** Groups of this name that are there, below our own groups or at the top. */
  const there = () =>
    [...new Set(places.flatMap(({ top, own }) => [`${top}/${name}`, `${own}/${name}`]))].filter(fs.existsSync)
  /** Where a container's groups lie, as the host sees it: one path of each hierarchy in which it has one. */
  const look = (parent: string) => {
    const { stdout } = world.toolkit([
      ...['run', '--rm', '--cgroupns', 'host', '--cgroup-parent', parent, 'busybox', 'cat', '/proc/self/cgroup'],
    ])
    return stdout.split('\n').flatMap(line => (line.includes(name) ? [line.replace(/^\d+:[^:]*:/, '')] : []))
  }
  beforeEach(() => expect(there()).toEqual([]))
  afterAll(() => world.end())
  afterEach(() => {
    world.stopAll()
    world.removeAll()
    for (const place of there()) fs.rmdirSync(place)
    expect(world.left()).toEqual(nothing)
  })

  test('a/b lies below our own group, /a/b at the top; what was made for it goes with it', () => {
    const id = expect.stringMatching(new RegExp(`${name}/a/[0-9a-f]{12}$`))
    const own = look(`${name}/a`)
    expect(own.length).toBeGreaterThan(0)
    expect(own).toEqual(own.map(() => id))
    const top = look(`/${name}/a/`)
    expect(top).toEqual(top.map(() => expect.stringMatching(new RegExp(`^/${name}/a/[0-9a-f]{12}$`))))
    expect(top).toHaveLength(own.length)
    expect(there()).toEqual([])
  })

  test('a group that was there before stays', () => {
    world.toolkit(['run', '-d', '--name', 'box', '--cgroup-parent', name, 'busybox', 'sleep', '1000'])
    const [made] = there()
    world.toolkit(['rm', '-f', 'box'])
    fs.mkdirSync(made!)
    expect(look(name).length).toBeGreaterThan(0)
    expect(there()).toEqual([made])
  })

  test('two share it, and it goes with the last of them; inspect tells it', () => {
    const run = (box: string) =>
      world.toolkit(['run', '-d', '--name', box, '--cgroup-parent', name, 'busybox', 'sleep', '1000'])
    expect(run('one')).toMatchObject({ status: 0, stderr: '' })
    expect(run('two').status).toBe(0)
    const made = there()
    expect(made.length).toBeGreaterThan(0)
    expect(world.toolkit(['inspect', '-f', '{{.HostConfig.CgroupParent}}', 'one']).stdout).toBe(`${name}\n`)
    world.toolkit(['rm', '-f', 'one'])
    expect(there()).toEqual(made)
    expect(world.toolkit(['restart', '-t', '0', 'two']).status).toBe(0)
    expect(there()).toEqual(made)
    world.toolkit(['rm', '-f', 'two'])
    expect(there()).toEqual([])
  })

  test.each(['directory made', 'action 1', 'program started', 'cgroup removed'])(
    'kill -9 of the engine (%s): the next command removes it',
    async point => {
      const env = { ...world.env, TOOLKIT_FAILPOINT: `${point}:kill` }
      const run = ['run', '--rm', '--cgroup-parent', `${name}/a`, 'busybox', 'sleep', '0.1']
      expect(world.toolkit(run, { env })).toMatchObject({ status: null, signal: 'SIGKILL' })
      await eventually(() => world.left().processes.length === 0, 'the container has ended')
      world.sh('true')
      expect(there()).toEqual([])
      expect(world.left()).toEqual(nothing)
    },
  )

  test('one whose state is lost is found by its name', async () => {
    const run = world.start([
      'run',
      '--rm',
      '--cgroup-parent',
      name,
      'busybox',
      'sh',
      '-c',
      'echo ready; exec sleep 1000',
    ])
    await run.until('ready')
    const [id] = world.left().live
    await run.kill()
    fs.writeFileSync(`${world.state}/containers/live/${id}/state.json`, 'broken')
    world.sh('true')
    expect(there()).toEqual([])
    world.toolkit(['rm', '-f', id!])
  })

  test('refuses what is no path of a group', () => {
    for (const parent of ['..', 'a/../b', `/${name}/.`])
      for (const command of ['run', 'create'])
        expect(world.toolkit([command, '--cgroup-parent', parent, 'busybox', 'true'])).toMatchObject({
          status: command === 'run' ? 125 : 1,
          stderr: expect.stringMatching(new RegExp(`^toolkit: ${command}: --cgroup-parent \\S+: give the path.*\n$`)),
        })
  })
})
