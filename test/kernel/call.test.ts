import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { attempt, invoke } from '../../toolkit/kernel/call.ts'
import { AT, F, MAP, O, PROT } from '../../toolkit/kernel/constants.ts'
import { KernelError } from '../../toolkit/kernel/error.ts'

const directory = mkdtempSync(join(tmpdir(), 'call-'))
afterAll(() => rmSync(directory, { recursive: true }))

test('the result of a call', () => {
  expect(invoke('getppid', [])).toBe(process.ppid)
})

test('strings go in, whatever letters they have', () => {
  invoke('mkdirat', [AT.FDCWD, `${directory}/Wörter ☃`, 0o700])
  expect(statSync(`${directory}/Wörter ☃`).isDirectory()).toBe(true)
})

test('bytes go in and come out, also a part of a larger buffer', () => {
  const fd = invoke('openat', [AT.FDCWD, `${directory}/bytes`, O.RDWR | O.CREAT | O.CLOEXEC, 0o600])
  const all = Buffer.from('0123456789')
  expect(invoke('write', [fd, all.subarray(3, 6), 3])).toBe(3)
  expect(readFileSync(`${directory}/bytes`, 'latin1')).toBe('345')
  closeSync(fd)
  const reading = openSync(`${directory}/bytes`, 'r')
  expect(invoke('read', [reading, all.subarray(1, 4), 3])).toBe(3)
  expect(all.toString()).toBe('0345456789')
  closeSync(reading)
})

test('numbers are whole: negative, and above 32 bits', () => {
  const address = invoke('mmap', [0, 4096, PROT.READ, MAP.PRIVATE | MAP.ANONYMOUS, -1, 0])
  expect(address).toBeGreaterThan(2 ** 32)
  expect(invoke('munmap', [address, 4096])).toBe(0)
})

test('a failure is -errno, or a KernelError', () => {
  expect(attempt('fcntl', [999, F.GETFD, 0])).toBe(-9)
  expect(() => invoke('fcntl', [999, F.GETFD, 0])).toThrow(KernelError)
  expect(() => invoke('fcntl', [999, F.GETFD, 0])).toThrow(/^fcntl\(999, F_GETFD, 0\): EBADF/)
})

test('a NUL inside a string is refused: the kernel would see another path', () => {
  expect(() => invoke('chdir', ['/\0/tmp'])).toThrow(TypeError)
  expect(() => attempt('execve', ['/nowhere', ['a', 'b\0c'], []])).toThrow(TypeError)
})
