// Profiles as people and other engines write them.
import { describe, expect, test } from 'vitest'
import { UsageError } from '../../../toolkit/kernel/usage-error.ts'
import { type Profile, parseProfile, plan, reduce } from '../../../toolkit/primitives/seccomp.ts'

const extended: Profile = {
  defaultAction: 'SCMP_ACT_ERRNO',
  archMap: [
    { architecture: 'SCMP_ARCH_X86_64', subArchitectures: ['SCMP_ARCH_X86', 'SCMP_ARCH_X32'] },
    { architecture: 'SCMP_ARCH_AARCH64', subArchitectures: ['SCMP_ARCH_ARM'] },
  ],
  syscalls: [
    { names: ['read'], action: 'SCMP_ACT_ALLOW' },
    { names: ['both'], action: 'SCMP_ACT_ALLOW', includes: { caps: ['CAP_BPF', 'CAP_PERFMON'] } },
    { names: ['neither'], action: 'SCMP_ACT_ALLOW', excludes: { caps: ['CAP_BPF', 'CAP_PERFMON'] } },
    { names: ['intel'], action: 'SCMP_ACT_ALLOW', includes: { arches: ['amd64', 'x32'] } },
    { names: ['notIntel'], action: 'SCMP_ACT_ALLOW', excludes: { arches: ['amd64'] } },
    { names: ['since'], action: 'SCMP_ACT_ALLOW', includes: { minKernel: '4.18' } },
    { names: ['until'], action: 'SCMP_ACT_ALLOW', excludes: { minKernel: '4.18' } },
  ],
}

describe('the extended form becomes the plain one', () => {
  const names = (host: Parameters<typeof reduce>[1]) => reduce(extended, host).syscalls!.flatMap(({ names }) => names)

  test.each([
    ['x64', [], '6.1.0-42-amd64', ['read', 'neither', 'intel', 'since']],
    ['arm64', ['CAP_BPF'], '4.18', ['read', 'notIntel', 'since']],
    ['arm64', ['CAP_PERFMON', 'CAP_BPF'], '4.9.1', ['read', 'both', 'notIntel', 'until']],
    ['x64', ['CAP_CHOWN'], '3.20', ['read', 'neither', 'intel', 'until']],
  ] as const)('%s, %j, Linux %s', (arch, capabilities, kernel, expected) => {
    expect(names({ arch, capabilities, kernel })).toEqual(expected)
  })

  test('the processor and its 32-bit ABIs', () => {
    const host = { capabilities: [], kernel: '6.1' }
    expect(reduce(extended, { arch: 'x64', ...host }).architectures).toEqual([
      'SCMP_ARCH_X86_64',
      'SCMP_ARCH_X86',
      'SCMP_ARCH_X32',
    ])
    expect(reduce(extended, { arch: 'arm64', ...host }).architectures).toEqual(['SCMP_ARCH_AARCH64', 'SCMP_ARCH_ARM'])
  })

  test('nothing is left that an OCI runtime would not know', () => {
    const plain = reduce(extended, { arch: 'x64', capabilities: [], kernel: '6.1' })
    expect(Object.keys(plain).sort()).toEqual(['architectures', 'defaultAction', 'syscalls'])
    expect(plain.syscalls![1]).toEqual({ names: ['neither'], action: 'SCMP_ACT_ALLOW' })
  })
})

describe('JSON', () => {
  const rule = (text: string) => `{"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [${text}]}`

  test('is read with nulls, single names and numbers of 64 bits', () => {
    const args = '[{"index": 1, "value": 18446744073709551615, "valueTwo": 9007199254740993, "op": "SCMP_CMP_NE"}]'
    const text = rule(`{"name": "read", "action": "SCMP_ACT_ALLOW", "args": ${args}, "comment": "", "includes": null}`)
    expect(parseProfile(text, 'x').syscalls).toEqual([
      {
        names: ['read'],
        action: 'SCMP_ACT_ALLOW',
        args: [{ index: 1, value: 2n ** 64n - 1n, valueTwo: 9007199254740993n, op: 'SCMP_CMP_NE' }],
        includes: { caps: [], arches: [] },
        excludes: { caps: [], arches: [] },
      },
    ])
  })

  test.each([
    ['', /not JSON: /],
    ['{"defaultAction": }', /not JSON: Unexpected token '\}'/],
    ['[]', /it is \[\]: an object is wanted/],
    ['{}', /defaultAction is nothing: allowed are SCMP_ACT_KILL, .*SCMP_ACT_ALLOW$/],
    ['{"defaultAction": "SCMP_ACT_NOTIFY"}', /defaultAction is "SCMP_ACT_NOTIFY": .* is not supported/],
    ['{"defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 4096}', /defaultErrnoRet is 4096: .* 0 to 4095/],
    ['{"defaultAction": "SCMP_ACT_KILL", "defaultErrnoRet": 1}', /defaultErrnoRet is 1: SCMP_ACT_KILL has no such/],
    [
      '{"defaultAction": "SCMP_ACT_LOG", "architectures": ["X86"]}',
      /architectures\[0\] is "X86": allowed are SCMP_ARCH/,
    ],
    [
      '{"defaultAction": "SCMP_ACT_LOG", "flags": ["TSYNC"]}',
      /flags\[0\] is "TSYNC": allowed are SECCOMP_FILTER_FLAG_/,
    ],
    ['{"defaultAction": "SCMP_ACT_LOG", "syscalls": {}}', /syscalls is \{\}: a list is wanted/],
    [rule('7'), /syscalls\[0\] is 7: an object/],
    [rule('{"names": ["a"]}'), /syscalls\[0\]\.action is nothing/],
    [rule('{"names": [1], "action": "SCMP_ACT_ALLOW"}'), /syscalls\[0\]\.names\[0\] is 1: a string/],
    [rule('{"names": [], "action": "SCMP_ACT_ALLOW", "errnoRet": 1}'), /errnoRet is 1: SCMP_ACT_ALLOW has no such/],
    [rule('{"names": [], "action": "SCMP_ACT_ALLOW", "includes": {"minKernel": "x"}}'), /minKernel is "x": a version/],
  ])('%s is refused', (text, message) => {
    expect(() => parseProfile(text, 'p.json')).toThrow(UsageError)
    expect(() => parseProfile(text, 'p.json')).toThrow(message)
    expect(() => parseProfile(text, 'p.json')).toThrow(/^seccomp profile p\.json: [^\n]+$/)
  })

  test.each([
    ['{"index": 6, "value": 1, "op": "SCMP_CMP_EQ"}', /args\[0\]\.index is 6: .* 0 to 5/],
    ['{"index": 0, "value": -1, "op": "SCMP_CMP_EQ"}', /args\[0\]\.value is -1: /],
    ['{"index": 0, "value": 1.5, "op": "SCMP_CMP_EQ"}', /args\[0\]\.value is 1\.5: /],
    ['{"index": 0, "value": 18446744073709551616, "op": "SCMP_CMP_EQ"}', /value is 18446744073709551616: /],
    ['{"index": 0, "value": "1", "op": "SCMP_CMP_EQ"}', /args\[0\]\.value is "1": /],
    ['{"index": 0, "value": 1, "op": "EQ"}', /args\[0\]\.op is "EQ": allowed are SCMP_CMP_NE, /],
  ])('a condition %s is refused', (condition, message) => {
    const text = rule(`{"names": ["read"], "action": "SCMP_ACT_ALLOW", "args": [${condition}]}`)
    expect(() => parseProfile(text, 'p.json')).toThrow(message)
  })

  test('what came with a file is not passed on to a terminal as it is', () => {
    expect(() => parseProfile('{"defaultAction": "\u001b[2J"}', 'x')).toThrow(/^[^\u001b]+$/)
    expect(() => parseProfile('\u001b[2J', 'x')).toThrow(/^[^\u001b]+$/)
  })
})

test('the step tells the length and points to the filter', () => {
  const filter = new Uint8Array(24)
  const [step, ...more] = plan({ filter, flags: 2 })
  expect(more).toEqual([])
  expect(step).toMatchObject({ call: 'seccomp', args: [1, 2, { text: '{len=3}', pointers: [{ at: 8, to: filter }] }] })
})
