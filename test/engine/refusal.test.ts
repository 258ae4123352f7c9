// What the engine refuses for a reason of the host, it refuses in the doctor's words.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { afterAll, describe, expect, test } from 'vitest'
import { pause, prepareCgroup } from '../../toolkit/engine/cgroup/cgroup.ts'
import { requirement } from '../../toolkit/engine/host.ts'
import { wantedOfHost } from '../../toolkit/engine/network/refusal.ts'
import { saying } from '../../toolkit/engine/refusal.ts'
import { ERRNO } from '../../toolkit/kernel/errno.ts'
import { KernelError } from '../../toolkit/kernel/error.ts'
import { NetlinkError } from '../../toolkit/kernel/netlink-error.ts'
import type { CgroupLayout } from '../../toolkit/observe/cgroups.ts'
import { bridge } from '../../toolkit/primitives/bridge.ts'
import { addTable } from '../../toolkit/primitives/nftables.ts'
import { bin, skipped, World } from '../cli/toolkit.ts'

const scratch = mkdtempSync(`${tmpdir()}/toolkit-refusal-`)
const world = new World()
afterAll(() => {
  world.end()
  rmSync(scratch, { recursive: true })
})

const link = bridge({ name: 'br0' })
const [table] = addTable({ family: 'ip', name: 't', sets: [], chains: [] })

describe('the network', () => {
  test.each([
    ['bridge', new NetlinkError(link, ERRNO.EOPNOTSUPP), 'EOPNOTSUPP from RTM_NEWLINK'],
    ['nftables', new NetlinkError(table!, ERRNO.ENOENT), 'ENOENT from NFT_MSG_NEWTABLE'],
    ['nftables', new KernelError('socket', [], ERRNO.EPROTONOSUPPORT), 'EPROTONOSUPPORT from socket'],
    ['ip-forward', Object.assign(new Error(), { code: 'EROFS' }), 'EROFS'],
  ] as const)('%s', (id, error, detail) => {
    const { missing, remedy } = requirement(id)
    expect(wantedOfHost(id)(error)).toMatchObject({
      exitCode: undefined,
      message: `run: --network bridge: ${missing} (${detail}); try: ${remedy}`,
    })
  })

  test('without NET_ADMIN', () => {
    const error = wantedOfHost('bridge')(new NetlinkError(link, ERRNO.EPERM)) as Error
    expect(error.message).toContain(requirement('capabilities').missing)
  })

  test('what has another reason is said as it is', () => {
    for (const id of ['bridge', 'ip-forward'] as const)
      for (const error of [new NetlinkError(link, ERRNO.EEXIST), new Error('ours')])
        expect(wantedOfHost(id)(error)).toBe(error)
  })

  test('an action is put in words only when somebody reads it', () => {
    let read = 0
    const action = {
      ...{ text: 'text', why: 'why', lesson: '15-bridge' as const },
      get shell() {
        return `${++read}`
      },
      apply: () => undefined,
    }
    const wrapped = saying(action, error => error)
    expect(read).toBe(0)
    expect(wrapped).toMatchObject({ text: 'text', why: 'why', lesson: '15-bridge', shell: '1' })
  })
})

describe('cgroups', () => {
  const layout = (...controllers: string[]): CgroupLayout => ({
    layout: 'v1',
    hierarchies: [{ version: 1, controllers, mountPoint: scratch, path: '/', directory: scratch, writable: true }],
  })

  test.each([
    [
      'memory',
      { memory: { limit: 2 ** 24, swap: 2 ** 24 } },
      '--memory-swap',
      'cgroup-swap',
      'memory.memsw.limit_in_bytes',
    ],
    ['blkio', { blockIO: { weight: 10 } }, '--blkio-weight', 'cgroup-io-weight', 'blkio.bfq.weight'],
  ] as const)('%s without the file', (controller, resources, flag, id, file) => {
    const wish = { id: controller, resources, privateNamespace: false }
    const { before, directories } = prepareCgroup(wish, layout(controller))
    for (const directory of directories) mkdirSync(directory, { recursive: true })
    const limit = before.find(({ text }) => text.includes(file))!
    const { missing, remedy } = requirement(id)
    expect(() => limit.apply({ descriptors: new Map() })).toThrow(`${flag}: ${missing} (${file}); try: ${remedy}`)
    for (const directory of directories) writeFileSync(`${directory}/${file}`, '')
    expect(() => limit.apply({ descriptors: new Map() })).not.toThrow()
  })

  test('no freezer to pause with', () => {
    const { missing, remedy } = requirement('cgroup-freezer')
    expect(() => pause([scratch])).toThrow(`pause: ${missing}; try: ${remedy}`)
  })
})

describe.skipIf(skipped)(`rights${skipped}`, () => {
  /** As a shell without one of root's rights. */
  const without = (right: string, line: string) => world.shell(`setpriv --bounding-set -${right} -- ${line}`)

  test.each([
    ['sys_resource', '--cap-add SYS_RESOURCE', 'cap-sys-resource'],
    ['sys_time', '--cap-add SYS_TIME', 'capabilities'],
    ['sys_resource', '--ulimit nofile=4:999999999', 'cap-sys-resource'],
  ] as const)('without %s: %s', (right, flags, id) => {
    const { stderr, status } = without(right, `${bin} run --rm ${flags} $ROOTFS true`)
    const { missing, remedy } = requirement(id)
    expect(stderr).toMatch(/^toolkit: run: [^\n]*\n$/)
    expect(stderr).toContain(`run: ${flags}: ${missing}`)
    expect(stderr).toContain(`; try: ${remedy}`)
    expect(status).toBe(125)
  })

  test('not root, for what not even root of a user namespace has', () => {
    const line = `setpriv --reuid 65534 --regid 65534 --clear-groups -- ${bin} run --rm -d / true`
    const { missing, remedy } = requirement('root')
    expect(world.shell(line).stderr).toBe(`toolkit: run: -d: ${missing}; try: ${remedy}\n`)
  })
})
