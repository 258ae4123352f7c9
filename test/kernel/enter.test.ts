// A visit to other namespaces, and that one always comes home.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { hostname, networkInterfaces } from 'node:os'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { CLONE } from '../../toolkit/kernel/constants.ts'
import { inNamespaces } from '../../toolkit/kernel/enter.ts'

const ALL = CLONE.NEWUTS | CLONE.NEWIPC | CLONE.NEWNET | CLONE.NEWCGROUP
const TYPES = ['uts', 'ipc', 'net', 'cgroup']
const ours = () => TYPES.map(type => readlinkSync(`/proc/thread-self/ns/${type}`))
const theirs = (pid: number) => TYPES.map(type => readlinkSync(`/proc/${pid}/ns/${type}`))
const fds = () => readdirSync('/proc/self/fd').length
const nameNow = () => readFileSync('/proc/sys/kernel/hostname', 'utf8').trim()

let child: ChildProcess
let pid: number
beforeAll(async () => {
  child = spawn('unshare', ['-u', '-i', '-n', '-C', 'sh', '-c', 'hostname elsewhere; echo ready; exec sleep 60'])
  await new Promise(resolve => child.stdout!.once('data', resolve))
  pid = child.pid!
})
afterAll(() => child.kill('SIGKILL'))

test('all four at once, and home again', () => {
  const [home, open] = [ours(), fds()]
  const there = inNamespaces(pid, ALL, () => ours())
  expect(there).toEqual(theirs(pid))
  expect(there).not.toEqual(home)
  expect(ours()).toEqual(home)
  expect(fds()).toBe(open)
})

test('one alone: the others stay', () => {
  const [uts, ipc, net] = inNamespaces(pid, CLONE.NEWUTS, ours)
  expect(uts).toBe(theirs(pid)[0])
  expect([ipc, net]).toEqual(ours().slice(1, 3))
})

test('sees what nsenter sees', () => {
  const asked = execFileSync('nsenter', ['-t', String(pid), '-u', 'hostname'], { encoding: 'utf8' }).trim()
  expect(inNamespaces(pid, CLONE.NEWUTS, nameNow)).toBe(asked)
  expect(inNamespaces(pid, CLONE.NEWUTS, hostname)).toBe('elsewhere')
  expect(Object.keys(inNamespaces(pid, CLONE.NEWNET, networkInterfaces))).toEqual([]) // lo is down there
})

test('comes home when the function throws', () => {
  const home = ours()
  const fail = () => {
    throw new RangeError('inside')
  }
  expect(() => inNamespaces(pid, ALL, fail)).toThrow(RangeError)
  expect(ours()).toEqual(home)
})

test('a process that is gone is an error, and nothing stays open', () => {
  const open = fds()
  expect(() => inNamespaces(0x7fffffff, ALL, () => 1)).toThrow(/ENOENT/)
  expect(fds()).toBe(open)
})

test('refuses what is asynchronous, for the thread pool stays at home', async () => {
  await readFile('/proc/sys/kernel/hostname') // the pool exists from here on: a thread is born where its maker is
  let name: Promise<string> | undefined
  const visit = () => {
    name = readFile('/proc/sys/kernel/hostname', 'utf8')
    return name
  }
  expect(() => inNamespaces(pid, CLONE.NEWUTS, visit)).toThrow(/read synchronously/)
  expect((await name)!.trim()).toBe(nameNow())
})

test('refuses mount, PID and user namespaces, which a thread of many cannot visit', () => {
  for (const flag of [CLONE.NEWNS, CLONE.NEWPID, CLONE.NEWUSER, CLONE.NEWTIME])
    expect(() => inNamespaces(pid, flag, () => 1)).toThrow(TypeError)
})

test('a thousand visits leave no descriptor', () => {
  const open = fds()
  for (let i = 0; i < 1000; i++) inNamespaces(pid, ALL, () => i)
  expect(fds()).toBe(open)
})
