import { closeSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { afterAll, expect, test } from 'vitest'
import { lock, lockedFiles } from '../../../toolkit/engine/state/files.ts'

const directory = mkdtempSync(`${tmpdir()}/toolkit-test-`)
afterAll(() => rmSync(directory, { recursive: true }))

test('which files are locked: to oneself, or by those who only look; not those that are only open, or not there', () => {
  for (const name of ['own', 'shared', 'free']) writeFileSync(`${directory}/${name}`, '')
  const own = lock(`${directory}/own`, { wait: false })!
  const shared = lock(`${directory}/shared`, { wait: false, shared: true })!
  const held = () => ['own', 'shared', 'free', 'none'].filter(name => lockedFiles()(`${directory}/${name}`))
  expect(held()).toEqual(['own', 'shared'])
  expect(lock(`${directory}/own`, { wait: false })).toBeUndefined()
  closeSync(own)
  expect(held()).toEqual(['shared'])
  closeSync(shared)
  expect(held()).toEqual([])
})
