import { expect, test } from 'vitest'
import { format, formatRows, table } from '../../toolkit/cli/template.ts'
import { UsageError } from '../../toolkit/kernel/usage-error.ts'

const row = { Name: 'one', Size: 7, Labels: { tier: 'db', 'a.b': 'dots' }, Users: ['x', 'y'], Nothing: undefined }

test.each([
  ['{{.Name}}', 'one'],
  ['<{{ .Name }}>{{- .Size -}}', '<one>7'],
  ['{{.Labels.tier}}{{.Labels.none}}', 'db'],
  ['{{index .Labels "a.b"}}', 'dots'],
  ['{{json .Labels}} {{json .Nothing}}', '{"tier":"db","a.b":"dots"} null'],
  ['{{len .Users}} {{upper .Name}}', '2 ONE'],
  ['a\\tb\\n{{.Name}}', 'a\tb\none'],
  ['{{json .}}', JSON.stringify({ ...row, Nothing: null })],
  ['json', JSON.stringify({ ...row, Nothing: null })],
])('%s', (template, text) => {
  expect(format(template, row)).toBe(text)
})

test('a row that would steer a terminal does not', () => {
  expect(format('{{.Name}} {{json .}}', { Name: '\x1b[2J' })).toBe('\\x1b[2J {"Name":"\\u001b[2J"}')
})

test.each(['{{.Nmae}}', '{{range .Users}}', '{{}}', '{{.constructor}}', '{{.__proto__}}', '{{frobnicate .Name}}'])(
  '%s is refused',
  template => {
    expect(() => format(template, row)).toThrow(UsageError)
  },
)

test('a table has titles made of its own words, and columns that fit', () => {
  expect(
    formatRows('table {{.Name}}\t{{.Size}}', [row, { Name: 'a-long-name', Size: 10 }], { Name: 'VOLUME NAME' }),
  ).toEqual(['VOLUME NAME   SIZE', 'one           7', 'a-long-name   10'])
  expect(formatRows('table {{.Name}}', [], {})).toEqual(['NAME'])
  expect(
    table([
      ['A', 'B'],
      ['x', 'y'],
    ]),
  ).toBe('A         B\nx         y')
})
