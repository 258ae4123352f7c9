// The loop itself: what is our own fault is thrown, but only when all the others are done.
import { beforeEach, expect, test, vi } from 'vitest'
import { forEach } from '../../toolkit/cli/each.ts'
import { UsageError } from '../../toolkit/kernel/usage-error.ts'

const said: string[] = []
vi.mock('../../toolkit/cli/text/output.ts', () => ({
  print: (line: string) => said.push(line),
  printError: (line: string) => said.push(`! ${line}`),
}))
beforeEach(() => void said.splice(0))

const full = Object.assign(new Error('ENOSPC'), { errno: -28, code: 'ENOSPC', syscall: 'write', path: '/x' })

test.each([false, true])('a bug of one, together: %s', async together => {
  const act = (word: string) => {
    if (word === 'b') throw new TypeError('our own fault')
    if (word === 'c') throw full
    if (word === 'd') throw new UsageError('no container "d"', 1)
  }
  await expect(forEach(['a', 'b', 'c', 'd', 'e'], act, { together })).rejects.toThrow('our own fault')
  expect(said.toSorted()).toEqual(
    [
      'a',
      'e',
      '! toolkit: c: write("/x"): ENOSPC, no space left, or a limit on their number reached',
      '! toolkit: no container "d"',
    ].toSorted(),
  )
})

test('one alone has its own exit code, several have 1; what is forgiven is told', async () => {
  const refuse = () => {
    throw new UsageError('no', 125)
  }
  expect(await forEach(['a'], refuse)).toBe(125)
  expect(await forEach(['a', 'b'], refuse)).toBe(1)
  expect(await forEach(['a', 'b'], refuse, { forgive: () => true })).toBe(0)
  expect(said).toEqual(Array.from({ length: 5 }, () => '! toolkit: no'))
})

test('no more than 50 at a time, no waiting for the slowest of them, and all named in their order', async () => {
  const words = Array.from({ length: 120 }, (_, i) => String(i))
  let now = 0
  let most = 0
  let begun = 0
  const slow = Promise.withResolvers<void>()
  const status = await forEach(
    words,
    async word => {
      most = Math.max(most, ++now)
      if (++begun === words.length) slow.resolve()
      await (word === '0' ? slow.promise : new Promise(resolve => setTimeout(resolve, 1)))
      now--
    },
    { together: true },
  )
  expect([status, most, said]).toEqual([0, 50, words])
})
