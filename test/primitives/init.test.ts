import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, readFileSync, readSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { openStream } from '../../toolkit/engine/terminal/stream.ts'
import { takeTerminal } from '../../toolkit/engine/terminal/terminal.ts'
import { pipe } from '../../toolkit/kernel/call.ts'
import { MS, SIG } from '../../toolkit/kernel/constants.ts'
import { type Starting, start } from '../../toolkit/kernel/start.ts'
import type { Gate, Step } from '../../toolkit/kernel/step.ts'
import { startTwin } from '../../toolkit/kernel/twin.ts'
import { exitStatus, wait } from '../../toolkit/kernel/wait.ts'
import * as init from '../../toolkit/primitives/init.ts'
import { undoNode } from '../../toolkit/primitives/process.ts'
import { openTerminal } from '../../toolkit/primitives/terminal.ts'
import { call, PATH, plan, shell, surroundings } from '../kernel/plans.ts'

const ROOT = join(import.meta.dirname, '../..')

const proc = [
  call('mount', null, '/', null, MS.REC | MS.PRIVATE, null),
  call('mount', 'proc', '/proc', 'proc', 0, null),
]
const output = { descriptor: 'output' }
const toPipe = [call('dup3', output, 1, 0), call('dup3', output, 2, 0)]
const detached = init.plan({ process: { terminal: false } })

/** Starts a script under an init; what it prints can be read line by line. */
function under(...steps: Step[]) {
  const [read, write] = pipe()
  try {
    const all = plan(...proc, ...toPipe, ...undoNode(), call('setsid'), ...detached, ...steps)
    const process = start(all, { descriptors: new Map([['output', write]]) })
    closeSync(write)
    process.next()
    return {
      process,
      /** Waits for the first output. */
      ready: () => void readSync(read, Buffer.alloc(100)),
      /** Everything printed until the end, and the exit status. */
      async end() {
        const text = readFileSync(read, 'utf8')
        closeSync(read)
        const status = exitStatus(await wait(process.pid, process.pidfd))
        process.close()
        return { status, text }
      },
    }
  } catch (error) {
    closeSync(read)
    throw error
  }
}

const kill = ({ pid }: Starting, signal: NodeJS.Signals) => process.kill(pid, signal)
const childrenOf = (pid: number) =>
  readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').map(Number)

describe('the exit status', () => {
  test.each([
    ['of a program that ends', 'exit 0', 0],
    ['of one that fails', 'exit 255', 255],
    ['of one that a signal ends', 'kill -KILL $$', 137],
    ['of one that ends itself by SIGTERM', 'kill -TERM $$', 143],
  ])('%s', async (_title, script, status) => {
    expect(await under(shell(script)).end()).toEqual({ status, text: '' })
  })

  test('a program that is not there is reported like without init, and nothing is left', () => {
    const before = surroundings()
    const missing = call('execve', '/no/such/program', ['program'], [])
    expect(() => under(missing)).toThrow(
      expect.objectContaining({
        call: 'execve',
        code: 'ENOENT',
        step: proc.length + toPipe.length + undoNode().length + 1 + detached.length + 1,
      }),
    )
    expect(surroundings()).toEqual(before)
  })

  test('a plan without processes left to fork is reported, too', () => {
    const before = surroundings()
    const limit = { bytes: Buffer.alloc(16), text: '{0, 0}' }
    const steps = [call('prlimit64', 0, 6, limit, null), call('setresuid', 65534, 65534, 65534)]
    expect(() => {
      const process = start(plan(...proc, call('setsid'), ...steps, ...detached, shell('exit 0')))
      process.next()
    }).toThrow(expect.objectContaining({ call: 'clone', code: 'EAGAIN' }))
    expect(surroundings()).toEqual(before)
  })
})

test('reaps 1000 orphans', async () => {
  const orphans = 'i=0; while [ $i -lt 1000 ]; do (true & true); i=$((i+1)); done'
  const count = 'sleep 0.1; grep -l "^State:.Z" /proc/[0-9]*/status 2>/dev/null | wc -l; ls -d /proc/[0-9]* | wc -l'
  const { status, text } = await under(shell(`${orphans}; ${count}`)).end()
  expect(text).toMatch(/^0\n[3-6]\n$/) // init, sh, and what counts
  expect(status).toBe(0)
})

test('the program leads a session like PID 1 without init, with nothing blocked, ignored or open', async () => {
  // Read by the shell itself: while it starts another program it blocks all signals for a moment.
  const own = `while IFS= read -r line; do case $line in SigBlk*|SigIgn*) echo "$line";; esac; done </proc/$$/status`
  const facts = `cut -d' ' -f1,4-8 /proc/$$/stat; ls /proc/$$/fd; ${own}
    cat /proc/1/comm; ls /proc/1/fd; grep -c table /proc/1/maps; exit 0`
  const { text } = await under(shell(facts)).end()
  expect(text.split('\n')).toEqual([
    '2 1 2 2 0 -1',
    ...['0', '1', '2'],
    'SigBlk:\t0000000000000000',
    'SigIgn:\t0000000000000000',
    'init',
    ...['0', '1', '2'],
    '0',
    '',
  ])
})

describe('signals', () => {
  const names = [
    'HUP',
    'INT',
    'QUIT',
    'USR1',
    'USR2',
    'ALRM',
    'TERM',
    'CONT',
    'WINCH',
    'TSTP',
    'TTIN',
    'RTMIN',
  ] as const

  test('each reaches the program, from outside and from inside', async () => {
    const traps = names.map(name => `trap 'echo ${name}' ${name}`).join('; ')
    const inside = names.map(name => `kill -${name} 1; sleep 0.02`).join('; ')
    const { text, status } = await under(
      call('execve', '/bin/bash', ['bash', '--norc', '-c', `${traps}; ${inside}; exit 8`], [PATH]),
    ).end()
    expect(text).toBe(names.map(name => `${name}\n`).join(''))
    expect(status).toBe(8)
  })

  test('kill -TERM from outside ends a program that does not care', async () => {
    const container = under(call('execve', '/bin/sleep', ['sleep', '60'], []))
    kill(container.process, 'SIGTERM')
    expect((await container.end()).status).toBe(128 + SIG.TERM)
  })

  test('one that comes while the program is stopped and goes on is not lost', async () => {
    const container = under(shell('trap "exit 6" TERM; echo ready; while :; do sleep 0.02; done'))
    container.ready()
    const [program] = childrenOf(container.process.pid) as [number]
    process.kill(program, 'SIGSTOP')
    kill(container.process, 'SIGSTOP')
    kill(container.process, 'SIGTERM')
    kill(container.process, 'SIGCONT')
    process.kill(program, 'SIGCONT')
    expect((await container.end()).status).toBe(6)
  })

  test('KILL takes all along, and no zombie stays', async () => {
    const container = under(shell('sleep 60 & sleep 60 & sleep 60'))
    await sleep(20)
    const pids = childrenOf(container.process.pid)
    kill(container.process, 'SIGKILL')
    expect((await container.end()).status).toBe(137)
    expect(pids.map(pid => readStatus(pid))).toEqual(pids.map(() => undefined))
  })
})

function readStatus(pid: number): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/status`, 'utf8')
  } catch {
    return undefined
  }
}

test('when the engine is killed, init and all others go', async () => {
  const engine = `
    import { start } from '${ROOT}/toolkit/kernel/start.ts'
    import { plan } from '${ROOT}/toolkit/primitives/init.ts'
    import { dieWithParent, namespace } from '${ROOT}/toolkit/primitives/pid.ts'
    import { shell } from '${ROOT}/test/kernel/plans.ts'
    const script = shell('sleep 60 & (sleep 60 &) & sleep 60')
    const steps = [...dieWithParent(), ...plan({ process: { terminal: false } }), script]
    const child = start({ namespaces: [namespace], steps })
    child.next()
    console.log(child.pid)
    setInterval(() => {}, 1000)
  `
  const process = spawn(globalThis.process.execPath, ['--input-type=module', '-e', engine], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [output] = (await once(process.stdout, 'data')) as [Buffer]
  const pid = Number(output)
  while (childrenOf(pid).length < 2) await sleep(5)
  const pids = [pid, ...childrenOf(pid)]
  const ended = once(process, 'exit')
  process.kill('SIGKILL')
  await ended
  for (let i = 0; i < 200 && pids.some(readStatus); i++) await sleep(10)
  expect(pids.filter(readStatus)).toEqual([])
})

describe('on a terminal', () => {
  const PTS = [
    call('mount', 'devpts', '/dev/pts', 'devpts', 0, 'newinstance,ptmxmode=0666'),
    call('mount', '/dev/pts/ptmx', '/dev/ptmx', null, MS.BIND, null),
  ]

  function onTerminal(script: string) {
    const steps: (Step | Gate)[] = [...proc, ...PTS, ...openTerminal(), ...init.plan({ process: { terminal: true } })]
    const process = start(plan(...steps, call('execve', '/bin/bash', ['bash', '--norc', '-c', script], [PATH])))
    process.next()
    const stream = openStream(takeTerminal(process.pidfd), () => {})
    process.open()
    process.next()
    let screen = ''
    stream.on('data', data => {
      screen += data
    })
    return {
      stream,
      screen: () => screen,
      async until(text: string) {
        for (let i = 0; i < 500 && !screen.includes(text); i++) await sleep(5)
        expect(screen).toContain(text)
      },
      async end() {
        const status = exitStatus(await wait(process.pid, process.pidfd))
        process.close()
        stream.destroy()
        return status
      },
    }
  }

  test('the program is in the foreground, and ^C is for it alone', async () => {
    const terminal = onTerminal(
      'trap "echo interrupted; exit 4" INT; cut -d" " -f5-8 /proc/$$/stat; read line; read line',
    )
    await terminal.until('2 2 ') // group and session are its own
    expect(terminal.screen()).toMatch(/^2 2 \d+ 2\r\n$/) // and the terminal’s foreground is that group
    terminal.stream.write('\x03')
    await terminal.until('interrupted')
    expect(await terminal.end()).toBe(4)
    expect(terminal.screen().match(/interrupted/g)).toHaveLength(1)
  })

  test('^Z does not leave it stopped for ever', async () => {
    const terminal = onTerminal('echo ready; read line; echo "got $line"')
    await terminal.until('ready')
    terminal.stream.write('\x1a')
    await sleep(20)
    terminal.stream.write('text\n')
    await terminal.until('got text')
    expect(await terminal.end()).toBe(0)
  })

  test('when it is hung up, the program is told', async () => {
    const terminal = onTerminal('echo ready; sleep 60')
    await terminal.until('ready')
    terminal.stream.destroy()
    expect(await terminal.end()).toBe(128 + SIG.HUP)
  })
})

test('the twin cannot do this, and says so', () => {
  expect(() => startTwin(plan(...detached, shell('exit 0')))).toThrow('the twin cannot fork')
})
