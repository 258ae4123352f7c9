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
      new RegExp(`^${id} .*"sh -c 'echo kept >/…".*Exited \\(3\\) Less than a second ago +\\w+$`, 'm'),
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

  test('--format has docker’s fields, its templates, and a head that says what they say', () => {
    world.toolkit([
      'run',
      '-d',
      '--name',
      'box',
      '-v',
      'data:/data',
      '-v',
      '/usr/share/zoneinfo:/zones',
      '-l',
      'tier=db',
      'busybox',
      'sleep',
      '1000',
    ])
    const format = (text: string, ...flags: string[]) => world.toolkit(['ps', ...flags, '--format', text]).stdout
    expect(
      format('{{.Mounts}} {{.LocalVolumes}} {{.Networks}} {{.Label "tier"}}{{.Label "x"}} {{.Names | upper}}'),
    ).toBe('data,/usr/share/zon… 1 none db BOX\n')
    expect(format('{{.Mounts}}', '--no-trunc')).toBe('data,/usr/share/zoneinfo\n')
    expect(format('{{if eq .State "running"}}up{{else}}{{.State}}{{end}}')).toBe('up\n')
    expect(format('table {{.Names}} is {{.State}}')).toBe('NAMES is STATE\nbox is running\n')
    expect(JSON.parse(format('json'))).toMatchObject({ Names: 'box', Networks: 'none', LocalVolumes: '1' })
    expect(format('{{.CreatedAt}}')).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \+0000 UTC\n$/)
    expect(world.toolkit(['ps', '--format', '{{.Nmae}}'])).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(
        /^toolkit: --format: \{\{\.Nmae\}\}: there is no field Nmae; there are ID, .*Mounts.*Size\n$/,
      ),
    })
    for (const filter of ['network=none', 'volume=data', 'volume=/data', 'volume=/usr/share/zoneinfo'])
      expect([filter, format('{{.Names}}', '-f', filter)]).toEqual([filter, 'box\n'])
    for (const filter of ['network=host', 'volume=dat', 'publish=80', 'expose=1-65535/udp'])
      expect([filter, format('{{.Names}}', '-f', filter)]).toEqual([filter, ''])
    world.toolkit(['rm', '-f', 'box'])
    world.toolkit(['volume', 'rm', 'data'])
  })

  test('--size: what it has written, and that with what is below it', () => {
    world.toolkit(['run', '--name', 'box', 'busybox', 'sh', '-c', 'head -c 2500 /dev/zero >/file'])
    const { stdout } = world.toolkit(['ps', '-as'])
    expect(stdout).toMatch(/^CONTAINER ID .* NAMES +SIZE\n.* box +2\.5kB \(virtual [\d.]+MB\)\n$/)
    expect(world.toolkit(['ps', '-a', '--format', '{{.Size}}']).stdout).toMatch(/^2\.5kB \(virtual [\d.]+MB\)\n$/)
    expect(JSON.parse(world.toolkit(['ps', '-as', '--format', 'json']).stdout)).toHaveProperty('Size')
  })

  test.each([
    ['status=bogus', 'status is one of created, running, paused, restarting, exited, removing, dead'],
    ['exited=abc', 'exited is an exit code, a number from 0 to 255'],
    ['name=(', 'name is a part of it, or a regular expression'],
    ['publish=http', 'publish is a port or a range, such as 80, 53/udp or 8000-8010/tcp'],
    ['health=good', 'health is one of starting, healthy, unhealthy, none'],
  ])('--filter %s is refused', (filter, why) => {
    expect(world.toolkit(['ps', '-a', '--filter', filter])).toMatchObject({
      ...{ status: 1, stdout: '', stderr: `toolkit: ps: --filter "${filter}": ${why}\n` },
    })
  })

  test('filters of one name are alternatives', () => {
    for (const code of ['0', '3', '4'])
      world.toolkit(['run', '--name', `c${code}`, 'busybox', 'sh', '-c', `exit ${code}`])
    const names = (...filters: string[]) =>
      world
        .toolkit(['ps', '--format', '{{.Names}}', ...filters.flatMap(filter => ['-f', filter])])
        .stdout.split('\n')
        .filter(Boolean)
    expect(names('exited=3', 'exited=4')).toEqual(['c4', 'c3'])
    expect(names('status=exited', 'before=c3')).toEqual(['c0'])
    expect(names('status=running')).toEqual([])
    expect(world.toolkit(['ps', '-f', 'since=none']).status).toBe(1)
  })

  test('output that cannot be written is said in one line', () => {
    const { status, stderr } = world.shell('$TOOLKIT ps >/dev/full')
    expect({ status, stderr }).toEqual({
      status: 1,
      stderr: 'toolkit: the output cannot be written: no space left, or a limit on their number reached\n',
    })
    expect(world.shell('$TOOLKIT ps --wat 2>/dev/full').status).toBe(125)
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
        status: args.includes('--wat') ? 125 : 1,
        stderr: expect.stringMatching(/^toolkit: .*\n$/),
      })
  })

  test('not root: says so, instead of an empty list', () => {
    world.toolkit(['run', 'busybox', 'true'])
    const { status, stderr } = world.shell(
      'chmod a+x $TOOLKIT_STATE; chmod 711 $TOOLKIT_STATE/containers/ended; setpriv --reuid 65534 --clear-groups $TOOLKIT ps -a',
    )
    expect({ status, stderr }).toEqual({
      status: 1,
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
