import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { CAP, SECCOMP } from '../../toolkit/kernel/constants.ts'
import { readStatus } from '../../toolkit/observe/status.ts'
import * as capabilities from '../../toolkit/primitives/capabilities.ts'
import * as credentials from '../../toolkit/primitives/credentials.ts'
import { call, plan, shell } from '../kernel/plans.ts'
import { carryOut, failure } from './carry-out.ts'

const { ALL_CAPABILITIES, DEFAULT_CAPABILITIES, available, choose, lacking } = capabilities
type Name = capabilities.CapabilityName

const everything = { held: ALL_CAPABILITIES, last: 40 }
const nothing = { add: [], drop: [], privileged: false } as const
const short = (names: readonly string[]) => names.map(name => name.slice(4)).join(' ')

describe('choose', () => {
  test.each([
    ['nothing asked', {}, short(DEFAULT_CAPABILITIES)],
    ['one dropped, one added', { drop: ['CAP_CHOWN'], add: ['CAP_SYS_TIME'] }, /^DAC_OVERRIDE .*MKNOD.*$/],
    ['all dropped', { drop: ['ALL'] }, ''],
    ['all dropped but those added', { drop: ['ALL'], add: ['CAP_KILL', 'CAP_CHOWN'] }, 'CHOWN KILL'],
    ['all added', { add: ['ALL'] }, short(ALL_CAPABILITIES)],
    ['all added but those dropped', { add: ['ALL'], drop: ['CAP_SYS_ADMIN'] }, /SYS_PACCT SYS_BOOT/],
    ['dropped and added', { add: ['CAP_MKNOD'], drop: ['CAP_MKNOD'] }, /MKNOD/],
    ['privileged, whatever else', { privileged: true, drop: ['ALL'] }, short(ALL_CAPABILITIES)],
  ] satisfies [string, Partial<capabilities.CapabilityWish>, string | RegExp][])('%s', (_name, wish, expected) => {
    const { bounding, effective, permitted, inheritable, ambient } = choose({ ...nothing, ...wish }, everything)
    expect([...bounding].sort()).toEqual([...new Set(bounding)].sort())
    if (typeof expected === 'string') expect(short(bounding).split(' ').sort()).toEqual(expected.split(' ').sort())
    else expect(short(bounding)).toMatch(expected)
    expect([effective, permitted]).toEqual([bounding, bounding])
    expect([inheritable, ambient]).toEqual([[], []])
  })

  test('what we lack is left out, and told where it was named', () => {
    const held = ALL_CAPABILITIES.filter(name => name !== 'CAP_SYS_RESOURCE' && name !== 'CAP_MKNOD')
    expect(choose({ ...nothing, privileged: true }, { held }).bounding).toEqual(held)
    expect(choose({ ...nothing, add: ['ALL'] }, { held }).bounding).toEqual(held)
    expect(choose(nothing, { held }).bounding).toEqual(held.filter(name => DEFAULT_CAPABILITIES.includes(name)))
    const named = { ...nothing, add: ['CAP_KILL', 'CAP_SYS_RESOURCE'] as const }
    expect(short(choose({ ...named, drop: ['ALL'] }, { held }).bounding)).toBe('KILL')
    expect(lacking(named, { held })).toBe('CAP_SYS_RESOURCE')
    for (const wish of [nothing, { ...nothing, add: ['ALL'] as const }, { ...named, privileged: true }])
      expect(lacking(wish, { held })).toBeUndefined()
  })
})

test('docker’s fourteen', () => {
  expect(DEFAULT_CAPABILITIES).toHaveLength(14)
  const mask = DEFAULT_CAPABILITIES.reduce((bits, name) => bits | (1n << BigInt(CAP[name.slice(4) as 'KILL'])), 0n)
  expect(mask).toBe(0xa80425fbn) // CapEff in a container of docker
})

test('the position of a name is its bit', () => {
  expect(ALL_CAPABILITIES.map(name => CAP[name.slice(4) as 'KILL'])).toEqual(ALL_CAPABILITIES.map((_, i) => i))
})

test('available: what /proc says of this process and this kernel', () => {
  const bounding = readStatus(process.pid)!.capabilities.bounding
  const { held, last } = available()
  expect(last).toBe(Number(readFileSync('/proc/sys/kernel/cap_last_cap', 'utf8')))
  expect(held).toEqual(ALL_CAPABILITIES.filter((_, bit) => (bounding >> BigInt(bit)) & 1n))
})

test('what only a newer kernel knows is dropped by its number', () => {
  const steps = capabilities.bound({ bounding: ALL_CAPABILITIES }, { last: 42 })
  expect(steps.map(({ args }) => args[1])).toEqual([41, 42])
})

const root = process.getuid!() === 0
describe.skipIf(!root)('in the kernel (needs root)', () => {
  const { last } = available()
  const hex = (names: readonly Name[]) =>
    names
      .reduce((bits, name) => bits | (1n << BigInt(CAP[name.slice(4) as 'KILL'])), 0n)
      .toString(16)
      .padStart(16, '0')
  const zero = '0'.repeat(16)

  /** The capability sets of a program that comes by the steps of a container. */
  async function setsOf(chosen: capabilities.Capabilities, uid: number, script = 'cat /proc/self/status') {
    const { output } = await carryOut(
      plan(
        ...capabilities.bound(chosen, { last }),
        ...credentials.become({ user: { uid, gid: uid, additionalGids: [uid] } }),
        ...capabilities.keep(chosen),
        ...capabilities.final(chosen),
        shell(script),
      ),
    )
    const value = (key: string) => new RegExp(`^Cap${key}:\\s*(\\S+)`, 'm').exec(output)?.[1]
    return { inh: value('Inh'), prm: value('Prm'), eff: value('Eff'), bnd: value('Bnd'), amb: value('Amb') }
  }

  test.each([
    ['the default', nothing],
    ['all dropped', { ...nothing, drop: ['ALL'] as const }],
    ['privileged', { ...nothing, privileged: true }],
  ])('root has exactly what was chosen: %s', async (_name, wish) => {
    const chosen = choose(wish, available())
    const all = hex(chosen.bounding)
    expect(await setsOf(chosen, 0)).toEqual({ inh: zero, prm: all, eff: all, bnd: all, amb: zero })
  })

  test('an ordinary user has none, and could get no more than was chosen', async () => {
    const chosen = choose(nothing, available())
    const all = hex(chosen.bounding)
    expect(await setsOf(chosen, 1000)).toEqual({ inh: zero, prm: zero, eff: zero, bnd: all, amb: zero })
  })

  const alice = { user: { uid: 1000, gid: 1000, additionalGids: [] } }

  test('between the change of user and the filter there are two more, and then none', async () => {
    const chosen = choose(nothing, available())
    const seen: Record<string, bigint> = {}
    const steps = [
      ...capabilities.bound(chosen, { last }),
      ...credentials.become(alice),
      ...capabilities.keep(chosen),
      { gate: 'kept' },
      ...capabilities.final(chosen),
      { gate: 'final' },
      shell('true'),
    ]
    await carryOut(plan(...steps), (gate, pid) => {
      const { effective, permitted } = readStatus(pid)!.capabilities
      expect(effective).toBe(permitted)
      seen[gate] = effective
    })
    const final = BigInt(`0x${hex(chosen.permitted)}`)
    expect(seen).toEqual({ kept: final | (1n << BigInt(CAP.SYS_ADMIN)) | (1n << BigInt(CAP.DAC_READ_SEARCH)), final })
  })

  test('an ordinary user gets a seccomp filter without no_new_privs, loaded after all but the last step', async () => {
    const chosen = choose({ ...nothing, drop: ['ALL'] }, available())
    const allowAll = Buffer.from(Uint32Array.of(0x06, 0x7fff0000).buffer) // BPF_RET: SECCOMP_RET_ALLOW
    const program = {
      bytes: Uint8Array.of(1, ...new Array(15).fill(0)),
      text: '{len=1}',
      pointers: [{ at: 8, to: allowAll }],
    }
    const filter = call('seccomp', SECCOMP.SET_MODE_FILTER, 0, program)
    const before = [...capabilities.bound(chosen, { last }), ...credentials.become(alice)]
    const { output } = await carryOut(
      plan(
        ...before,
        ...capabilities.keep(chosen),
        filter,
        ...capabilities.final(chosen),
        shell('grep -E "^(CapEff|NoNewPrivs|Seccomp):" /proc/self/status'),
      ),
    )
    expect(output).toBe(`CapEff:\t${zero}\nNoNewPrivs:\t0\nSeccomp:\t2\n`)
    const error = await failure(carryOut(plan(...before, ...capabilities.final(chosen), filter, shell('true'))))
    expect(error).toMatchObject({ call: 'seccomp', code: 'EACCES' }) // what the order is for
  })

  const noSetpriv = spawnSync('setpriv', ['--version']).status !== 0
  test.skipIf(noSetpriv)('ambient and inheritable ones of the engine do not come along (setpriv needed)', () => {
    const script = `
      import { start } from './toolkit/kernel/start.ts'
      import { waitSync } from './toolkit/kernel/wait.ts'
      import { step } from './toolkit/kernel/step.ts'
      import * as capabilities from './toolkit/primitives/capabilities.ts'
      const chosen = capabilities.choose({ add: [], drop: [], privileged: false }, capabilities.available())
      const about = { why: 'a test', lesson: '17-security', shell: '' }
      const child = start({ namespaces: [], steps: [
        ...(process.argv[1] === 'ours' ? capabilities.final(chosen) : []),
        step('fcntl', [1, 2, 0], about),
        step('execve', ['/bin/grep', ['grep', '-E', 'Cap(Inh|Amb)', '/proc/self/status'], []], about),
      ] })
      child.next()
      waitSync(child.pid)
    `
    const run = (how: string) =>
      spawnSync(
        'setpriv',
        ['--inh-caps', '+kill', '--ambient-caps', '+kill', process.execPath, '--input-type=module', '-e', script, how],
        { encoding: 'utf8', cwd: `${import.meta.dirname}/../..` },
      ).stdout
    expect(run('theirs')).toMatch(/CapInh:\t0+20\nCapAmb:\t0+20\n/)
    expect(run('ours')).toMatch(/CapInh:\t0+\nCapAmb:\t0+\n/)
  })
})
