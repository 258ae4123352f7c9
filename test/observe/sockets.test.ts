// Sockets as we read them, beside what `ss` says.
import { execFileSync, spawnSync } from 'node:child_process'
import { beforeAll, describe, expect, test } from 'vitest'
import { readSockets, type Socket } from '../../toolkit/observe/sockets.ts'
import { ready } from './helpers.ts'

const PROGRAM = `
const net = require('node:net'), dgram = require('node:dgram')
const listen = (server, ...args) => new Promise(resolve => server.listen(...args, resolve))
const bind = (type, ...args) => new Promise(resolve => { const s = dgram.createSocket(type); s.bind(...args, resolve); sockets.push(s) })
const sockets = []
;(async () => {
  const server = net.createServer(socket => sockets.push(socket))
  await listen(server, 8080, '127.0.0.1')
  await listen(net.createServer(), 8081, '::1')
  await listen(net.createServer(), 8082)
  await listen(net.createServer(), '\\0toolkit-test')
  await bind('udp4', 5353, '127.0.0.1')
  await bind('udp6', 5354, '::1')
  const socket = dgram.createSocket('udp4')
  socket.connect(53, '127.0.0.1', () => {
    const client = net.connect(8080, '127.0.0.1')
    server.once('connection', () => setImmediate(() => console.log('ready')))
    sockets.push(client, socket)
  })
})()
`

const noSs = spawnSync('ss', ['-V']).status !== 0

let pid: number
let sockets: Socket[]
beforeAll(async () => {
  const run = 'ip link set lo up; exec "$0" -e "$1"'
  pid = await ready(['unshare', '-n', 'sh', '-c', run, process.execPath, PROGRAM])
  sockets = readSockets(pid, { owners: true })!
})

const internet = (wanted: string) =>
  sockets
    .flatMap(socket => (socket.protocol === 'unix' ? [] : [socket]))
    .filter(({ protocol }) => protocol === wanted)
    .map(({ state, local, remote }) => `${state} ${local.address} ${local.port} ${remote.address}`)
    .sort()

describe('sockets', () => {
  test('TCP: who listens, and both ends of a connection', () => {
    const found = sockets.filter(({ protocol, state }) => protocol === 'tcp' && state === 'ESTABLISHED')
    expect(found).toHaveLength(2)
    const [a, b] = found as [Socket & { protocol: 'tcp' }, Socket & { protocol: 'tcp' }]
    expect([a.local, a.remote]).toEqual([b.remote, b.local])
    expect([a.local.port, b.local.port]).toContain(8080)
    expect(internet('tcp')).toContain('LISTEN 127.0.0.1 8080 0.0.0.0')
    expect(internet('tcp6')).toEqual(['LISTEN :: 8082 ::', 'LISTEN ::1 8081 ::'])
  })

  test('UDP: from everybody, or with one', () => {
    expect(internet('udp')).toContain('UNCONN 127.0.0.1 5353 0.0.0.0')
    expect(internet('udp').find(row => row.startsWith('ESTABLISHED'))).toMatch(/^ESTABLISHED 127.0.0.1 \d+ 127.0.0.1$/)
    expect(internet('udp6')).toEqual(['UNCONN ::1 5354 ::'])
  })

  test('UNIX: also those whose name is no file', () => {
    const named = sockets.find(socket => socket.protocol === 'unix' && socket.path?.startsWith('@toolkit'))
    expect(named).toMatchObject({ path: '@toolkit-test', state: 'LISTEN', type: 'stream' })
  })

  test('who holds them: the program, by the descriptor that leads to the inode', () => {
    const server = sockets.find(({ state, protocol }) => protocol === 'tcp' && state === 'LISTEN')!
    expect(server.owners).toEqual([{ pid, fd: expect.any(Number) }])
    const link = execFileSync('readlink', [`/proc/${pid}/fd/${server.owners![0]!.fd}`], { encoding: 'utf8' })
    expect(link.trim()).toBe(`socket:[${server.inode}]`)
    expect(readSockets(pid)!.every(socket => socket.owners === undefined)).toBe(true)
  })

  test.skipIf(noSs)('are those of ss (iproute2 needed)', () => {
    const ss = execFileSync('nsenter', ['-t', String(pid), '-n', 'ss', '-Hatuxne'], { encoding: 'utf8' })
    const inodes = (all: Iterable<string>) => [...all].filter(inode => inode !== '0').sort()
    const rows = ss.trim().split('\n')
    const theirs = rows.map(row => /\bino:(\d+)/.exec(row)?.[1] ?? row.trim().split(/\s+/)[5]!)
    expect(inodes(readSockets(pid)!.map(({ inode }) => String(inode)))).toEqual(inodes(theirs))
    const states = (of: string[]) => of.sort()
    const listening = rows.filter(row => / LISTEN /.test(row)).map(row => row.split(/\s+/)[0]!)
    const ours = sockets.filter(({ state }) => state === 'LISTEN')
    expect(states(ours.map(socket => (socket.protocol === 'unix' ? `u_${socket.type.slice(0, 3)}` : 'tcp')))).toEqual(
      states(listening),
    )
  })

  test('of a process that is gone there are none', () => {
    expect(readSockets(0x7fffffff)).toBeUndefined()
  })
})
