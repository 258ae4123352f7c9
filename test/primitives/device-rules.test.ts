import { closeSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { attempt } from '../../toolkit/kernel/call.ts'
import { BPF } from '../../toolkit/kernel/constants.ts'
import { start } from '../../toolkit/kernel/start.ts'
import { waitSync } from '../../toolkit/kernel/wait.ts'
import { readLayout } from '../../toolkit/observe/cgroups.ts'
import { countDevicePrograms } from '../../toolkit/observe/device-programs.ts'
import { remove } from '../../toolkit/primitives/cgroup-removal.ts'
import { create } from '../../toolkit/primitives/cgroups.ts'
import {
  type DeviceList,
  type DeviceRule,
  deviceList,
  program,
  v1Lines,
  v2Action,
} from '../../toolkit/primitives/device-rules.ts'
import { shell } from '../kernel/plans.ts'
import { newId } from './in-cgroup.ts'

const defaults = deviceList([]).exceptions
const all: DeviceRule = { allow: true, access: 'rwm' }
const c = (major: number, minor: number, access: string, allow = true): DeviceRule => ({
  allow,
  type: 'c',
  major,
  minor,
  access,
})
const exception = (major: number, minor: number, access: string) => ({ type: 'c', major, minor, access })

describe('rules become one answer for all, and exceptions', () => {
  test('without any: nothing but the default devices, and making nodes', () => {
    expect(deviceList([]).allow).toBe(false)
    expect(v1Lines(deviceList([]))).toEqual({
      first: 'devices.deny',
      rest: 'devices.allow',
      lines: [
        'c *:* m',
        'b *:* m',
        ...['1:3', '1:5', '1:7', '1:8', '1:9', '5:0', '5:1', '5:2', '136:*'].map(device => `c ${device} rwm`),
      ],
    })
  })

  test.each<[string, DeviceRule[], DeviceList]>([
    ['one more', [c(10, 229, 'rw')], { allow: false, exceptions: [exception(10, 229, 'rw') as never, ...defaults] }],
    [
      'two rules for one device add up',
      [c(10, 229, 'w'), c(10, 229, 'r')],
      { allow: false, exceptions: [exception(10, 229, 'rw') as never, ...defaults] },
    ],
    [
      'a later one takes away',
      [c(10, 229, 'rwm'), c(10, 229, 'wm', false)],
      { allow: false, exceptions: [exception(10, 229, 'r') as never, ...defaults] },
    ],
    ['all of it away', [c(10, 229, 'r'), c(10, 229, 'r', false)], { allow: false, exceptions: defaults }],
    ['all allowed', [c(10, 229, 'r'), all], { allow: true, exceptions: [] }],
    ['all but one', [all, c(10, 229, 'w', false)], { allow: true, exceptions: [exception(10, 229, 'w') as never] }],
    ['all denied again', [all, { allow: false, type: 'a', access: 'rwm' }], { allow: false, exceptions: defaults }],
  ])('%s', (_name, rules, list) => {
    expect(deviceList(rules)).toEqual(list)
  })

  test('a rule for both types with numbers is one for each: the v1 file would take it for all devices', () => {
    const { exceptions } = deviceList([{ allow: true, type: 'a', major: 7, access: 'r' }])
    expect(exceptions.filter(({ major }) => major === 7)).toEqual([
      { type: 'b', major: 7, minor: undefined, access: 'r' },
      { type: 'c', major: 7, minor: undefined, access: 'r' },
    ])
  })
})

/** Runs a program as the kernel would: the reference for what each instruction means is the listing's own text. */
function run(list: DeviceList, access: number, type: number, major: number, minor: number): number {
  const context = [(access << 16) | type, major, minor]
  const r = [0, 0, 0, 0, 0, 0, 0]
  const code = program(list).map(({ text }) => text)
  for (let at = 0; ; at++) {
    const text = code[at]!
    if (text === 'exit') return r[0]!
    const numbers = (text.match(/0x[\da-f]+|\d+/g) ?? []).map(Number)
    const [a, b] = numbers as [number, number]
    if (text.includes('(u32 *)')) r[a] = context[numbers.at(-1)! / 4]!
    else if (text.includes('&=')) r[a] = r[a]! & b
    else if (text.includes('>>=')) r[a] = r[a]! >> b
    else if (text.includes('!=')) at += r[a] !== b ? numbers[2]! : 0
    else if (text.includes('==')) at += r[a] === b ? numbers[2]! : 0
    else if (/= r\d/.test(text)) r[a] = r[b]!
    else r[a] = b
  }
}
const [MKNOD, READ, WRITE] = [1, 2, 4]
const [BLOCK, CHARACTER] = [1, 2]

describe('the program for v2', () => {
  test('reads like the rules', () => {
    const list = { allow: false, exceptions: [{ type: 'c', major: 1, minor: 3, access: 'r' } as const] }
    expect(program(list).map(({ text }) => text)).toEqual([
      'r2 = *(u32 *)(r1 + 0)',
      'r3 = r2',
      'w2 &= 0xffff',
      'r3 >>= 16',
      'r4 = *(u32 *)(r1 + 4)',
      'r5 = *(u32 *)(r1 + 8)',
      'if r2 != 2 goto +7',
      'if r4 != 1 goto +6',
      'if r5 != 3 goto +5',
      'r6 = r3',
      'w6 &= 0x5',
      'if r6 != 0 goto +2',
      'r0 = 1',
      'exit',
      'r0 = 0',
      'exit',
    ])
  })

  test('each instruction has the bytes that its text stands for', () => {
    const bytes = (list: DeviceList) => program(list).map(code => Buffer.from(code.bytes).toString('hex'))
    const allowed = bytes({ allow: false, exceptions: [{ type: 'c', major: 1, minor: 3, access: 'r' }] })
    expect(allowed.slice(0, 4)).toEqual([
      '6112000000000000',
      'bf23000000000000',
      '54020000ffff0000',
      '7703000010000000',
    ])
    expect(allowed[6]).toBe('5502070002000000')
    expect(allowed.slice(-2)).toEqual(['b700000000000000', '9500000000000000'])
    const denied = bytes({ allow: true, exceptions: [{ type: 'b', major: undefined, minor: undefined, access: 'w' }] })
    expect(denied[9]).toBe('1506020000000000')
  })

  test.each<[string, DeviceRule[], number[], number]>([
    ['null', [], [READ | WRITE, CHARACTER, 1, 3], 1],
    ['a terminal', [], [READ | WRITE, CHARACTER, 136, 77], 1],
    ['memory', [], [READ, CHARACTER, 1, 1], 0],
    ['making memory', [], [MKNOD, CHARACTER, 1, 1], 1],
    ['making a disk', [], [MKNOD, BLOCK, 8, 0], 1],
    ['making and reading it', [], [MKNOD | READ, BLOCK, 8, 0], 0],
    ['a block device with the numbers of null', [], [READ, BLOCK, 1, 3], 0],
    ['half of what is wished', [c(10, 229, 'r')], [READ | WRITE, CHARACTER, 10, 229], 0],
    ['that half', [c(10, 229, 'r')], [READ, CHARACTER, 10, 229], 1],
    ['anything, where all is allowed', [all], [READ | WRITE, BLOCK, 8, 0], 1],
    ['but not with what is denied', [all, c(10, 229, 'w', false)], [READ | WRITE, CHARACTER, 10, 229], 0],
    ['only without it', [all, c(10, 229, 'w', false)], [READ, CHARACTER, 10, 229], 1],
  ])('answers for %s', (_name, rules, [access, type, major, minor], answer) => {
    expect(run(deviceList(rules), access!, type!, major!, minor!)).toBe(answer)
  })

  const unified = readLayout(process.pid)?.hierarchies.find(({ version, writable }) => version === 2 && writable)
  const noBpf = attempt('bpf', [BPF.PROG_LOAD, null, 0]) === -1 ? 'bpf(2) is not permitted' : ''
  const reason = !unified ? 'no cgroup2 here' : noBpf
  test.skipIf(reason)(`is taken by the kernel, and asked at each open${reason && ` (skipped: ${reason})`}`, () => {
    const directory = `${unified!.directory}/toolkit-${newId()}`
    const scratch = mkdtempSync(join(tmpdir(), 'devices-'))
    const descriptors = new Map<string, number>()
    const list = deviceList([c(1, 11, 'r')])
    try {
      for (const action of create([{ version: 2, controllers: [], directories: [directory] }]))
        action.apply({ descriptors })
      expect(countDevicePrograms(directory)).toBe(0)
      v2Action(list).apply({ descriptors })
      expect(countDevicePrograms(directory)).toBe(1)
      const script = `cd ${scratch}; exec >output 2>&1; mknod log c 1 11; mknod mem c 1 1; mknod disk b 8 0; mknod null c 1 3
        (exec 3<log) && echo reads; (exec 4>log); (exec 3<mem); (exec 3<disk); echo x >null && echo null`
      const plan = { namespaces: [], cgroup: { descriptor: 'cgroup' }, steps: [shell(script)] }
      const process = start(plan, { descriptors })
      process.next()
      waitSync(process.pid)
      process.close()
      const lines = readFileSync(`${scratch}/output`, 'utf8').trim().split('\n')
      expect(lines).toHaveLength(5)
      expect([lines[0], lines[4]]).toEqual(['reads', 'null'])
      for (const line of lines.slice(1, 4)) expect(line).toContain('Operation not permitted')
    } finally {
      for (const fd of descriptors.values()) closeSync(fd)
      remove([directory])
      rmSync(scratch, { recursive: true })
    }
    expect(existsSync(directory)).toBe(false)
    expect(countDevicePrograms(directory)).toBeUndefined()
  })
})
