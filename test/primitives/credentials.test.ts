import { spawn } from 'node:child_process'
import { chmodSync, closeSync, copyFileSync, mkdtempSync, readSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, describe, expect, test } from 'vitest'
import { invoke } from '../../toolkit/kernel/call.ts'
import type { Gate, Step } from '../../toolkit/kernel/step.ts'
import { isAlive, readStat } from '../../toolkit/observe/process.ts'
import { become, noNewPrivileges, ownTerminal } from '../../toolkit/primitives/credentials.ts'
import { openTerminal, TERMINAL_FD } from '../../toolkit/primitives/terminal.ts'
import { plan, shell } from '../kernel/plans.ts'
import { carryOut } from './carry-out.ts'

const repo = join(import.meta.dirname, '../..')
const alice = { uid: 1000, gid: 1001, additionalGids: [1001, 5, 44] }
const steps = (...list: (Step | Gate)[]) => carryOut(plan(...list))

describe.skipIf(process.getuid!() !== 0)('who it is (needs root)', () => {
  const directory = mkdtempSync('/tmp/who-')
  chmodSync(directory, 0o755)
  afterAll(() => rmSync(directory, { recursive: true }))

  test('a user, a group and further groups, and no way back', async () => {
    const { output } = await steps(...become({ user: alice }), shell('grep -E "^(Uid|Gid|Groups)" /proc/self/status'))
    expect(output).toMatch(/^Uid:(\t1000){4}\nGid:(\t1001){4}\nGroups:\t5 44 1001 *\n$/)
  })

  test('without further groups it has none, though the engine may have some', async () => {
    const user = { uid: 0, gid: 0, additionalGids: [] }
    const { output } = await steps(...become({ user }), shell('grep Groups /proc/self/status'))
    expect(output.trim()).toBe('Groups:')
  })

  const engine = (again: string) => `
    import { start } from '${repo}/toolkit/kernel/start.ts'
    import { step } from '${repo}/toolkit/kernel/step.ts'
    import { become } from '${repo}/toolkit/primitives/credentials.ts'
    import * as pid from '${repo}/toolkit/primitives/pid.ts'
    const child = start({ namespaces: [], steps: [
      ...pid.dieWithParent(),
      ...become({ user: { uid: 1000, gid: 1000, additionalGids: [] } }),
      ...(${again} ? pid.dieWithParent() : []),
      step('execve', ['/bin/sleep', ['sleep', '1000'], []], { why: 'a test', lesson: '17-security', shell: '' }),
    ] })
    child.next()
    console.log(child.pid)
    setInterval(() => {}, 1000)
  `

  test.each([
    ['is cut by the change of user', false],
    ['holds when it is tied again after that', true],
  ])('the tie to the parent %s', async (_name, again) => {
    const parent = spawn(process.execPath, ['--input-type=module', '-e', engine(String(again))], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const pid = Number((await parent.stdout[Symbol.asyncIterator]().next()).value)
    const { startTime } = readStat(pid)!
    const ended = new Promise(resolve => parent.once('exit', resolve))
    parent.kill('SIGKILL')
    await ended
    for (let tries = 0; isAlive(pid, startTime) && tries < (again ? 500 : 10); tries++) await sleep(10)
    expect(isAlive(pid, startTime)).toBe(!again)
    if (!again) process.kill(pid, 'SIGKILL')
  })

  test('a set-user-ID program gains root, and with no new privileges it does not', async () => {
    const id = `${directory}/id`
    copyFileSync('/usr/bin/id', id)
    chmodSync(id, 0o4755)
    const run = async (...before: Step[]) =>
      (await steps(...before, ...become({ user: alice }), shell(`${id} -u`))).output
    expect(await run()).toBe('0\n')
    expect(await run(...noNewPrivileges())).toBe('1000\n')
  })

  test('the terminal belongs to the user, and can be opened by its name', async () => {
    const look = 'stat -c "%u %g" "$(tty)"; exec 3<>"$(tty)" && echo opened'
    const asks = async (...own: Step[]): Promise<string> => {
      let master = -1
      await carryOut(plan(...openTerminal(), ...own, ...become({ user: alice }), shell(look)), (_gate, pid) => {
        const pidfd = invoke('pidfd_open', [pid, 0])
        master = invoke('pidfd_getfd', [pidfd, TERMINAL_FD, 0])
        closeSync(pidfd)
      })
      const text = Buffer.alloc(4096)
      const length = readSync(master, text)
      closeSync(master)
      return text.toString('utf8', 0, length)
    }
    expect(await asks(...ownTerminal({ user: alice }))).toMatch(/^1000 \d+\r\nopened\r\n$/)
    expect(await asks()).toMatch(/^0 \d+\r\n.*denied/)
  })
})
