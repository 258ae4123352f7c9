// The table of errors against libc's, as Python knows it.
import { spawnSync } from 'node:child_process'
import { constants } from 'node:os'
import { expect, test } from 'vitest'
import { ERRNO, errnoMeaning, errnoName } from '../../toolkit/kernel/errno.ts'

test('numbers are those of Node', () => {
  for (const [name, number] of Object.entries(ERRNO))
    expect((constants.errno as Record<string, number>)[name] ?? number, name).toBe(number)
})

const names = 'import errno, json; print(json.dumps({n: getattr(errno, n) for n in dir(errno) if n[0] == "E"}))'
const python = spawnSync('python3', ['-c', names], { encoding: 'utf8' })

test.skipIf(python.status !== 0)('numbers are those of libc (python3 needed)', () => {
  expect(JSON.parse(python.stdout)).toMatchObject(ERRNO)
})

test('every error has a name and words; others say their number', () => {
  for (const [name, number] of Object.entries(ERRNO)) {
    expect(errnoName(number)).toBe(name)
    expect(errnoMeaning(number)).toMatch(/^[a-z].*[^.]$/)
  }
  expect(errnoName(999)).toBe('errno 999')
  expect(errnoMeaning(999)).toBe('unknown error')
})
