// What others have chosen, names, arguments and paths, does not steer the terminal of whoever looks at it.
import fs from 'node:fs'
import { afterAll, describe, expect, test } from 'vitest'
import { printable, printableJson, printableLines } from '../../../toolkit/cli/text/printable.ts'
import { skipped, World } from '../toolkit.ts'

// Clears the screen, fills the clipboard, goes back over the line, writes backwards, and the same in 8 bits.
const EVIL = 'a\x1b[2J\x1b]52;c;eA==\x07\rb\u202ec\x9b1Ad'
const SHOWN = 'a\\x1b[2J\\x1b]52;c;eA==\\x07\\rb\\u202ec\\x9b1Ad'
const steers = /[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]/

test('a text, several lines, JSON', () => {
  expect(printable(`${EVIL}\n`)).toBe(`${SHOWN}\\n`)
  expect(printableLines(`${EVIL}\n\tnext`)).toBe(`${SHOWN}\n\tnext`)
  expect(printableJson([EVIL])).not.toMatch(steers)
  expect(JSON.parse(printableJson([EVIL]))).toEqual([EVIL])
})

describe.skipIf(skipped)(`commands${skipped}`, () => {
  const world = new World()
  afterAll(() => world.end())
  const harmless = ({ stdout, stderr }: { stdout: string; stderr: string }) => {
    expect(stdout).not.toMatch(steers)
    expect(stderr).not.toMatch(steers)
    return `${stdout}${stderr}`
  }

  test.each([
    ['no such directory', ['run', '--rm', `/${EVIL}`, 'true']],
    ['no such program', ['run', '--rm', 'busybox', `/${EVIL}`]],
    ['no such flag', ['run', `--${EVIL}`]],
    ['a bad value', ['run', '--rm', '-v', `${EVIL}:/x`, 'busybox', 'true']],
    ['no such command', [EVIL]],
    ['no such container', ['rm', EVIL]],
    ['no such container for diff', ['diff', EVIL]],
    ['a plan', ['run', '--dry-run', '-w', `/${EVIL}`, 'busybox', 'echo', EVIL]],
    ['a plan being carried out', ['run', '--rm', '--explain', '-w', `/${EVIL}`, 'busybox', 'true', EVIL]],
  ])('%s', (_, args) => {
    expect(harmless(world.toolkit(args))).toMatch(/\[2J/)
  })

  test('ps, of arguments and of a state that somebody has changed', () => {
    world.toolkit(['run', '--name', 'box', 'busybox', 'true', EVIL])
    expect(harmless(world.toolkit(['ps', '-a']))).toMatch(/"true a.*\[2J/)
    const [id] = world.left().ended
    const file = `${world.state}/containers/ended/${id}/state.json`
    const state = JSON.parse(fs.readFileSync(file, 'utf8'))
    fs.writeFileSync(file, JSON.stringify({ ...state, name: EVIL, rootfs: EVIL, created: EVIL, args: [EVIL] }))
    expect(harmless(world.toolkit(['ps', '-a'])).split(SHOWN)).toHaveLength(3)
    expect(JSON.parse(harmless(world.toolkit(['ps', '-a', '--json'])))).toMatchObject([{ name: EVIL, args: [EVIL] }])
    harmless(world.toolkit(['diff', 'box']))
    expect(world.toolkit(['rm', 'box']).status).toBe(0)
  })
})
