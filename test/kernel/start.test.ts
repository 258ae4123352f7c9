import { closeSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { pipe } from '../../toolkit/kernel/call.ts'
import { AT, MS, O } from '../../toolkit/kernel/constants.ts'
import { KernelError } from '../../toolkit/kernel/error.ts'
import { start } from '../../toolkit/kernel/start.ts'
import { ALIVE, type Gate, isGate, type Plan, READY, type Step, stepsOf } from '../../toolkit/kernel/step.ts'
import { waitSync } from '../../toolkit/kernel/wait.ts'
import { call, namespaces, plan, runners, shell, surroundings } from './plans.ts'

let directory: string
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'start-'))
})
afterAll(() => rmSync(directory, { recursive: true, force: true }))

/** The steps by which the program's output lands in a file. */
const outputTo = (file: string): Step[] => [
  call('close_range', 3, 3, 0),
  call('openat', AT.FDCWD, file, O.WRONLY | O.CREAT | O.TRUNC, 0o600),
  call('dup3', 3, 1, 0),
  call('dup3', 3, 2, 0),
  call('close_range', 3, 0xffffffff, 4),
]

const container = (script: string, file: string): Plan =>
  plan(
    call('rt_sigaction', 13, new Uint8Array(32), null, 8),
    call('rt_sigaction', 25, new Uint8Array(32), null, 8),
    call('mount', null, '/', null, MS.REC | MS.PRIVATE, null),
    call('mount', 'tmpfs', '/mnt', 'tmpfs', MS.NOSUID, 'size=64k'),
    { ...call('mkdirat', AT.FDCWD, '/mnt', 0o755), allow: ['EEXIST'] },
    { gate: 'here' },
    call('sethostname', 'box', 3),
    call('mount', 'proc', '/proc', 'proc', 0, null),
    call('setsid'),
    ...outputTo(file),
    call('chdir', '/mnt'),
    shell(script),
  )

const facts = `echo $$; hostname; pwd; ls -A /mnt; cat /proc/net/dev | wc -l; ls /proc/self/fd | wc -l
grep -E '^(Sig[^Q]|Shd|Cap|Umask|Groups|Seccomp|NoNewPrivs)' /proc/self/status; cut -d' ' -f4- /proc/self/mountinfo; cat /proc/self/limits; env; exit 7`

describe('the same plan makes the same container', () => {
  test('under both runners', async () => {
    const seen: { exit: unknown; results: unknown; output: string }[] = []
    for (const [i, runner] of runners.entries()) {
      const file = join(directory, `facts-${i}`)
      const { exit, results } = await runner.run(container(facts, file))
      seen.push({ exit, results: results.slice(0, -1), output: readFileSync(file, 'utf8') })
    }
    const [fast, slow] = seen
    expect(fast!.output).toMatch(/^1\nbox\n\/mnt\n/)
    expect(fast!.exit).toEqual({ code: 7, signal: undefined })
    // A new session of PID 1 has its number 1 under both, like every other result.
    expect(slow).toEqual(fast)
  })

  test.each(runners)('$name: answers at gates in order, and tells the pid', async ({ run }) => {
    const gates: string[] = []
    const steps = [{ gate: 'first' }, call('umask', 0), { gate: 'second' }, shell('exit 3')]
    const { exit } = await run(plan(...steps), (gate, pid) =>
      gates.push(`${gate} ${readFileSync(`/proc/${pid}/stat`, 'utf8').length > 0}`),
    )
    expect(gates).toEqual(['first true', 'second true'])
    expect(exit.code).toBe(3)
  })

  test.each(runners)('$name: a signal that ends the program is told', async ({ run }) => {
    const steps = [shell("sh -c 'kill -9 $$'; kill -USR1 $$; exec kill -9 -1")]
    const { exit } = await run({ namespaces: [], steps: [shell('kill -TERM $$')] })
    expect(exit).toEqual({ code: undefined, signal: 15 })
    expect(steps).toHaveLength(1)
  })

  test.each(runners)('$name: an allowed error is as good as success, another is not', async ({ run }) => {
    const allowed = { ...call('mkdirat', AT.FDCWD, '/tmp', 0o755), allow: ['EEXIST'] } as const
    const { results } = await run(plan(allowed, shell('exit 0')))
    expect(results[0]).toBe(-17)
    await expect(run(plan({ ...allowed, allow: ['ENOENT'] }, shell('exit 0')))).rejects.toMatchObject({
      code: 'EEXIST',
      step: 1,
    })
  })

  // of the first half of a row's bits, of the second, and of neither
  test.each(runners)('$name: several errors are allowed', async ({ run }) => {
    const allow = ['ENOENT', 'ENOTDIR', 'ELOOP'] as const
    const chdir = (path: string) => ({ ...call('chdir', path), allow })
    const { results } = await run(plan(chdir('/nowhere'), chdir('/dev/null/x'), shell('exit 0')))
    expect(results.slice(0, 2)).toEqual([-2, -20])
    const name = { ...call('chdir', 'x'.repeat(300)), allow }
    await expect(run(plan(name, shell('exit 0')))).rejects.toMatchObject({ code: 'ENAMETOOLONG', step: 1 })
  })

  test('an error without a place in a row cannot be allowed', () => {
    const step = { ...call('chdir', '/'), allow: ['ETIMEDOUT'] } as const
    expect(() => start(plan(step, shell('exit 0')))).toThrow(/error 110 cannot be allowed; those below 48 can/)
  })

  test.each(runners)('$name: what must come first comes first, and counts', async ({ run }) => {
    const gates: string[] = []
    const first = [call('umask', 0o12), { gate: 'first' }, call('umask', 0o34)]
    const steps = [call('umask', 0o56), { gate: 'then' }, shell('exit 4')]
    const { exit, results } = await run({ ...plan(...steps), first }, gate => gates.push(gate))
    expect(gates).toEqual(['first', 'then'])
    expect(results.slice(1, 3)).toEqual([0o12, 0o34])
    expect(exit.code).toBe(4)
    await expect(run({ ...plan(...steps), first: [call('chdir', '/nowhere')] })).rejects.toMatchObject({ step: 1 })
    const wrong = [call('chdir', '/nowhere'), ...steps]
    await expect(run({ ...plan(...wrong), first: [call('umask', 0)] })).rejects.toMatchObject({ step: 2 })
  })

  test.each(runners)('$name: descriptors by their names, in the first steps and the others', async ({ run }) => {
    const [read, write] = pipe()
    const output = { descriptor: 'output' }
    const text = Buffer.from('text')
    const first = [call('write', output, text, 4)]
    const steps = [call('write', output, text, 4), call('dup3', output, 1, 0), shell('echo $$')]
    await run({ ...plan(...steps), first }, undefined, new Map([['output', write]]))
    closeSync(write)
    expect(readFileSync(read, 'utf8')).toBe('texttext1\n')
    closeSync(read)
    await expect(run(plan(...steps))).rejects.toThrow('no descriptor output')
  })
})

describe('a failing step at every position', () => {
  const good = container('exit 0', '/dev/null')
  const bad = call('chdir', '/no/such/directory')
  const positions = good.steps.map((_, i) => i)
  const withBadAt = (position: number): (Step | Gate)[] => good.steps.toSpliced(position, 0, bad)
  const numberAt = (position: number) => good.steps.slice(0, position).filter(entry => !isGate(entry)).length + 1

  test.each(runners)('$name: is reported by number, call and errno, and leaves nothing', async ({ run }) => {
    await run(good) // whatever is opened once, is open now
    const before = surroundings()
    for (const position of positions) {
      const error = await run(plan(...withBadAt(position))).then(
        () => undefined,
        (error: unknown) => error,
      )
      expect(error, `at ${position}`).toBeInstanceOf(KernelError)
      expect(error).toMatchObject({
        call: 'chdir',
        args: ['/no/such/directory'],
        code: 'ENOENT',
        step: numberAt(position),
      })
      expect((error as KernelError).message).toContain(`(step ${numberAt(position)})`)
    }
    expect(surroundings()).toEqual(before)
    expect(stepsOf(good).length).toBeGreaterThan(14)
  })

  test('a process that cannot be made is an error too: step 0', () => {
    const before = surroundings()
    const impossible = { ...namespaces[0]!, flag: 0x200 | namespaces[0]!.flag } // CLONE_FS does not go with CLONE_NEWNS
    expect(() => start({ namespaces: [impossible], steps: [shell('exit 0')] })).toThrow(
      expect.objectContaining({ code: 'EINVAL', step: 0 }),
    )
    expect(surroundings()).toEqual(before)
  })

  test('who only looks for its parent does not wait, and before its program waits until the parent does', async () => {
    const steps = [{ gate: ALIVE }, call('umask', 0o22), { gate: READY }, call('umask', 0o77), shell('exit 6')]
    const process = start(plan(...steps))
    await expect.poll(() => process.results()[0]).toBeDefined()
    await new Promise(resolve => setTimeout(resolve, 50))
    expect(process.results()[1]).toBeUndefined()
    expect(process.next()).toBeUndefined()
    expect(process.results()[1]).toBe(0o22)
    expect(waitSync(process.pid).code).toBe(6)
    process.close()
  })

  test('a process that is killed at a gate is told by the step it did not reach', () => {
    const process = start(plan(call('umask', 0), { gate: 'here' }, call('umask', 0), shell('exit 0')))
    expect(process.next()).toBe('here')
    globalThis.process.kill(process.pid, 'SIGKILL')
    expect(() => process.next()).toThrow('killed before step 2')
  })

  test('giving up at a gate leaves nothing', () => {
    const before = surroundings()
    const process = start(plan({ gate: 'here' }, shell('exit 0')))
    process.next()
    process.abort()
    expect(surroundings()).toEqual(before)
  })
})

describe('many', () => {
  test('200 runs: all right, no zombie, no descriptor, no mount left', async () => {
    const { run } = runners[0]!
    await run(plan(shell('exit 0')))
    const before = surroundings()
    for (let i = 0; i < 200; i++) {
      const { exit } = await run(
        plan(call('sethostname', `n${i}`, `n${i}`.length), call('execve', '/bin/true', ['true'], [])),
      )
      expect(exit).toEqual({ code: 0, signal: undefined })
    }
    expect(surroundings()).toEqual(before)
  })

  test('20 at once', async () => {
    const before = surroundings()
    const exits = await Promise.all(
      Array.from({ length: 20 }, (_, i) => runners[0]!.run(plan(shell(`sleep 0.1; exit ${i}`)))),
    )
    expect(exits.map(({ exit }) => exit.code)).toEqual(Array.from({ length: 20 }, (_, i) => i))
    expect(surroundings()).toEqual(before)
  })

  test('under garbage collection and compilation in the meantime', async () => {
    const work = () => Array.from({ length: 2e4 }, (_, i) => ({ [`k${i % 97}`]: [i] })).length
    for (let i = 0; i < 40; i++) {
      const process = start(plan({ gate: 'meanwhile' }, shell('exit 9')))
      process.next()
      work()
      process.open()
      expect(process.next()).toBeUndefined()
      work()
      expect(waitSync(process.pid).code).toBe(9)
      process.close()
    }
  })
})
