import { expect, test } from 'vitest'
import { bindings, commandOf, footerEntries, showKey } from '../../../lessons/tutor/keys.ts'

test('every command is reached without function keys: Ctrl-] from the shell, then a key', () => {
  expect(commandOf('ctrl-]', 'shell')).toBe('switch')
  for (const { command, reading, searching } of bindings) {
    const [key] = [...reading, ...searching].filter(
      name => /^([ -~]|tab|enter|escape|ctrl-[a-z]|up|down)$/.test(name) || command.startsWith('page'),
    )
    expect(key, command).toBeDefined()
  }
})

test('no key means two things at a time', () => {
  for (const list of ['anywhere', 'reading', 'searching'] as const) {
    const keys = bindings.flatMap(binding => binding[list])
    expect(new Set(keys).size).toBe(keys.length)
  }
})

test('n is the next match while a search is on, and the next task otherwise', () => {
  expect(commandOf('n', 'lesson')).toBe('next')
  expect(commandOf('n', 'lesson', true)).toBe('nextMatch')
  expect(commandOf('n', 'shell')).toBeUndefined()
  expect(commandOf('j', 'lesson', true)).toBe('down')
})

test.each(['lesson', 'shell', 'zoomedShell', 'searching', 'textPage'] as const)(
  'the footer of %s names keys that work',
  mode => {
    for (const { command, key } of footerEntries(mode, 300)) {
      const binding = bindings.find(each => each.command === command)!
      const keys = [...binding.anywhere, ...binding.reading, ...binding.searching].map(showKey)
      for (const each of key.replace(/^Ctrl-\] (?=.)/, '').split(' ')) expect(keys).toContain(each)
    }
  },
)
