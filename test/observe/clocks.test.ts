// The offsets of a time namespace, beside what unshare(1) was told.
import { expect, test } from 'vitest'
import { readClockOffsets } from '../../toolkit/observe/clocks.ts'
import { children } from '../../toolkit/observe/process.ts'
import { script } from './helpers.ts'

const second = 1_000_000_000n

test('the offsets of a process with clocks of its own, and of one without', async () => {
  const wrapper = ['unshare', '--time', '--monotonic', '-3', '--boottime', '86400', '--fork']
  const pid = await script('echo ready; read line', ...wrapper)
  expect(readClockOffsets(children(pid)[0]!.pid)).toEqual({ monotonic: -3n * second, boottime: 86400n * second })
  expect(readClockOffsets(1)).toEqual({ monotonic: 0n, boottime: 0n })
  expect(readClockOffsets(0x7fffffff)).toBeUndefined()
})
