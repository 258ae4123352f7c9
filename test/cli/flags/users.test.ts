import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { expect, test } from 'vitest'
import { users } from '../../../toolkit/cli/flags/users.ts'

const range = (containerID: number, hostID: number, size: number) => ({ containerID, hostID, size })

test.each([
  [{}, undefined],
  [{ userns: 'host' }, undefined],
  [{ uidmap: ['0:1000:1'] }, { uidMappings: [range(0, 1000, 1)], gidMappings: [range(0, 1000, 1)] }],
  [
    { gidmap: ['0:7:2'], userns: 'private' },
    { uidMappings: [range(0, 7, 2)], gidMappings: [range(0, 7, 2)] },
  ],
  [
    { uidmap: ['0:1000', '1:100000:65535'], gidmap: ['0:5:10'] },
    { uidMappings: [range(0, 1000, 1), range(1, 100000, 65535)], gidMappings: [range(0, 5, 10)] },
  ],
])('%j', (given, mappings) => {
  expect(users(given)).toEqual(mappings)
})

test.each([
  ['nobody set anything aside', '', 100000, 65536],
  ['for somebody else', 'alice:200000:65536\n', 100000, 65536],
  ['for root', 'alice:1:2\nroot:300000:1000\n', 300000, 1000],
  ['for us, before root', 'root:300000:1000\ntoolkit:400000:2000\n', 400000, 2000],
  ['not a line of it', 'root:x:1\nroot:1\n', 100000, 65536],
])('--userns private, %s', (_title, text, hostID, size) => {
  const etc = mkdtempSync(`${tmpdir()}/etc-`)
  try {
    writeFileSync(`${etc}/subuid`, text)
    expect(users({ userns: 'private' }, etc)).toEqual({
      uidMappings: [range(0, hostID, size)],
      gidMappings: [range(0, 100000, 65536)], // there is no subgid
    })
  } finally {
    rmSync(etc, { recursive: true })
  }
})

test.each([
  [{ userns: 'keep-id' }, 'run: --userns keep-id: allowed: host, private'],
  [{ userns: 'host', uidmap: ['0:1:1'] }, 'run: --userns host: leave --uidmap and --gidmap out, or say private'],
  [{ uidmap: ['0'] }, 'run: --uidmap 0: give three numbers'],
  [{ uidmap: ['0:1:2:3'] }, 'run: --uidmap 0:1:2:3: give three numbers'],
  [{ uidmap: ['a:1:2'] }, 'run: --uidmap a:1:2: give three numbers'],
  [{ uidmap: ['0:-1:2'] }, 'run: --uidmap 0:-1:2: give three numbers'],
  [{ uidmap: ['0:0x10:2\n'] }, 'run: --uidmap "0:0x10:2\\n": give three numbers'],
  [{ uidmap: ['0:1:0'] }, 'run: --uidmap 0:1:0: 0:1:0 is not a range'],
  [{ uidmap: ['1:1:1'] }, 'run: --uidmap 1:1:1: 0 is in no range'],
  [{ gidmap: ['0:1:9', '5:100:1'] }, 'run: --gidmap "0:1:9 5:100:1": 5 is in two ranges'],
  [{ uidmap: ['0:4294967295:1'] }, 'run: --uidmap 0:4294967295:1: 0:4294967295:1 is not a range of ids between'],
])('%j is refused', (given, message) => {
  expect(() => users(given)).toThrow(message)
  expect(() => users(given)).toThrow(/^[^\n]*$/)
})
