import { execFileSync } from 'node:child_process'
import { hostname } from 'node:os'
import { describe, expect, test } from 'vitest'
import {
  compareNamespaces,
  formatNamespace,
  NAMESPACE_TYPES,
  procNamespace,
  readNamespaces,
} from '../../toolkit/observe/namespaces.ts'
import { children } from '../../toolkit/observe/process.ts'
import { readUts } from '../../toolkit/observe/uts.ts'
import { script } from './helpers.ts'

const run = (command: string, ...args: string[]) => execFileSync(command, args, { encoding: 'utf8' }).trim()

describe('namespaces', () => {
  test('are those of lsns', async () => {
    const pid = await script('echo ready; read x', 'unshare', '-m', '-u', '-i', '-n', '-C')
    const rows = run('lsns', '--noheadings', '-o', 'TYPE,NS', '-p', String(pid)).split('\n')
    const listed = new Map(rows.map(row => row.trim().split(/\s+/) as [string, string]))
    const found = readNamespaces(pid)!
    for (const [type, inode] of listed) expect(found[type as 'net']).toEqual({ type, inode: Number(inode) })
    expect(listed.size).toBeGreaterThan(5)
  })

  test('differ in what was unshared, and in nothing else', async () => {
    const ours = readNamespaces(process.pid)!
    expect(compareNamespaces(ours, ours)).toEqual([])
    const pid = await script('echo ready; read x', 'unshare', '-u', '-n')
    expect(compareNamespaces(ours, readNamespaces(pid)!)).toEqual(['uts', 'net'])
    const forked = await script('echo ready; read x', 'unshare', '-p', '-f')
    expect(compareNamespaces(ours, readNamespaces(forked)!)).toEqual(['pid_for_children'])
    const [inside] = children(forked)
    expect(compareNamespaces(ours, readNamespaces(inside!.pid)!)).toEqual(['pid', 'pid_for_children'])
  })

  test('the PID namespace for children that has no child yet is no number', async () => {
    const pid = await script('echo ready; read x', 'unshare', '-p') // the shell's built-ins need no child
    expect(readNamespaces(pid)?.pid_for_children).toEqual({ type: 'pid', inode: 0 })
    expect(compareNamespaces(readNamespaces(process.pid)!, readNamespaces(pid)!)).toEqual(['pid_for_children'])
  })

  test('a proc shows the PID namespace in which it was mounted', async () => {
    const ours = readNamespaces(process.pid)!.pid
    expect(procNamespace(process.pid)).toEqual(ours)
    const old = await script('echo ready; read x', 'unshare', '-p', '-f')
    const own = await script('echo ready; read x', 'unshare', '-p', '-f', '--mount-proc')
    const [seesUs, seesItself] = [old, own].map(pid => children(pid)[0]!.pid) as [number, number]
    expect(procNamespace(seesUs)).toEqual(ours)
    expect(procNamespace(seesItself)).toEqual(readNamespaces(seesItself)!.pid)
    expect(procNamespace(seesItself)).not.toEqual(ours)
    expect(procNamespace(process.pid, '/dev')).toBeUndefined()
    const elsewhere = await script('mount -t proc proc /mnt; umount -l /proc; echo ready; read x', 'unshare', '-m')
    expect(procNamespace(elsewhere)).toBeUndefined()
    expect(procNamespace(elsewhere, '/mnt')).toEqual(ours)
  })

  test('are written as the kernel does', () => {
    const { uts } = readNamespaces(process.pid)!
    expect(formatNamespace(uts)).toBe(run('readlink', `/proc/${process.pid}/ns/uts`))
    expect(NAMESPACE_TYPES).toHaveLength(9)
  })
})

describe('host name', () => {
  test('of this process', () => {
    expect(readUts(process.pid)?.hostname).toBe(hostname())
  })

  test('of another UTS namespace, as nsenter sees it, and ours stays', async () => {
    const pid = await script(
      'hostname elsewhere; echo here > /proc/sys/kernel/domainname; echo ready; read x',
      'unshare',
      '-u',
    )
    expect(readUts(pid)).toEqual({ hostname: run('nsenter', '-t', String(pid), '-u', 'hostname'), domain: 'here' })
    expect(readUts(pid)?.hostname).toBe('elsewhere')
    expect(readUts(process.pid)?.hostname).toBe(hostname())
  })
})
