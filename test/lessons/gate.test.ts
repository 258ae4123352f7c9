// The gate: every lesson, every task, every way, every command of the text, on the real kernel. And when all of it has
// been played, the machine is as it was before.
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { lessons } from '../../lessons/index.ts'
import type { Result } from '../../lessons/verify/cases.ts'
import { formatReport } from '../../lessons/verify/report.ts'
import { ruleProblems } from '../../lessons/verify/rules.ts'
import { patience } from '../../lessons/verify/typist.ts'
import { verifyLesson } from '../../lessons/verify/verify.ts'
import { startLab } from '../../toolkit/engine/lab/lab.ts'
import { ensureBusybox } from '../../toolkit/image/rootfs.ts'

const isRoot = process.getuid?.() === 0

const all = lessons.map(lesson => [lesson.name, lesson] as const)

test.each(all)('%s keeps the rules of the course', (_, lesson) => {
  expect(ruleProblems(lesson)).toEqual([])
})

test('the steps of the engine name lessons that there are', () => {
  const table = readFileSync(new URL('../../toolkit/kernel/step.ts', import.meta.url), 'utf8')
  const named = /type LessonName =([^/]*)/.exec(table)![1]!.match(/\d\d-[\w-]+/g)!
  expect(named.length).toBeGreaterThan(10)
  expect(named.filter(name => !lessons.some(lesson => lesson.name === name))).toEqual([])
})

/** What a lesson could change of the machine, byte for byte. */
function machine(): Record<string, string> {
  const say = (command: string) => spawnSync('sh', ['-c', command], { encoding: 'utf8' }).stdout
  return {
    mounts: readFileSync('/proc/self/mountinfo', 'utf8'),
    links: say('ip -o link; ip -o address'),
    routes: say('ip route; cat /proc/sys/net/ipv4/ip_forward'),
    firewall: say('nft list ruleset'),
    names: say('uname -n; cat /proc/sys/kernel/domainname'),
    memory: say('ipcs -a'),
    cgroups: say(`find /sys/fs/cgroup -type d -path '*toolkit/lab-${process.pid}-*'`), // others may have theirs
  }
}

describe.skipIf(!isRoot)(`the gate${isRoot ? '' : ' (skipped: needs root)'}`, () => {
  const results: Result[] = []
  const begun = performance.now()
  let before: Record<string, string>
  beforeAll(async () => {
    await ensureBusybox({ yes: true, interactive: false })
    before = machine()
  })
  afterAll(() => {
    process.stdout.write(`${formatReport(results, (performance.now() - begun) / 1000)}\n`)
  })

  test.each(all)('%s', { timeout: patience(180_000) }, async (_, lesson) => {
    const found = await verifyLesson(lesson, { startLab })
    results.push(...found)
    const failed = found.filter(({ problem }) => problem !== undefined)
    expect(formatReport(failed, 0), formatReport(failed, 0)).not.toContain('FAILED')
  })

  test('the machine is as it was before the course', () => {
    expect(machine()).toEqual(before)
  })
})
