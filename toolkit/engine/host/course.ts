// Checks: what a learner types and sees.
import { accessSync, closeSync, constants, openSync, statSync } from 'node:fs'
import { stateDir } from '../../image/paths.ts'
import { sizeOf } from '../../kernel/tty.ts'
import { readElf } from '../../observe/elf.ts'
import { type Finding, missing, ok, unchecked } from './check.ts'

/** Where a shell finds a program; undefined where it does not. */
function find(name: string): string | undefined {
  const directories = [...(process.env.PATH ?? '').split(':'), '/usr/local/sbin', '/usr/sbin', '/sbin']
  return directories
    .filter(Boolean)
    .map(directory => `${directory}/${name}`)
    .find(path => {
      try {
        accessSync(path, constants.X_OK)
        return statSync(path).isFile()
      } catch {
        return false
      }
    })
}

export function programs(...names: string[]): Finding {
  const absent = names.filter(name => find(name) === undefined)
  return absent.length > 0 ? missing(names.length > 1 ? absent.join(' ') : undefined) : ok(find(names[0]!))
}

/** One is made already, or there is a static one to make it of. */
export function busybox(): Finding {
  const made = `${stateDir()}/rootfs/busybox/bin/busybox`
  const candidates = [made, process.env.BUSYBOX, find('busybox')].filter(path => path !== undefined)
  const found = candidates.find(path => readElf(path)?.isStatic)
  return found === undefined ? missing() : ok(found)
}

const NEEDED = { columns: 80, rows: 24 }

export function terminal(): Finding {
  let fd: number
  try {
    fd = openSync('/dev/tty', 'r')
  } catch {
    return unchecked('there is no terminal')
  }
  try {
    const { columns, rows } = sizeOf(fd) ?? { columns: 0, rows: 0 }
    const text = `${columns} × ${rows}`
    return columns >= NEEDED.columns && rows >= NEEDED.rows ? ok(text) : missing(text)
  } finally {
    closeSync(fd)
  }
}

export const isUtf8 = (): boolean =>
  /utf-?8/i.test(process.env.LC_ALL || process.env.LC_CTYPE || process.env.LANG || '')

export const utf8 = (): Finding => (isUtf8() ? ok() : missing())
