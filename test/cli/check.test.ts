// toolkit system check: each thing is broken by hand, and then found, explained and put right.
import fs from 'node:fs'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { readLayout } from '../../toolkit/observe/cgroups.ts'
import { readStat } from '../../toolkit/observe/process.ts'
import { eventually, nothing, skipped, World } from './toolkit.ts'

const world = new World()
afterAll(() => world.end())
const toolkit = (...args: string[]) => world.toolkit(args)
const check = (...flags: string[]) => toolkit('system', 'check', ...flags)
const at = (path: string) => `${world.state}/${path}`
const put = (path: string, text: string) => {
  fs.mkdirSync(at(path.replace(/\/[^/]*$/, '')), { recursive: true })
  fs.writeFileSync(at(path), text)
}
/** What lies aside, by its path in the state directory without the time. */
const aside = () =>
  fs
    .readdirSync(world.state, { recursive: true })
    .map(String)
    .filter(path => /\.corrupt-\d{8}T\d{6}Z$/.test(path))
    .map(path => path.replace(/-\d{8}T\d{6}Z$/, ''))
    .sort()
const well = { status: 0, stdout: 'All is well.\n', stderr: '' }

/** Each of `lines` is found, and nothing else; then put right, and then nothing is found. */
function found(lines: readonly RegExp[]): void {
  const before = fs.readdirSync(world.state, { recursive: true }).map(String).sort()
  const look = check()
  expect(look.stderr).toBe('')
  const said = look.stdout.split('\n\n')[0]!.trimEnd().split('\n')
  for (const line of lines) expect(said.filter(text => line.test(text))).toHaveLength(1)
  expect(said).toHaveLength(lines.length)
  expect(look.status).toBe(1)
  expect(fs.readdirSync(world.state, { recursive: true }).map(String).sort()).toEqual(before) // it has only looked
  const repaired = check('--repair')
  for (const line of lines) expect(repaired.stdout).toMatch(new RegExp(line, 'm'))
  expect(repaired).toMatchObject({ status: 0, stderr: '' })
  expect(check()).toMatchObject(well)
}

describe.skipIf(skipped)(`system check${skipped}`, () => {
  beforeAll(() => void check('--repair')) // groups that tests which were killed have left on the machine
  afterEach(() => {
    world.stopAll()
    world.removeAll()
    expect(world.left()).toEqual(nothing)
  })

  test('all is well: with nothing, with containers, volumes and networks', () => {
    expect(check()).toMatchObject(well)
    toolkit('run', '-d', '--name', 'box', '-v', 'data:/data', 'busybox', 'sleep', '1000')
    toolkit('create', '--name', 'made', 'busybox', 'true')
    toolkit('network', 'create', 'net')
    expect(check()).toMatchObject(well)
    expect(JSON.parse(check('--json').stdout)).toEqual({ version: 1, ok: true, findings: [] })
  })

  test('files: damaged, newer, half made, half gone, leading nowhere', () => {
    const ids = ['one', 'two', 'three', 'four'].map(name => {
      toolkit('run', '--name', name, '-v', `${name}:/data`, 'busybox', 'true')
      return toolkit('inspect', '-f', '{{.Id}}', name).stdout.slice(0, 12)
    })
    for (const name of ['vol', 'torn']) toolkit('volume', 'create', name)
    put('volumes/torn/_data/precious', 'kept')
    toolkit('network', 'create', 'lost')
    expect(check()).toMatchObject(well)

    put(`containers/ended/${ids[0]}/state.json`, '{')
    const newer = JSON.parse(fs.readFileSync(at(`containers/ended/${ids[1]}/state.json`), 'utf8'))
    put(`containers/ended/${ids[1]}/state.json`, JSON.stringify({ ...newer, version: 99 }))
    put(`containers/ended/${ids[2]}/mounts.json`, 'x')
    put(`containers/ended/${ids[2]}/state.json.new`, '{"half')
    fs.unlinkSync(at('containers/names/three'))
    put('volumes/four/filling', '')
    put('volumes/four/_data/half', '')
    fs.mkdirSync(at('containers/live/aaaaaaaaaaaa'), { recursive: true })
    fs.symlinkSync('bbbbbbbbbbbb', at('containers/names/nobody'))
    fs.symlinkSync('bbbbbbbbbbbb', at('containers/names/half.new'))
    put('containers/names/file', '')
    put('volumes/.new-half/volume.json', '')
    put('volumes/.gone-half/x', '')
    put('volumes/torn/volume.json', '[]')
    put('volumes/nothing/x', '')
    put('networks/.gone-half/definition.json', '')
    put('networks/lost/definition.json', '{"version": 99}')
    put('networks/bridge/leases/10.9.9.9', 'x')
    put('networks/bridge/network.json', '')
    put('networks/.host.json', '{')
    put('labs/lab-1-1-1', '{"cgroups":[]}\n')
    put('cache/seccomp/12345678.bpf', 'short')
    fs.mkdirSync(at('rootfs/other.gone'))
    found([
      new RegExp(`^container ${ids[0]}: .* is not a state|^container ${ids[0]}: is damaged`),
      new RegExp(`^container ${ids[1]}: .*written by a newer toolkit`),
      new RegExp(`^container ${ids[2]}: .*mounts.json is damaged`),
      new RegExp(`^container ${ids[2]}: .*state.json.new was never finished`),
      /^container aaaaaaaaaaaa: somebody was killed/,
      /^name three: container .* has this name/,
      /^name nobody: it is taken, and no container has it/,
      /^name half.new: it is taken/,
      /^name file: .*is no name/,
      /^volume four: somebody was killed who filled it/,
      /^volume half: somebody was killed who made it/,
      /^volume half: somebody was killed who removed it/,
      /^volume torn: .*as they were/,
      /^volume nothing: .*is no volume/,
      /^network half: somebody was killed who removed it/,
      /^network lost: .*definition.json is not there, damaged/,
      /^network bridge: .*10.9.9.9 is no lease/,
      /^network bridge: .*network.json is damaged/,
      /^network bridge: .*host.json is damaged/,
      /^lab lab-1-1-1: its tutor was killed/,
      /^cache .*12345678.bpf: a compiled filter/,
      /^cache .*other.gone: a root file system/,
    ])
    expect(aside()).toEqual(
      [
        `containers/ended/${ids[0]}.corrupt`,
        `containers/ended/${ids[1]}.corrupt`,
        `containers/ended/${ids[2]}/mounts.json.corrupt`,
        'containers/names/file.corrupt',
        'networks/.bridge-10.9.9.9.corrupt',
        'networks/.host.json.corrupt',
        'networks/.lost.corrupt',
        'networks/bridge/network.json.corrupt',
        'volumes/.nothing.corrupt',
        'volumes/torn/volume.json.corrupt',
      ].sort(),
    )
    expect(fs.readFileSync(at('volumes/torn/_data/precious'), 'utf8')).toBe('kept')
    const put99 = fs.readdirSync(at('containers/ended')).find(name => name.startsWith(`${ids[1]}.`))!
    expect(JSON.parse(fs.readFileSync(at(`containers/ended/${put99}/state.json`), 'utf8')).version).toBe(99)
    expect(toolkit('start', '-a', 'four').status).toBe(0)
    expect(toolkit('rm', 'three', 'four').status).toBe(0)
    for (const name of fs.readdirSync(at('containers/ended')))
      fs.rmSync(at(`containers/ended/${name}`), { recursive: true })
    for (const name of fs.readdirSync(at('volumes'))) fs.rmSync(at(`volumes/${name}`), { recursive: true })
  })

  test('a volume that was taken away from its container', () => {
    toolkit('run', '--name', 'box', '-v', 'data:/data', 'busybox', 'touch', '/data/x')
    fs.rmSync(at('volumes/data'), { recursive: true })
    found([/its volume data is gone/])
    expect(toolkit('start', '-a', 'box').status).toBe(0)
  })

  test('what cannot be repaired is said each time', () => {
    fs.cpSync(world.rootfs, at('own'), { recursive: true, verbatimSymlinks: true })
    toolkit('create', '--name', 'box', at('own'), 'true')
    fs.rmSync(at('own'), { recursive: true })
    const line =
      /^container .*the root file system that it is made of is gone: .*; 'toolkit rm' removes it; --repair cannot help$/m
    for (const flags of [[], ['--repair'], ['--repair']])
      expect(check(...flags)).toMatchObject({ status: 1, stdout: expect.stringMatching(line) })
    const { ok, findings } = JSON.parse(check('--json').stdout)
    expect(ok).toBe(false)
    expect(findings).toMatchObject([{ kind: 'container', repairable: false, done: null }])
  })

  test('an engine that was killed', async () => {
    const run = world.start([
      'run',
      '--rm',
      '--name',
      'box',
      '-m',
      '100m',
      'busybox',
      'sh',
      '-c',
      'echo ready; sleep 1000',
    ])
    await run.until('ready')
    await run.kill()
    await eventually(() => check().stdout.includes('it has ended'), 'its container has ended')
    found([/^container .*: it has ended, and whoever looked after it was killed/])
    expect(toolkit('ps', '-a', '--format', '{{.State}}').stdout).toBe('')
  })

  test('a monitor that was killed', () => {
    toolkit('run', '-d', '--name', 'box', 'busybox', 'sleep', '1000')
    const monitor = readStat(world.init())!.ppid
    process.kill(monitor, 'SIGKILL')
    found([/^container .*: it runs, but its monitor was killed/])
    expect(toolkit('ps', '--format', '{{.State}}').stdout).toBe('running\n')
    expect(readStat(world.init())!.ppid).not.toBe(monitor)
  })

  test('a container whose directory was taken away while it ran', async () => {
    const id = toolkit('run', '-d', '--name', 'box', 'busybox', 'sleep', '1000').stdout.slice(0, 12)
    const pid = world.init()
    process.kill(readStat(pid)!.ppid, 'SIGKILL') // its monitor would put something back
    fs.renameSync(at(`containers/live/${id}`), at('elsewhere'))
    found([new RegExp(`^process ${pid}: of container ${id}`), /^name box: it is taken/])
    await eventually(() => !fs.existsSync(`/proc/${pid}`) || readStat(pid)?.state === 'Z', 'it has ended')
    fs.rmSync(at('elsewhere'), { recursive: true })
    for (const group of groupsOf(id)) await removeGroup(group)
  })

  test('groups of one that has ended; a mount on the host', () => {
    const id = toolkit('create', '--name', 'box', 'busybox', 'true').stdout.slice(0, 12)
    const { mountPoint, directory } = readLayout(process.pid)!.hierarchies.find(
      ({ writable, controllers }) => writable && !controllers.includes('cpuset'),
    )!
    expect(mountPoint).toBeDefined()
    fs.mkdirSync(`${directory}/toolkit/${id}`, { recursive: true })
    fs.mkdirSync(`${directory}/toolkit/0123456789ab`)
    expect(check().stdout).not.toContain('0123456789ab') // somebody may be about to use it
    fs.utimesSync(`${directory}/toolkit/0123456789ab`, 0, 0)
    found([
      /^cgroup .*0123456789ab: an empty group of no container/,
      new RegExp(`^cgroup .*/toolkit/${id}: a group of container ${id}, which has ended`),
    ])
    for (const name of [id, '0123456789ab']) expect(fs.existsSync(`${directory}/toolkit/${name}`)).toBe(false)
    const script = `mount -t tmpfs none ${at(`containers/ended/${id}/upper`)}; $TOOLKIT system check; $TOOLKIT system check --repair && $TOOLKIT system check`
    const { stdout } = world.shell(`unshare -m sh -c '${script}'`)
    expect(stdout).toMatch(/^mount .*upper: mounted on the host \(tmpfs\)/)
    expect(stdout).toMatch(/unmounted it\nAll is well\.\n$/)
  })

  test('the network of the host: bridge, rules, cables and addresses', () => {
    const { stdout, stderr } = world.shell(`unshare -n bash --norc -c '
      export TOOLKIT_NETWORK=bridge; ip link set lo up
      $TOOLKIT run -d --name box busybox sleep 1000 >/dev/null
      bridge=$(ip -br link | grep -o "^toolkit-[0-9a-f]*")
      step() { echo "== $1"; $TOOLKIT system check; $TOOLKIT system check --repair >/dev/null; echo $?; $TOOLKIT system check; }
      step well
      ip link del $bridge; step bridge; $ROOTFS/bin/busybox ping -c 1 -W 2 172.17.0.2 >/dev/null && echo reached
      nft delete table ip $bridge; nft delete table bridge $bridge; step rules
      echo 0 >/proc/sys/net/ipv4/ip_forward; step forward
      $TOOLKIT rm -f box >/dev/null; sleep 0.8
      step gone
      ip link add $bridge type bridge; ip link add tk0123456789ab type veth peer name x; ip link set tk0123456789ab master $bridge
      nft add table ip $bridge; nft add chain ip $bridge forward
      step left; ip -br link | grep -c "$bridge\\|tk0123"; nft list tables
    '`)
    expect(stderr).toBe('')
    const parts = Object.fromEntries(
      stdout
        .split('== ')
        .slice(1)
        .map(part => [part.split('\n')[0], part.split('\n').slice(1).join('\n')]),
    )
    expect(parts.well).toBe('All is well.\n0\nAll is well.\n')
    expect(parts.bridge).toMatch(/^network bridge: its bridge .* is gone: nobody reaches/)
    expect(parts.bridge).toMatch(/\n0\nAll is well\.\nreached\n$/)
    expect(parts.rules).toMatch(/^network toolkit-.*: nftables has no table of ours/)
    expect(parts.rules).toMatch(/\n0\nAll is well\.\n$/)
    expect(parts.forward).toMatch(/^network ip_forward: it is off/)
    expect(parts.forward).toMatch(/\n0\nAll is well\.\n$/)
    expect(parts.gone).toBe('All is well.\n0\nAll is well.\n')
    expect(parts.left).toMatch(/the bridge is there, and no container is in its network/)
    expect(parts.left).toMatch(/tk0123456789ab: a cable into a bridge of ours, of no container/)
    expect(parts.left).toMatch(/nftables has a table of ours, and there is no container/)
    expect(parts.left).toMatch(/\n0\nAll is well\.\n0\n$/)
  })
})

const groupsOf = (id: string): string[] =>
  (readLayout(process.pid)?.hierarchies ?? [])
    .map(({ directory }) => `${directory}/toolkit/${id}`)
    .filter(path => fs.existsSync(path))

async function removeGroup(path: string): Promise<void> {
  await eventually(() => {
    try {
      fs.rmdirSync(path)
      return true
    } catch {
      return false
    }
  }, `${path} is empty`)
}
