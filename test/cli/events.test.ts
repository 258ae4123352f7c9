import fs from 'node:fs'
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest'
import { MOST } from '../../toolkit/engine/state/events.ts'
import { skipped, World } from './toolkit.ts'

const world = new World()
afterAll(() => world.end())
beforeEach(() => fs.rmSync(`${world.state}/events`, { recursive: true, force: true }))
afterEach(() => {
  world.stopAll()
  world.removeAll()
})

const toolkit = (...args: string[]) => world.toolkit(args)
const past = (...flags: string[]) => toolkit('events', '--since', '1h', '--until', '0s', ...flags).stdout
const actions = (...flags: string[]) =>
  past('--format', '{{.Action}}', ...flags)
    .trim()
    .split('\n')

describe.skipIf(skipped)(`events${skipped}`, () => {
  test('the life of containers, in docker’s words and order', () => {
    toolkit('run', '--rm', '--name', 'one', 'busybox', 'sh', '-c', 'exit 3')
    expect(actions()).toEqual(['create', 'attach', 'start', 'die', 'destroy'])
    expect(past('-f', 'event=die')).toMatch(
      /^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z container die [0-9a-f]{64} \(exitCode=3, image=busybox, name=one\)\n$/,
    )
    toolkit('create', '--name', 'box', 'busybox', 'sh', '-c', 'trap "" USR1; sleep 1000')
    toolkit('start', 'box')
    toolkit('pause', 'box')
    toolkit('unpause', 'box')
    toolkit('kill', '-s', 'USR1', 'box')
    toolkit('exec', 'box', 'sh', '-c', 'exit 4')
    toolkit('rename', 'box', 'chest')
    toolkit('restart', '-t', '0', 'chest')
    toolkit('rm', '-f', 'chest')
    const exec = ['exec_create: sh -c exit 4', 'exec_start: sh -c exit 4', 'exec_die']
    const first = ['create', 'start', 'pause', 'unpause', 'kill', ...exec, 'rename', 'kill']
    // What a monitor tells of an end, and what `stop` tells, come in either order.
    const all = actions('-f', 'container=box', '-f', 'container=chest')
    expect(all.slice(0, first.length)).toEqual(first)
    expect(all.slice(first.length, -3).sort()).toEqual(['die', 'kill', 'kill', 'restart', 'start', 'stop'].sort())
    expect(all.slice(-3).sort()).toEqual(['destroy', 'die', 'stop'])
    expect(all.at(-1)).toBe('destroy')
    expect(past('-f', 'event=exec_die', '--format', '{{.Actor.Attributes.exitCode}}')).toBe('4\n')
    expect(past('-f', 'event=rename', '--format', '{{.Actor.Attributes.oldName}} {{.Actor.Attributes.name}}')).toBe(
      'box chest\n',
    )
  })

  test('what is done with a container while it runs: attach, top, cp, both ways', () => {
    toolkit('run', '-d', '--name', 'box', 'busybox', 'sleep', '1000')
    const before = actions().length
    toolkit('top', 'box')
    toolkit('cp', '/etc/hostname', 'box:/file')
    toolkit('cp', 'box:/file', '-')
    expect(actions().slice(before)).toEqual(['top', 'extract-to-dir', 'archive-path'])
    toolkit('kill', '-s', '', 'box') // as without it
    toolkit('start', '-a', 'nosuch')
    toolkit('create', '--name', 'other', 'busybox', 'true')
    toolkit('start', '-a', 'other')
    expect(actions('-f', 'container=other')).toEqual(['create', 'attach', 'start', 'die'])
    expect(past('-f', 'event=kill', '--format', '{{.Actor.Attributes.signal}}')).toBe('9\n')
    toolkit('container', 'prune', '-f')
    expect(past('-f', 'event=prune', '--format', '{{.Type}} {{len .Actor.Attributes}}')).toBe('container 1\n')
  })

  test('volumes come and go with who has them', () => {
    const volumes = (name: string) =>
      past('-f', `volume=${name}`, '--format', '{{.Action}} {{index .Actor.Attributes "destination"}}')
        .trim()
        .split('\n')
        .map(line => line.replace(/ (<no value>)?$/, ''))
    toolkit('run', '--rm', '-v', 'files:/x:ro', 'busybox', 'true')
    expect(volumes('files')).toEqual(['create', 'mount /x', 'unmount'])
    toolkit('run', '-d', '--name', 'box', '-v', 'files:/y', 'busybox', 'sleep', '1000')
    toolkit('rm', '-f', 'box')
    expect(volumes('files').slice(3)).toEqual(['mount /y', 'unmount'])
    const written = past('-f', 'event=mount', '--format', '{{index .Actor.Attributes "read/write"}}')
    expect(written).toBe('false\ntrue\n')
    toolkit('volume', 'rm', 'files')
  })

  test('labels are attributes, and what one can ask for', () => {
    toolkit('run', '--rm', '--name', 'db', '-l', 'tier=db', '-l', 'name=not', 'busybox', 'true')
    toolkit('run', '--rm', '--name', 'web', '-l', 'tier=web', 'busybox', 'true')
    const named = (...labels: string[]) =>
      past(
        '--format',
        '{{.Actor.Attributes.name}}',
        '-f',
        'event=die',
        ...labels.flatMap(label => ['-f', `label=${label}`]),
      )
    expect(named('tier=db')).toBe('db\n')
    expect(named('tier=db', 'tier=web')).toBe('') // all of them
    expect(named('tier')).toBe('db\nweb\n')
    expect(named('none')).toBe('')
    expect(past('-f', 'event=create', '-f', 'label=tier=db')).toMatch(/ \(image=busybox, name=db, tier=db\)\n$/)
  })

  test('volumes and networks; filters; JSON in docker’s shape', () => {
    toolkit('volume', 'create', 'files')
    toolkit('volume', 'rm', 'files')
    toolkit('network', 'create', 'lan')
    toolkit('network', 'rm', 'lan')
    expect(actions('-f', 'type=volume')).toEqual(['create', 'destroy'])
    expect(actions('-f', 'network=lan')).toEqual(['create', 'destroy'])
    expect(toolkit('system', 'events', '--since', '1h', '--until', '0s').stdout).toBe(past())
    expect(past('-f', 'type=container')).toBe('')
    const [event] = past('--format', 'json')
      .trim()
      .split('\n')
      .map(line => JSON.parse(line))
    expect(Object.keys(event)).toEqual(['Type', 'Action', 'Actor', 'scope', 'time', 'timeNano'])
    expect(event.Actor).toEqual({ ID: 'files', Attributes: { driver: 'local' } })
    expect(toolkit('events', '--filter', 'colour=red')).toMatchObject({ status: 1 })
  })

  test('those to come are followed into a new part; of several commands at once no line is lost or torn', async () => {
    const follower = world.start(['events', '--since', '1h', '--format', 'json'])
    toolkit('volume', 'create', 'first')
    await follower.until('"first"')
    fs.appendFileSync(`${world.state}/events/log`, `${'x'.repeat(MOST)}\n`) // no event, and the part is full
    const script = 'for i in 1 2 3 4 5 6 7 8; do $TOOLKIT run --rm busybox true & done; wait'
    expect(world.shell(script).status).toBe(0)
    toolkit('volume', 'create', 'last')
    await follower.until('"last"')
    const found = follower
      .output()
      .trim()
      .split('\n')
      .map(line => JSON.parse(line))
    const containers = new Set(found.map(({ id }) => id).filter(Boolean))
    expect(containers.size).toBe(8)
    for (const id of containers)
      expect(found.filter(event => event.id === id).map(({ Action }) => Action)).toEqual([
        'create',
        'attach',
        'start',
        'die',
        'destroy',
      ])
    expect(fs.existsSync(`${world.state}/events/log.1`)).toBe(true)
    expect(fs.statSync(`${world.state}/events/log`).size).toBeLessThan(MOST)
    expect(actions('-f', 'type=volume')).toEqual(['create', 'create']) // both parts are read
  })

  test('how long ago is counted by a clock that nobody sets: the date of an event does not matter', () => {
    toolkit('volume', 'create', 'a1')
    const path = `${world.state}/events/log`
    fs.writeFileSync(path, fs.readFileSync(path, 'utf8').replace(/"timeNano":\d+/, '"timeNano":1000000000')) // 1970
    expect(actions()).toEqual(['create'])
  })

  test('a disk that takes none stands in nobody’s way', () => {
    fs.writeFileSync(`${world.state}/events`, '')
    expect(toolkit('run', '--rm', 'busybox', 'true')).toMatchObject({ status: 0, stderr: '' })
    fs.rmSync(`${world.state}/events`)
  })
})
