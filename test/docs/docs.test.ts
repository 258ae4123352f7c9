// What the pages say must be there: the files they lead to, what they name in those, and the commands they tell to type.
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'

const pages = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '*.md'], {
  encoding: 'utf8',
})
  .split('\n')
  .filter(page => page !== '' && existsSync(page))

/** The page without blocks of code, in which brackets are no links. */
const prose = (page: string): string => readFileSync(page, 'utf8').replace(/^```.*?^```/gms, '')

interface Link {
  readonly text: string
  readonly path: string
}
const linksOf = (page: string): Link[] =>
  [...prose(page).matchAll(/\[([^\]]+)\]\(([^)\s]+)\)/g)]
    .map(([, text, to]) => ({ text: text!, path: to!.replace(/#.*/, '') }))
    .filter(({ path }) => path !== '' && !/^[a-z]+:/.test(path))

test('there are pages', () => {
  expect(pages).toEqual(expect.arrayContaining(['README.md', 'CONTRIBUTING.md', 'docs/tour.md', 'lessons/README.md']))
})

describe.each(pages)('%s', page => {
  test('leads to files that are there', () => {
    const missing = linksOf(page).filter(({ path }) => !existsSync(join(dirname(page), path)))
    expect(missing).toEqual([])
  })

  test('names what is in them', () => {
    // A link whose text is one identifier: `planContainer`. A text with a dot or a slash is the file's own name.
    const wrong = linksOf(page).filter(({ text, path }) => {
      const [, name] = /^`([A-Za-z_]+)`$/.exec(text) ?? []
      return name !== undefined && !new RegExp(`\\b${name}\\b`).test(readFileSync(join(dirname(page), path), 'utf8'))
    })
    expect(wrong).toEqual([])
  })
})

const help = new Map<string, string>()
/** The help of a command, such as `run` or `volume create`. */
function helpOf(command: readonly string[]): string {
  const key = command.join(' ')
  if (!help.has(key)) {
    const { status, stdout } = spawnSync('bin/toolkit', [...command, '--help'], { encoding: 'utf8' })
    help.set(key, status === 0 ? stdout : '')
  }
  return help.get(key)!
}

/** Lines of shell blocks that call toolkit. */
const commandLines = pages
  .filter(page => !page.startsWith('lessons/'))
  .flatMap(page =>
    [...readFileSync(page, 'utf8').matchAll(/^```sh\n(.*?)^```/gms)].flatMap(([, block]) =>
      block!.split('\n').flatMap(line => {
        const [, words] = /^(?:sudo )?npx toolkit ([^#|;]+)/.exec(line) ?? []
        return words === undefined ? [] : [{ page, words: words.trim() }]
      }),
    ),
  )

const families = ['volume', 'network', 'lessons', 'system', 'container', 'workshop']

test.each(commandLines)('$page: toolkit $words', ({ words }) => {
  const [name, second] = words.split(/\s+/)
  const command = families.includes(name!) && second && /^[a-z]/.test(second) ? [name!, second] : [name!]
  const text = helpOf(command)
  expect(text, `toolkit ${command.join(' ')} --help`).toContain('Usage:')
  // Flags up to the first word that is none of ours: what follows belongs to the container's program.
  const own = words.slice(0, words.search(/ busybox\b/) + 1 || undefined)
  for (const [flag] of own.matchAll(/(?<=\s)--[a-z-]+/g)) expect(text).toContain(flag)
})
