// The flags about the command itself: its name, its words, its environment, its place, and how it is looked after.
import { closeSync, openSync } from 'node:fs'
import { inQuotes, UNREADABLE } from '../../kernel/usage-error.ts'
import { readUpTo } from '../../observe/read.ts'
import type { Flag, Parsed } from '../options.ts'
import { type Labels, labelFlag, labelsOf } from './labels.ts'
import { refuseValue } from './refuse.ts'

/** Of commands whose user is before the container's terminal. */
export const detachFlag = {
  'detach-keys': { value: 'KEYS', help: 'the keys that leave its terminal, and it running (default: ctrl-p,ctrl-q)' },
} satisfies Record<string, Flag>

/** Of commands that stay with a container. */
export const signalFlag = {
  'sig-proxy': { help: 'pass signals on, where it has no terminal (default: true; --sig-proxy=false)' },
} satisfies Record<string, Flag>

/** Of commands that make a container. */
export const pullFlag = {
  pull: { value: 'missing|never', help: 'never: do not get a busybox where there is none (default: missing)' },
  quiet: { short: 'q', help: 'say nothing of getting a busybox' },
} satisfies Record<string, Flag>

export const flags = {
  interactive: { short: 'i', help: 'pass stdin on to the command' },
  tty: { short: 't', help: 'give it a terminal of its own' },
  rm: { help: 'remove the container when it has ended' },
  name: { value: 'NAME', help: 'its name (default: one is made up)', blank: true },
  hostname: { short: 'h', value: 'NAME', help: 'its host name (default: from its id)', blank: true },
  domainname: { value: 'NAME', help: 'the domain of its host name', blank: true },
  env: { short: 'e', value: 'NAME[=VALUE]', many: true, help: 'a variable; without =VALUE the one of here' },
  'env-file': { value: 'FILE', many: true, help: 'variables, a line each' },
  workdir: { short: 'w', value: 'DIRECTORY', help: 'where the command starts; made if it is not there', blank: true },
  entrypoint: { value: 'COMMAND', help: 'run this; the words after ROOTFS are its arguments', blank: true },
  label: { ...labelFlag, short: 'l' },
  'label-file': { value: 'FILE', many: true, help: 'labels, a line each' },
  init: { help: 'put a small process before the command that passes signals on and reaps orphans' },
} satisfies Record<string, Flag>

export interface Program {
  readonly interactive: boolean
  readonly terminal: boolean
  readonly autoRemove: boolean
  readonly name: string | undefined
  readonly hostname: string | undefined
  readonly domainname?: string
  readonly env: readonly string[]
  readonly cwd: string | undefined
  readonly init: boolean
  readonly labels?: Labels
}

/** Reads the flags. Throws a UsageError that names the flag, the value and what is allowed. */
export function program(given: Parsed['flags']): Program {
  const many = (flag: string) => (given[flag] ?? []) as readonly string[]
  const one = (flag: string) => given[flag] as string | undefined
  const labels = [...many('label-file').flatMap(path => linesOf('label-file', path)), ...many('label')]
  return {
    interactive: given.interactive === true,
    terminal: given.tty === true,
    autoRemove: given.rm === true,
    name: one('name')?.replace(/^\//, ''), // as inspect writes it
    hostname: one('hostname'),
    ...(one('domainname') !== undefined && { domainname: one('domainname')! }),
    env: [
      ...many('env-file').flatMap(path => linesOf('env-file', path).flatMap(line => variable('env-file', line, path))),
      ...many('env').flatMap(value => variable('env', value)),
    ],
    cwd: one('workdir'),
    init: given.init === true,
    ...(labels.length > 0 && { labels: labelsOf(labels) }),
  }
}

/** NAME=VALUE as it is; NAME alone takes the value it has here, and is nothing where it has none. */
function variable(flag: string, setting: string, file?: string): string[] {
  const [name = ''] = setting.split('=', 1)
  if (name === '' || /[\s\0]/.test(name) || setting.includes('\0'))
    throw refuseValue(
      flag,
      file ?? setting,
      `${file === undefined ? '' : `line ${inQuotes(setting)}: `}allowed: NAME=VALUE or NAME, the name without blanks`,
      UNREADABLE,
    )
  if (setting.includes('=')) return [setting]
  const value = process.env[name]
  return value === undefined ? [] : [`${name}=${value}`]
}

const MOST = 1 << 20 // bytes

/** Of a file with a setting a line; empty lines and those that begin with # are left out. */
function linesOf(flag: 'env-file' | 'label-file', path: string): string[] {
  let bytes: Buffer
  try {
    const fd = openSync(path, 'r')
    try {
      bytes = readUpTo(fd, MOST + 1)
    } finally {
      closeSync(fd)
    }
  } catch (error) {
    throw refuseValue(flag, path, `cannot be read (${(error as NodeJS.ErrnoException).code}); give a text file`)
  }
  if (bytes.length > MOST) throw refuseValue(flag, path, 'more than 1 MiB; give a smaller file')
  const lines = bytes
    .toString()
    .split(/\r?\n/)
    .map(line => line.trimStart())
  return lines.filter(line => line !== '' && !line.startsWith('#'))
}

/** Whether a root file system may be got where it is missing. Throws a UsageError: there is nowhere to get images from. */
export function mayPull(given: Parsed['flags']): boolean {
  const value = (given.pull ?? 'missing') as string
  if (value === 'missing' || value === 'never') return value === 'missing'
  const why = value === 'always' ? 'images come from nowhere here; ' : ''
  throw refuseValue('pull', value, `${why}allowed: missing, never`)
}

/** The command: what follows the root file system, behind --entrypoint where that is given. */
export function commandOf(given: Parsed['flags'], words: readonly string[]): readonly string[] {
  const entrypoint = given.entrypoint as string | undefined
  return entrypoint === undefined ? words : [entrypoint, ...words]
}
