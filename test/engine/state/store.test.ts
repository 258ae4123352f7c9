import { expect, test } from 'vitest'
import { newId } from '../../../toolkit/engine/state/store.ts'

test('a container id: 64 hexadecimal digits, no two alike', () => {
  const ids = Array.from({ length: 100 }, () => newId())
  for (const id of ids) expect(id).toMatch(/^[0-9a-f]{64}$/)
  expect(new Set(ids).size).toBe(100)
})

test('the host name that is made of it is no number: `hostname -i` would take that for an address', () => {
  const given = ['943564234154', '00000000000000', '94356423415a'].map(start =>
    Buffer.from(start.padEnd(64, 'f'), 'hex'),
  )
  expect(newId(() => given.shift()!).slice(0, 12)).toBe('94356423415a')
})
