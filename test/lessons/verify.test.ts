// The gate itself is proved: a good lesson passes, and each kind of bad one is rejected by name.
import { spawnSync } from 'node:child_process'
import { rmdirSync } from 'node:fs'
import { afterAll, describe, expect, test } from 'vitest'
import type { Lesson } from '../../lessons/lesson.ts'
import { formatReport } from '../../lessons/verify/report.ts'
import { verifyLesson } from '../../lessons/verify/verify.ts'
import { startLab } from '../../toolkit/engine/lab/lab.ts'
import { lesson as alwaysPasses } from './fixtures/always-passes/lesson.ts'
import { good, variant } from './fixtures/good.ts'
import { LEAK, lesson as leaksAMount } from './fixtures/leaks-a-mount/lesson.ts'
import { lesson as neverPasses } from './fixtures/never-passes/lesson.ts'

const isRoot = process.getuid?.() === 0
const title = (text: string) => (isRoot ? text : `${text} (skipped: needs root)`)

async function failures(lesson: Lesson): Promise<string[]> {
  const results = await verifyLesson(lesson, { startLab })
  return formatReport(results, 0)
    .split('\n')
    .filter(line => line.startsWith('FAILED'))
}

describe.skipIf(!isRoot)(title('the gate'), () => {
  test('accepts a good lesson', async () => {
    expect(await failures(good)).toEqual([])
  })

  test('rejects a check that always passes', async () => {
    expect(await failures(alwaysPasses)).toEqual(
      expect.arrayContaining([
        'FAILED  always-passes, make, fails on a fresh lab',
        'FAILED  always-passes, make, wrong: a file',
        'FAILED  always-passes, make, wrong: elsewhere',
      ]),
    )
  })

  test('rejects a check that never passes', async () => {
    expect(await failures(neverPasses)).toEqual(
      expect.arrayContaining([
        'FAILED  never-passes, make, passes after the solution',
        'FAILED  never-passes, make, other way: by install',
      ]),
    )
  })

  describe('with a lesson that mounts on the host', () => {
    afterAll(() => {
      while (spawnSync('umount', [LEAK]).status === 0);
      rmdirSync(LEAK)
    })

    test('rejects it', async () => {
      expect(await failures(leaksAMount)).toEqual(['FAILED  leaks-a-mount, leaves nothing behind'])
    })
  })

  test('rejects a solution that fails on its way', async () => {
    const lesson = variant('bad-solution', { solution: ['mkdir {{name}}', 'false'] })
    expect(await failures(lesson)).toContain('FAILED  bad-solution, make, passes after the solution')
  })

  test('rejects a wrong way without a diagnosis of its own', async () => {
    const [aFile, elsewhere] = good.tasks[0]!.wrongWays
    const lesson = variant('same-words', { wrongWays: [{ ...aFile!, saw: /./ }, elsewhere!] })
    expect(await failures(lesson)).toEqual(['FAILED  same-words, make, wrong: a file'])
  })

  test('rejects a command of the text that does not do what the text says', async () => {
    const lesson = { ...good, name: 'bad-text', text: good.text.replace('ls -d', 'ls -d /nowhere') }
    expect(await failures(lesson)).toEqual(['FAILED  bad-text, make, lesson.md:15 works, afterwards'])
  })

  test('rejects a shell that ends', async () => {
    const lesson = variant('exits', { solution: ['mkdir {{name}}', 'exit'] })
    expect((await failures(lesson)).length).toBeGreaterThan(0)
  })
})

test('a format mistake is the only result', async () => {
  const lesson = { ...good, text: good.text.replace('## Make', '## Break') }
  const results = await verifyLesson(lesson, { startLab: () => Promise.reject(new Error('no lab is needed')) })
  expect(results.map(({ problem }) => problem)).toEqual([
    "good/lesson.md:5: the section is 'Break a directory', the task 'Make a directory'",
  ])
})
