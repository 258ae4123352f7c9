// What is said and written when the course is left.
import { lstatSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { learnersHome } from '../../lessons/caller.ts'
import { farewell } from '../../lessons/cli/farewell.ts'
import { newTranscript, saveTranscript } from '../../lessons/cli/transcript-file.ts'
import { lesson, second } from './tutor/fake-player.ts'

const lessons = [lesson, second]
const ids = (names: string[]) => (_: unknown, id: string) => names.includes(id)
const session = {
  before: () => false,
  now: () => false,
  next: { lesson, task: 0 },
  transcripts: [],
  command: 'toolkit learn',
}

describe('the last words', () => {
  test('nothing was done', () => {
    expect(farewell(lessons, session)).toEqual([
      'No task was finished this time.',
      "'toolkit learn' goes on with lesson 1, task 1: Look at your root",
    ])
  })

  test('what was done this time, not before, and where the transcript is', () => {
    const now = (each: unknown, id: string) => each === lesson && id !== 'shared'
    const before = (each: unknown, id: string) => each === lesson && id === 'look'
    const next = { lesson, task: 2 }
    expect(farewell(lessons, { ...session, before, now, next, transcripts: ['/home/ada/t.txt'] })).toEqual([
      'A task done this time:',
      '  ✔ Enter another root',
      '',
      "'toolkit learn' goes on with lesson 1, task 3: See what is shared",
      'What the shell has shown is in /home/ada/t.txt',
    ])
  })

  test('a lesson that was finished this time: what to keep of it', () => {
    const now = (each: unknown) => each === lesson
    const lines = farewell(lessons, { ...session, now, next: { lesson: second, task: 0 } })
    expect(lines).toContain('3 tasks done this time:')
    expect(lines.join('\n')).toContain(
      'What to keep of lesson 1, A root of one’s own:\n- A chroot isolates paths.\n- Nothing else.\n\n',
    )
    expect(lines.at(-1)).toBe("'toolkit learn' goes on with lesson 2, task 1: Look at your root")
    const done = { ...session, now, before: now, next: { lesson: second, task: 0 } }
    expect(farewell(lessons, done).join()).not.toContain('What to keep')
  })

  test('the end of the course', () => {
    const now = ids(['look', 'enter', 'shared'])
    expect(farewell(lessons, { ...session, now, before: now }).at(-1)).toBe('The course is finished.')
  })
})

describe('the file', () => {
  let home: string
  beforeEach(() => {
    home = mkdtempSync(`${tmpdir()}/home-`)
  })
  afterEach(() => {
    vi.unstubAllEnvs()
    rmSync(home, { recursive: true })
  })
  const day = new Date('2026-03-04T12:00:00Z')

  test('has a new name each time, and is for its owner only', () => {
    expect(saveTranscript('one', home, day)).toBe(`${home}/toolkit-2026-03-04.txt`)
    expect(saveTranscript('two', home, day)).toBe(`${home}/toolkit-2026-03-04-2.txt`)
    expect(readFileSync(`${home}/toolkit-2026-03-04.txt`, 'utf8')).toBe('one')
    expect(lstatSync(`${home}/toolkit-2026-03-04.txt`).mode & 0o777).toBe(0o600)
  })

  test('is never written over another one, which may be named so already', () => {
    writeFileSync(`${home}/mine`, 'mine')
    expect(() => newTranscript(`${home}/mine`)).toThrow(/--transcript: .*\/mine is there already; name a new file/)
    expect(() => newTranscript(`${home}/no/where`)).toThrow(/cannot be written \(ENOENT\)/)
    expect(readFileSync(`${home}/mine`, 'utf8')).toBe('mine')
    expect(newTranscript(`${home}/new`)).toBe(`${home}/new`)
  })

  test.skipIf(process.getuid?.() !== 0)('under sudo it is whose who called, in their home', () => {
    const env = { HOME: '/root', SUDO_UID: '4711', SUDO_GID: '4712' }
    expect(learnersHome(env, `root:x:0:0::/root:\nada:x:4711:4712::${home}:/bin/sh\n`)).toBe(home)
    expect(learnersHome({ HOME: '/root' }, '')).toBe('/root')
    expect(learnersHome({}, '')).toBeUndefined()
    vi.stubEnv('SUDO_UID', '4711')
    vi.stubEnv('SUDO_GID', '4712')
    const { uid, gid } = lstatSync(saveTranscript('one', home, day))
    expect([uid, gid]).toEqual([4711, 4712])
  })
})
