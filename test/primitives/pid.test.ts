import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { isAlive, readStat } from '../../toolkit/observe/process.ts'

const toolkit = join(import.meta.dirname, '../../toolkit')

/** A parent whose child reads from a FIFO, ties itself to the parent, and becomes `sleep`; the FIFO decides when. */
const parent = (fifo: string) => `
  import { openSync } from 'node:fs'
  import { start } from '${toolkit}/kernel/start.ts'
  import { step } from '${toolkit}/kernel/step.ts'
  import { dieWithParent, namespace } from '${toolkit}/primitives/pid.ts'
  const fifo = openSync('${fifo}', 'r+')
  const about = { why: 'a test', lesson: '04-pid', shell: '' }
  const child = start({
    namespaces: [namespace],
    steps: [
      step('read', [{ descriptor: 'fifo' }, Buffer.alloc(1), 1], about),
      ...dieWithParent(),
      step('execve', ['/bin/sleep', ['sleep', '1000'], []], about),
    ],
  }, { descriptors: new Map([['fifo', fifo]]) })
  console.log(child.pid)
  child.next()
  setInterval(() => {}, 1000)
`

test.each(['before', 'after'])(
  'a parent that dies %s its child has tied itself to it takes the child along',
  async when => {
    const directory = mkdtempSync(join(tmpdir(), 'pid-'))
    const fifo = join(directory, 'fifo')
    try {
      spawnSync('mkfifo', [fifo])
      const engine = spawn(process.execPath, ['--input-type=module', '-e', parent(fifo)], {
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      const pid = Number(String(await new Promise(resolve => engine.stdout.once('data', resolve))))
      const { startTime } = readStat(pid)!
      if (when === 'after') {
        writeFileSync(fifo, 'x')
        while (readStat(pid)?.comm !== 'sleep') await sleep(5)
      }
      const ended = new Promise(resolve => engine.once('exit', resolve))
      engine.kill('SIGKILL')
      await ended
      if (when === 'before') {
        expect(isAlive(pid, startTime)).toBe(true)
        spawnSync('sh', ['-c', 'exec 3<>"$1" && printf x >&3 && sleep 0.2', 'sh', fifo])
      }
      for (let tries = 0; isAlive(pid, startTime) && tries < 500; tries++) await sleep(10)
      expect(isAlive(pid, startTime)).toBe(false)
    } finally {
      rmSync(directory, { recursive: true })
    }
  },
)
