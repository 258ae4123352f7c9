import { execFileSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { ensureBusybox, findRootfs } from '../../toolkit/image/rootfs.ts'
import { attachedKeys, readIpc } from '../../toolkit/observe/ipc.ts'
import { script, until } from './helpers.ts'

/** ipcs(1) as the oracle, asked in the namespace itself. */
const listed = (pid: number, option: string): string[][] =>
  execFileSync('nsenter', ['--target', String(pid), '--ipc', 'ipcs', option], { encoding: 'utf8' })
    .split('\n')
    .filter(line => line.startsWith('0x'))
    .map(line => line.trim().split(/\s+/))

test('IPC objects are those of ipcs, in the namespace of the process', async () => {
  const make = 'ipcmk -M 12345 && ipcmk -M 1 && ipcmk -Q && ipcmk -S 3'
  const pid = await script(`{ ${make}; } >/dev/null; echo ready; read x`, 'unshare', '--ipc')
  const { sharedMemory, messageQueues, semaphores } = readIpc(pid)!
  expect(sharedMemory.map(({ bytes, attached }) => [bytes, attached])).toEqual([
    [12345, 0],
    [1, 0],
  ])
  const ids = (rows: readonly { key: number; id: number }[]) => rows.map(({ key, id }) => [key, id])
  for (const [found, option] of [
    [sharedMemory, '-m'],
    [messageQueues, '-q'],
    [semaphores, '-s'],
  ] as const)
    expect(ids(found)).toEqual(listed(pid, option).map(([key, id]) => [Number(key), Number(id)]))
  expect(messageQueues.length + semaphores.length).toBe(2)
})

test('a new IPC namespace is empty', async () => {
  const pid = await script('echo ready; read x', 'unshare', '--ipc')
  expect(readIpc(pid)).toEqual({ sharedMemory: [], messageQueues: [], semaphores: [] })
})

test('a process that has ended has none', () => {
  expect(readIpc(2 ** 22 + 1)).toBeUndefined()
})

test('a process tells which segments it has in its memory', async () => {
  await ensureBusybox({ yes: true, interactive: false })
  const daemon = `${findRootfs('busybox')}/bin/busybox syslogd -n -C16` // makes /dev/log, hence a /dev of its own
  const pid = await script(`mount -t tmpfs none /dev; echo ready; exec ${daemon}`, 'unshare', '--ipc', '--mount')
  await until(() => attachedKeys(pid).length > 0)
  expect(attachedKeys(pid)).toEqual([0x414e4547])
  expect(readIpc(pid)?.sharedMemory).toEqual([{ key: 0x414e4547, id: 0, bytes: 16 * 1024, attached: 1 }])
  expect(attachedKeys(process.pid)).toEqual([])
})
