// The rows of causes/cgroups.ts against the kernel, as in causes.test.ts.

import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { AT, BPF, O } from '../../toolkit/kernel/constants.ts'
import { readLayout } from '../../toolkit/observe/cgroups.ts'
import type { CaseCall, Outcome } from './provoke.ts'

const root = process.getuid!() === 0
const layout = readLayout(process.pid)
const usable = layout?.hierarchies.filter(({ writable }) => writable) ?? []
const devices = usable.find(({ controllers }) => controllers.includes('devices'))?.directory
const any = devices ?? usable[0]?.directory
const scratch = mkdtempSync(join(tmpdir(), 'causes-'))
afterAll(() => rmSync(scratch, { recursive: true }))

function provoke(calls: CaseCall[], ...wrapper: string[]): Outcome {
  const [command, ...args] = [...wrapper, process.execPath, `${import.meta.dirname}/provoke.ts`]
  const { stdout, stderr } = spawnSync(command!, args, { input: JSON.stringify([calls]), encoding: 'utf8' })
  if (!stdout) throw new Error(stderr)
  return (JSON.parse(stdout) as Outcome[])[0]!
}

/** union bpf_attr: the type of a program, and no instructions. */
const attributes = (type: number) => ({ bytes: [...Buffer.from(Uint32Array.of(type, 1, 0, 0, 0, 0).buffer)] })
const rmdir = (path: string): CaseCall => ['unlinkat', AT.FDCWD, path, AT.REMOVEDIR]

describe.skipIf(!root)(`bpf and rmdir${root ? '' : ' (skipped: needs root)'}`, () => {
  test('bpf: EPERM, an ordinary user', () => {
    const outcome = provoke([['bpf', BPF.PROG_LOAD, attributes(15), 24]], 'setpriv', '--reuid=65534', '--clear-groups')
    expect(outcome).toMatchObject({ code: 'EPERM', cause: expect.stringMatching(/by root only/) })
  })

  test('bpf: EINVAL, a request that there is not', () => {
    const outcome = provoke([['bpf', 9999, attributes(15), 24]])
    expect(outcome).toMatchObject({ code: 'EINVAL', cause: expect.stringMatching(/kind of program/) })
  })

  test('unlinkat: ENOTEMPTY', () => {
    writeFileSync(`${scratch}/file`, '')
    expect(provoke([rmdir(scratch)])).toMatchObject({ code: 'ENOTEMPTY', cause: expect.stringMatching(/files or/) })
  })
})

const noGroup = !root ? 'needs root' : !any ? 'no cgroup to write to' : ''
describe.skipIf(noGroup)(`a cgroup${noGroup && ` (skipped: ${noGroup})`}`, () => {
  const top = `${any}/toolkit-causes-${process.pid}`
  beforeAll(() => {
    mkdirSync(top)
    mkdirSync(`${top}/below`)
  })
  afterAll(() => {
    rmdirSync(`${top}/below`)
    rmdirSync(top)
  })
  const write = (file: string, text: string): Outcome =>
    provoke([
      ['openat', AT.FDCWD, `${top}/${file}`, O.WRONLY, 0],
      ['write', { result: 0 }, text, text.length],
    ])

  test('unlinkat: EBUSY, a cgroup in it', () => {
    expect(provoke([rmdir(top)])).toMatchObject({
      code: 'EBUSY',
      cause: expect.stringMatching(/other cgroups are in it/),
    })
  })

  const noDevices = devices ? '' : ' (skipped: no devices controller, as on v2)'
  test.skipIf(noDevices)(`write: EPERM, a device that is not allowed above${noDevices}`, () => {
    writeFileSync(`${top}/devices.deny`, 'b 8:0 rwm')
    expect(write('below/devices.allow', 'b 8:0 r')).toMatchObject({
      code: 'EPERM',
      cause: expect.stringMatching(/cgroup above does not allow/),
    })
  })

  test.skipIf(noDevices)(`write: EINVAL, all devices in a cgroup with others below${noDevices}`, () => {
    expect(write('devices.deny', 'a')).toMatchObject({
      code: 'EINVAL',
      cause: expect.stringMatching(/for all devices/),
    })
  })
})
