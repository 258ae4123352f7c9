// The man page, made of the tables of all commands. man-pages(7), groff_man(7).

import { command as toolkit } from '../global-flags.ts'
import type { Command, Flag } from '../options.ts'
import { type Entry, groups, isFamily, nameOf } from './catalogue.ts'

/** As roff prints it: a backslash is a character, a dash is a dash, and a dot at the beginning of a line is no request. */
const text = (words: string): string =>
  words
    .replaceAll('\\', '\\(rs')
    .replaceAll('-', '\\-')
    .replaceAll('’', '\\(cq')
    .replaceAll('…', '...')
    .replace(/^([.'])/gm, '\\&$1')
    .replaceAll('\n', ' ')

const flagText = (name: string, { short, value }: Flag): string =>
  `${short ? `\\fB\\-${short}\\fR, ` : ''}\\fB\\-\\-${text(name)}\\fR${value ? ` \\fI${text(value)}\\fR` : ''}`

const usageText = (usage: string): string => {
  const [first = '', ...rest] = usage.split('\n')
  return [first, ...rest.map(line => line.trim().replace(/^toolkit /, ''))]
    .map(line => `\\fBtoolkit\\fR ${text(line)}`)
    .join('\n.br\n')
}

const flagsText = (flags: Command['flags']): string[] =>
  Object.entries(flags).flatMap(([name, flag]) => ['.TP', flagText(name, flag), text(flag.help)])

const describe = ({ usage, summary, flags }: Command): string[] => [
  usageText(usage),
  '.PP',
  text(summary),
  ...flagsText(flags),
]

function section(entry: Entry): string[] {
  if (!isFamily(entry)) return [`.SS ${text(nameOf(entry))}`, ...describe(entry)]
  return [
    `.SS ${text(entry.name)}`,
    text(entry.summary),
    ...Object.values(entry.commands).flatMap(command => ['.PP', ...describe(command)]),
  ]
}

/** `date`: 2026-01-31. */
export const manPage = (version: string, date: string): string =>
  `${[
    `.TH TOOLKIT 1 ${date} "toolkit ${version}" "User Commands"`,
    '.nh', // a word that is broken in two cannot be found, or copied
    '.SH NAME',
    'toolkit \\- build a Linux container by hand, then run the engine you understood',
    '.SH SYNOPSIS',
    '\\fBtoolkit\\fR [\\fIOPTIONS\\fR] \\fICOMMAND\\fR [\\fIOPTIONS\\fR] [\\fIARG\\fR...]',
    '.SH DESCRIPTION',
    text('A course in which one builds a container out of system calls, and the engine made of the same modules.'),
    text('Commands, flags and exit codes are those of docker as far as both have them.'),
    '.PP',
    text(
      "Whatever lists or shows something takes --json, for one JSON document, or --format with a template of docker: '{{.Name}}', 'table {{.ID}}\\t{{.Status}}', or json for a line of JSON each.",
    ),
    '.SH OPTIONS',
    ...flagsText(toolkit.flags),
    ...groups.flatMap(({ title, entries }) => [`.SH ${text(title.toUpperCase())}`, ...entries.flatMap(section)]),
    '.SH EXIT STATUS',
    'Of run, create, start \\-a and exec: that of the program; 125 where the engine fails, 126 where the command cannot be',
    'executed, 127 where it is not there, 128 + n where signal n has ended it. Of the others: 0 where all is done, 1 where',
    'that cannot be done, 64 for a template that is none, 125 for flags that cannot be read.',
    '.SH ENVIRONMENT',
    ...['.TP', '\\fBTOOLKIT_STATE\\fR', 'where containers, volumes and networks are kept (default: /var/lib/toolkit)'],
    ...['.TP', '\\fBTOOLKIT_NETWORK\\fR', 'the default of run \\-\\-network: none, host or bridge'],
    ...['.TP', '\\fBNO_COLOR\\fR', 'no colours'],
    '.SH FILES',
    ...['.TP', '\\fI/var/lib/toolkit\\fR', 'what is kept, as JSON that a person can read'],
    '.SH SEE ALSO',
    '\\fBnamespaces\\fR(7), \\fBcgroups\\fR(7), \\fBcapabilities\\fR(7), \\fBseccomp\\fR(2), \\fBpivot_root\\fR(2)',
  ].join('\n')}\n`
