import { spawn } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { describe, expect, test } from 'vitest'
import { capabilityNames, readCapabilities } from '../../toolkit/observe/capabilities.ts'
import { descriptorKind, readDescriptors } from '../../toolkit/observe/descriptors.ts'
import { differences } from '../../toolkit/observe/differences.ts'
import { isIdentity, readIdMaps } from '../../toolkit/observe/id-maps.ts'
import { formatNamespace, ownerOf, readNamespaces } from '../../toolkit/observe/namespaces.ts'
import { readOomScore } from '../../toolkit/observe/oom.ts'
import { children, processes, readStat } from '../../toolkit/observe/process.ts'
import { readSeccomp } from '../../toolkit/observe/seccomp.ts'
import { xray } from '../../toolkit/observe/xray.ts'
import { script, until } from './helpers.ts'

const NO_PID = 0x7fffffff
const root = process.getuid!() === 0
const skipped = root ? '' : ' (skipped: needs root)'
const run = 'echo ready; read x'

describe.skipIf(!root)(`readers${skipped}`, () => {
  test('capabilities are names', async () => {
    const pid = await script(run, 'setpriv', '--bounding-set=-all,+chown,+net_raw', '--inh-caps=-all')
    expect(readCapabilities(pid)).toEqual({
      effective: ['CHOWN', 'NET_RAW'],
      permitted: ['CHOWN', 'NET_RAW'],
      bounding: ['CHOWN', 'NET_RAW'],
      inheritable: [],
      ambient: [],
    })
    expect(capabilityNames(1n | (1n << 21n) | (1n << 63n))).toEqual(['CHOWN', 'SYS_ADMIN', '63'])
    expect(capabilityNames(0n)).toEqual([])
  })

  test('no_new_privs', async () => {
    expect(readSeccomp(process.pid)).toMatchObject({ mode: 'none', filters: 0, noNewPrivs: false })
    expect(readSeccomp(await script(run, 'setpriv', '--no-new-privs'))).toMatchObject({ noNewPrivs: true })
  })

  test('id maps, of ours and of a user namespace', async () => {
    expect(isIdentity(readIdMaps(process.pid)!.uid)).toBe(true)
    const pid = await script(run, 'unshare', '--user', '--map-user=7', '--map-group=8')
    expect(readIdMaps(pid)).toEqual({
      uid: [{ inside: 7, outside: 0, count: 1 }],
      gid: [{ inside: 8, outside: 0, count: 1 }],
      setgroups: 'deny',
    })
    expect(readIdMaps(await script(run, 'unshare', '--user'))).toMatchObject({ uid: [], gid: [], setgroups: 'allow' })
  })

  test('the OOM score', async () => {
    const pid = await script(`echo 500 > /proc/self/oom_score_adj; ${run}`)
    expect(readOomScore(pid)).toEqual({
      score: Number(readFileSync(`/proc/${pid}/oom_score`, 'utf8')),
      adjustment: 500,
    })
  })

  test('open descriptors by kind', async () => {
    const pid = await script(`exec 3</etc/passwd 4</dev/zero 5</proc/self/ns/uts 2>/dev/null; ${run}`)
    expect(readDescriptors(pid)).toMatchObject({
      count: readdirSync(`/proc/${pid}/fd`).length,
      kinds: { file: 1, device: 2, socket: 2, namespace: 1 },
    })
    expect(
      ['/dev/pts/3', '/memfd:x (deleted)', 'pipe:[1]', 'anon_inode:[eventpoll]', '/dev/shm/x'].map(descriptorKind),
    ).toEqual(['terminal', 'memfd', 'pipe', 'other', 'file'])
  })

  test('whose a namespace is', async () => {
    const user = readNamespaces(process.pid)!.user
    expect(ownerOf(await script(run, 'unshare', '--uts'), 'uts')).toEqual(user)
    const pid = await script(run, 'unshare', '--user', '--uts')
    expect(ownerOf(pid, 'uts')).toEqual(readNamespaces(pid)!.user)
    expect(ownerOf(pid, 'net')).toEqual(user)
    expect(ownerOf(process.pid, 'user')).toBeUndefined() // of the one that is above, which nobody may see
  })

  test('nobody', () => {
    for (const read of [readCapabilities, readSeccomp, readIdMaps, readOomScore, readDescriptors, xray])
      expect(read(NO_PID), read.name).toBeUndefined()
    expect(ownerOf(NO_PID, 'uts')).toBeUndefined()
  })
})

describe.skipIf(!root)(`one look${skipped}`, () => {
  test('at ourselves', () => {
    const found = xray(process.pid)!
    expect(found.unread).toEqual([])
    expect(found.identity).toMatchObject({ pid: process.pid, state: 'R', isKernelThread: false, ppid: process.ppid })
    expect(found.identity.exe?.path).toBe(process.execPath)
    expect(found.identity.environment).toBe(readFileSync('/proc/self/environ').length)
    for (const [type, { id, isOurs }] of Object.entries(found.namespaces!))
      expect([id, isOurs]).toEqual([formatNamespace(readNamespaces(process.pid)![type as 'uts']), true])
  })

  test('at a socket that listens', async () => {
    const server = createServer()
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as { port: number }
    const ports = () => xray(process.pid)!.network.listening!.map(socket => ('local' in socket ? socket.local.port : 0))
    expect(ports()).toContain(port)
    await new Promise(resolve => server.close(resolve))
    expect(ports()).not.toContain(port)
  })

  test('at a process in namespaces of its own', async () => {
    const shell = await script(`hostname elsewhere; ${run}`, 'unshare', '-muinp', '--fork', '--mount-proc')
    const { pid } = children(shell)[0]!
    const found = xray(pid)!
    expect(found.hostname).toBe('elsewhere')
    expect(found.identity.nsPid).toEqual([pid, 1])
    expect(
      Object.entries(found.namespaces!)
        .filter(([, { isOurs }]) => !isOurs)
        .map(([type]) => type),
    ).toEqual(['mnt', 'uts', 'ipc', 'pid', 'pid_for_children', 'net'])
    expect(found.network.links).toMatchObject([{ name: 'lo', up: false }])
    expect(found.network.routes).toEqual([])
  })

  test('at a zombie', async () => {
    const parent = await script('sleep 0.2 & echo ready; exec sleep 1000')
    const [zombie] = await until(() => {
      const found = children(parent).filter(({ state }) => state === 'Z')
      return found.length > 0 && found
    })
    const found = xray(zombie!.pid)!
    expect(found).toMatchObject({
      identity: { state: 'Z', argv: [], isKernelThread: false, root: undefined, exe: undefined },
      namespaces: undefined,
      mounts: undefined,
      unread: [],
    })
    expect(differences(found, xray(process.pid)!).map(({ what }) => what)).not.toContain('mnt')
  })

  test('at a thread of the kernel', () => {
    const thread = processes().find(({ comm }) => comm === 'kthreadd')
    if (!thread) return // not to be seen from a pid namespace of its own
    expect(xray(thread.pid)).toMatchObject({
      identity: { comm: 'kthreadd', argv: [], isKernelThread: true, exe: undefined, descriptors: { count: 0 } },
      unread: [],
    })
  })

  test('at a process that ends meanwhile', async () => {
    for (let i = 0; i < 20; i++) {
      const child = spawn('sleep', ['0'])
      const found = xray(child.pid!)
      if (found) expect(found.identity.pid).toBe(child.pid)
      await new Promise(resolve => child.on('exit', resolve))
    }
    const child = spawn('true')
    await new Promise(resolve => child.on('exit', resolve))
    await until(() => readStat(child.pid!) === undefined)
    expect(xray(child.pid!)).toBeUndefined()
  })
})

describe.skipIf(!root)(`what separates two${skipped}`, () => {
  const whats = (a: number, b: number) => differences(xray(a)!, xray(b)!).map(({ what }) => what)

  test('nothing, of a process and itself', () => {
    expect(whats(process.pid, process.pid)).toEqual([])
  })

  test.each([
    ['-u', 'uts'],
    ['-i', 'ipc'],
    ['-n', 'net'],
    ['-C', 'cgroup'],
    ['-m', 'mnt'],
  ])('unshare %s: %s', async (flag, type) => {
    const [a, b] = [await script(run), await script(run, 'unshare', flag)]
    expect(whats(a, b)).toContain(type)
    expect(whats(a, b).filter(what => ['uts', 'ipc', 'net', 'cgroup', 'mnt', 'pid', 'user'].includes(what))).toEqual([
      type,
    ])
  })

  test('a host name, with the lesson that teaches it', async () => {
    const [a, b] = [await script(run), await script(`hostname elsewhere; ${run}`, 'unshare', '-u')]
    const found = differences(xray(b)!, xray(a)!)
    expect(found.find(({ what }) => what === 'uts')).toMatchObject({
      lesson: '02-uts',
      meaning: expect.stringContaining('its own host name'),
      first: formatNamespace(readNamespaces(b)!.uts),
      second: formatNamespace(readNamespaces(a)!.uts),
    })
    expect(found.find(({ what }) => what === 'host name')).toMatchObject({ first: 'elsewhere' })
  })

  test('rights: only those that one has more', async () => {
    const [a, b] = [await script(run), await script(run, 'setpriv', '--bounding-set=-net_raw', '--no-new-privs')]
    const found = new Map(differences(xray(a)!, xray(b)!).map(each => [each.what, each]))
    expect(found.get('bounding capabilities')).toMatchObject({
      lesson: '17-security',
      first: expect.stringMatching(/^\d+, only here: NET_RAW$/),
      second: expect.stringMatching(/^\d+$/),
    })
    expect(found.get('no new privileges')).toMatchObject({ first: 'no', second: 'yes' })
  })

  test('limits, user, groups, OOM adjustment', async () => {
    const [a, b] = [
      await script(run, 'setpriv', '--clear-groups'),
      await script(`echo 7 > /proc/self/oom_score_adj; ulimit -n 77; ${run}`, 'setpriv', '--groups=5,6', '--regid=9'),
    ]
    const found = new Map(differences(xray(a)!, xray(b)!).map(({ what, second }) => [what, second]))
    expect(found.get('limit NOFILE')).toBe('77/77')
    expect(found.get('user')).toBe('uid 0, gid 9')
    expect(found.get('groups')).toBe('5, 6')
    expect(found.get('OOM adjustment')).toBe('7')
  })

  test('a root directory, and mounts', async () => {
    const plain = await script(run)
    const changed = await script(run, 'unshare', '-m', 'sh', '-ec', 'mount --rbind / /mnt; exec chroot /mnt "$@"', 'sh')
    expect(whats(plain, changed)).toContain('root directory')
    const mounted = await script(`mount -t tmpfs -o ro none /mnt; ${run}`, 'unshare', '-m')
    const found = new Map(differences(xray(mounted)!, xray(plain)!).map(({ what, first }) => [what, first]))
    expect(found.get('mount points')).toMatch(/only here: \/mnt$/)
    expect(found.get('read-only mounts')).toMatch(/\/mnt$/)
  })
})
