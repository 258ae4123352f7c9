// The course without a screen, as a user calls it: by its words, in this process.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { lesson as chroot } from '../../lessons/01-chroot/lesson.ts'
import { whereToStart } from '../../lessons/cli/learn.ts'
import { lessons } from '../../lessons/index.ts'
import { main } from '../../lessons/main.ts'
import { openProgress } from '../../lessons/progress.ts'

const isRoot = process.getuid?.() === 0
let home: string
beforeAll(() => {
  home = mkdtempSync(`${tmpdir()}/home-`)
  vi.stubEnv('XDG_STATE_HOME', home)
  vi.stubEnv('SUDO_UID', undefined)
})
afterAll(() => {
  vi.unstubAllEnvs()
  rmSync(home, { recursive: true })
})

async function toolkit(...argv: string[]): Promise<{ code: number; out: string; err: string }> {
  const written = { stdout: '', stderr: '' }
  const spies = (['stdout', 'stderr'] as const).map(name =>
    vi.spyOn(process[name], 'write').mockImplementation(text => {
      written[name] += text
      return true
    }),
  )
  try {
    const code = await main(argv)
    return { code, out: written.stdout, err: written.stderr }
  } finally {
    for (const spy of spies) spy.mockRestore()
  }
}

test.each([
  [['lessons', 'lits'], /no command "lits"/],
  [['lessons', 'list', '--jsno'], /lessons list: Unknown option '--jsno'; see/],
  [['lessons', 'list', 'more'], /what is "more" to mean/],
  [['lessons', 'show'], /which lesson\? There are: 00-start, 01-chroot/],
  [['lessons', 'show', '77'], /no lesson "77"; there are: 00-start, 01-chroot/],
  [['lessons', 'show', '1', '9'], /no task "9" in 01-chroot; there are: 1 copy-bash/],
  [['lessons', 'solve', '1'], /which task of 01-chroot/],
  [['lessons', 'check', '1', '1'], /give the commands with --script/],
  [['lessons', 'check', '1', '1', '--script', '/nowhere'], /cannot read \/nowhere \(ENOENT\)/],
  [['lessons', 'verify', './nowhere'], /there is no .*nowhere\/lesson\.ts/],
  [['workshop', 'srve'], /workshop: no command "srve"; 'toolkit workshop --help' lists them/],
  [['workshop', '--hours', 'x'], /--hours "x": give a number from 1 to 24/],
  [['workshop', 'serve', '--listen', '0.0.0.0'], /every address of this machine.*add --anywhere/],
  [['workshop', 'join'], /give the URL that 'toolkit workshop serve' prints/],
  [['workshop', 'join', 'http://8.8.8.8:7321/k7wm-3hpt'], /not in a private network.*--anywhere/],
  [['workshop', 'goto', '77'], /no lesson "77"/],
  [['workshop', 'goto', '6', '--state', '/nowhere/at-all'], /no workshop is open here/],
  [['workshop', 'reset', 'Anna', '--state', '/nowhere/at-all'], /which seat\? Give its number/],
  [['workshop', 'progress', '--json', '--csv'], /--json or --csv, not both/],
  [['learn', 'nothing'], /no lesson "nothing"/],
  [['learn', '--what'], /learn: Unknown option '--what'; see 'toolkit learn --help'/],
])('%j is one clear line and 125', async (argv, line) => {
  const { code, out, err } = await toolkit(...argv)
  expect(err).toMatch(line)
  expect(err).toMatch(/^toolkit: [^\n]+\n$/)
  expect([code, out]).toEqual([125, ''])
})

test('learn without a terminal says what to do instead', async () => {
  const { code, err } = await toolkit('learn')
  expect([code, err]).toEqual([
    125,
    "toolkit: learn: the tutor needs a terminal; without one, 'toolkit lessons --help' has the same course\n",
  ])
})

describe('learn goes on', () => {
  const start = (place: string | undefined, done: readonly string[]) => {
    const progress = {
      place: place === undefined ? undefined : { lesson: '01-chroot', task: place },
      isDone: (lesson: string, task: string) => lesson !== '01-chroot' || done.includes(task),
    }
    return whereToStart(progress).task
  }
  const all = chroot.tasks.map(({ id }) => id)

  test.each([
    ['at the beginning', undefined, [], 0],
    ['at the first open task', undefined, ['copy-bash'], 1],
    ['at the task of last time', 'machine', ['copy-bash'], 4],
    ['at the next open one, where that is done', 'machine', ['machine', 'escape'], 6],
    ['at one that was left out, where nothing else is open', 'container', all.slice(1), 0],
    ['at the beginning, where all is done', 'container', all, 0],
    ['at the first open task, where the place is unknown', 'renamed', ['copy-bash'], 1],
  ])('%s', (_, place, done, task) => {
    expect(start(place, done)).toBe(task)
  })
})

test('list shows what is done', async () => {
  openProgress().markDone('01-chroot', 'copy-bash')
  expect((await toolkit('lessons', 'list')).out).toMatch(/1 of 8 done\n {2}1 copy-bash +done .*\n {2}2 libraries +open/)
  const [, lesson] = JSON.parse((await toolkit('lessons', 'list', '--json')).out)
  expect(lesson.tasks[0]).toEqual({ id: 'copy-bash', title: 'Put bash into a directory', done: true })
})

describe('show', () => {
  test('is plain text: no fences, no stars, no braces', async () => {
    const { out } = await toolkit('lessons', 'show', 'chroot', '--hints', '--after')
    expect(out).not.toMatch(/```|\*\*|\{\{/)
    expect(out).toContain('<hostname>')
    expect(out.match(/^Task \d of 8/gm)).toHaveLength(8)
  })

  test('has no holes where the other kind of cgroups would be', async () => {
    const { out } = await toolkit('lessons', 'show', '9', '--hints', '--after')
    expect(out).not.toMatch(/\n{3}/)
    expect(out).toContain('Groups and limits')
  })

  test('keeps what comes after a task until it is done', async () => {
    openProgress().forget()
    expect((await toolkit('lessons', 'show', '1', 'libraries')).out).not.toContain('Afterwards')
    openProgress().markDone('01-chroot', 'libraries')
    expect((await toolkit('lessons', 'show', '1', '2')).out).toContain('Afterwards:')
  })

  test('--json has the same', async () => {
    const { tasks } = JSON.parse((await toolkit('lessons', 'show', '1', '3', '--json')).out)
    expect(tasks).toMatchObject([{ number: 3, id: 'busybox', done: false }])
  })
})

test('module prints the steps and the source', async () => {
  const { code, out } = await toolkit('lessons', 'module', '1')
  expect(code).toBe(0)
  expect(out).toMatch(/^ {4}chroot\("\/lab\/box"\)\n {6}\$ chroot \/lab\/box$/m)
  expect(out).toMatch(/toolkit\/primitives\/chroot\.ts\n\n\/\/ chroot\(2\)[\s\S]*export function plan/)
  const { steps, source } = JSON.parse((await toolkit('lessons', 'module', '1', '--json')).out)
  expect(steps[0]).toMatchObject({ call: 'chroot', shell: 'chroot /lab/box' })
  expect(source).toContain('export function plan')
})

test('recap prints what to keep', async () => {
  const { out } = await toolkit('lessons', 'recap', '1')
  expect(out).toMatch(/^- Each process has a root directory, and `chroot` changes it\.$/m)
})

test('every file that the screen reads is in the package', () => {
  const { files } = JSON.parse(readFileSync('package.json', 'utf8'))
  for (const { module } of lessons) expect(files).toContain(module.split('/')[0])
})

test('solve prints the commands, one a line', async () => {
  expect((await toolkit('lessons', 'solve', '1', '1')).out).toBe('mkdir -p jail/bin\ncp /bin/bash jail/bin/\n')
})

describe.skipIf(!isRoot)(`in a lab${isRoot ? '' : ' (skipped: needs root)'}`, () => {
  test('solve --run passes', async () => {
    const { code, out } = await toolkit('lessons', 'solve', '1', '1', '--run')
    expect(out).toMatch(/^passed: \/lab\/jail\/bin\/bash is a program/m)
    expect(code).toBe(0)
  })

  test('check types a script and says what it sees', async () => {
    writeFileSync(`${home}/script`, '# wrong\nmkdir jail\n\ncp /bin/bash jail\n')
    const { code, out } = await toolkit('lessons', 'check', '1', '1', '--script', `${home}/script`, '--json')
    const verdict = JSON.parse(out)
    expect(verdict).toMatchObject({
      passed: false,
      saw: expect.stringMatching(/the program bash lies in \/lab\/jail itself/),
    })
    expect(verdict.commands.map(({ status }: { status: number }) => status)).toEqual([0, 0])
    expect(code).toBe(1)
  })

  test('a script that ends the shell is no crash', async () => {
    writeFileSync(`${home}/script`, 'exit\n')
    const { code, out } = await toolkit('lessons', 'check', '1', '1', '--script', `${home}/script`)
    expect(out).toMatch(/not passed: the shell has ended/)
    expect(code).toBe(1)
  })

  test('verify takes a directory', async () => {
    const { code, out } = await toolkit('lessons', 'verify', './test/lessons/fixtures/always-passes')
    expect(out).toMatch(/FAILED {2}always-passes, make, fails on a fresh lab\n {2}the check passes on a fresh lab/)
    expect(code).toBe(1)
  })
})
