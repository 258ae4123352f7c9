import fs from 'node:fs'
import { afterAll, beforeEach, describe, expect, test } from 'vitest'
import { skipped, World } from './toolkit.ts'

const world = new World()
afterAll(() => world.end())
beforeEach(() => fs.rmSync(`${world.state}/containers`, { recursive: true, force: true }))

const ids = () => [...world.left().ended, ...world.left().live].sort()

describe.skipIf(skipped)(`ps and rm${skipped}`, () => {
  test('nothing yet', () => {
    expect(world.toolkit(['ps'])).toMatchObject({ status: 0, stdout: expect.stringMatching(/^CONTAINER ID .*\n$/) })
    expect(world.toolkit(['ps', '-a', '--json']).stdout).toBe('[]\n')
  })

  test('a container that has ended is kept with its exit code and its changes, until rm', () => {
    expect(world.toolkit(['run', 'busybox', 'sh', '-c', 'echo kept >/file; exit 3']).status).toBe(3)
    const [id] = ids()
    expect(world.toolkit(['ps']).stdout).not.toContain(id)
    expect(world.toolkit(['ps', '-a']).stdout).toMatch(
      new RegExp(`^${id} .*"sh -c echo kept >/f…".*Exited \\(3\\) Less than a second ago +\\w+$`, 'm'),
    )
    expect(fs.readFileSync(`${world.state}/containers/ended/${id}/upper/file`, 'utf8')).toBe('kept\n')
    expect(JSON.parse(world.toolkit(['ps', '-a', '--json']).stdout)).toMatchObject([{ exitCode: 3, running: false }])
    expect(world.toolkit(['rm', id!.slice(0, 4)])).toMatchObject({
      status: 0,
      stdout: `${id!.slice(0, 4)}\n`,
      stderr: '',
    })
    expect(ids()).toEqual([])
  })

  test('a running one is listed with its pid, and rm refuses it', async () => {
    const run = world.start(['run', 'busybox', 'sh', '-c', 'echo ready; sleep 1000'])
    await run.until('ready')
    const [id] = ids()
    expect(world.toolkit(['ps']).stdout).toMatch(new RegExp(`^${id} .*Up Less than a second +\\w+$`, 'm'))
    expect(world.toolkit(['rm', id!])).toMatchObject({ status: 1, stderr: expect.stringContaining('running') })
    const [{ pid }] = JSON.parse(world.toolkit(['ps', '--json']).stdout) as [{ pid: number }]
    process.kill(pid, 'SIGKILL')
    expect(await run.exit).toEqual({ code: 137, signal: null })
    expect(world.toolkit(['ps', '-a']).stdout).toMatch(/Exited \(137\) .* +\w+$/m)
    expect(world.toolkit(['rm', id!]).status).toBe(0)
  })

  test('many who look at once do not take each other for a running container', () => {
    world.toolkit(['run', 'busybox', 'true'])
    const { stdout } = world.shell('for i in $(seq 12); do $TOOLKIT ps -a & done | grep -c "Exited (0)"; wait')
    expect(stdout).toBe('12\n')
  })

  test('rm goes on after one that is not there', () => {
    world.toolkit(['run', 'busybox', 'true'])
    const [id] = ids()
    expect(world.toolkit(['rm', 'ffff', id!])).toMatchObject({
      status: 1,
      stdout: `${id}\n`,
      stderr: expect.stringMatching(/^toolkit: .*"ffff".*\n$/),
    })
    expect(ids()).toEqual([])
  })

  test.each([['../../rootfs'], ['.'], [''], ['*'], ['/']])('rm %j touches nothing', id => {
    world.toolkit(['run', 'busybox', 'true'])
    expect(world.toolkit(['rm', id]).status).toBe(1)
    expect(ids()).toHaveLength(1)
    expect(fs.existsSync(`${world.rootfs}/bin/busybox`)).toBe(true)
  })

  test('--rm keeps nothing', () => {
    world.toolkit(['run', '--rm', 'busybox', 'touch', '/file'])
    expect(world.left()).toMatchObject({ ended: [], live: [] })
  })

  test('a word too many, an unknown flag, no id', () => {
    for (const args of [['ps', 'x'], ['ps', '--wat'], ['rm'], ['rm', '--wat', 'x']])
      expect(world.toolkit(args), args.join(' ')).toMatchObject({
        status: 125,
        stderr: expect.stringMatching(/^toolkit: .*\n$/),
      })
  })

  test('not root: says so, instead of an empty list', () => {
    world.toolkit(['run', 'busybox', 'true'])
    const { status, stderr } = world.shell(
      'chmod a+x $TOOLKIT_STATE; chmod 711 $TOOLKIT_STATE/containers/ended; setpriv --reuid 65534 --clear-groups $TOOLKIT ps -a',
    )
    expect({ status, stderr }).toEqual({
      status: 125,
      stderr: expect.stringMatching(/^toolkit: cannot read .*; try: sudo toolkit …\n$/),
    })
  })

  test('a state file that cannot be read: the line says so, and rm removes it', () => {
    world.toolkit(['run', 'busybox', 'true'])
    fs.writeFileSync(`${world.state}/containers/ended/${ids()[0]}/state.json`, '{')
    expect(world.toolkit(['ps', '-a']).stdout).toMatch(/^[0-9a-f]{12} .*cannot be read/m)
    expect(world.toolkit(['rm', ids()[0]!]).status).toBe(0)
  })
})
