// The floors of the house, ground first: kernel → primitives, observe → image → engine → cli, lessons. Imports run down
// only, and a few arrows must never exist.
import { globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'

const floors: Record<string, number> = {
  'toolkit/kernel': 0,
  'toolkit/primitives': 1,
  'toolkit/observe': 1,
  'toolkit/image': 2,
  'toolkit/engine': 3,
  'toolkit/cli': 4,
  lessons: 4,
}
const roomOf = (path: string): string | undefined => Object.keys(floors).find(room => path.startsWith(`${room}/`))

/** A primitive may have parts: toolkit/primitives/NAME/ beside NAME.ts. */
const primitiveOf = (path: string): string | undefined => /^toolkit\/primitives\/([\w-]+)/.exec(path)?.[1]

/** What a file imports, types too: `import`, `export … from`, `import()`, `require()`. */
function importsOf(source: string): string[] {
  const code = source.replace(/^\s*(\/\/|\*|\/\*).*$/gm, '')
  const patterns = [
    /^\s*(?:import|export)\b[^'"`;]*?\bfrom\s*['"]([^'"]+)['"]/gm,
    /^\s*import\s*['"]([^'"]+)['"]/gm,
    /\b(?:import|require)\s*\(\s*['"]([^'"]+)['"]/g,
  ]
  return patterns.flatMap(pattern => [...code.matchAll(pattern)].map(match => match[1]!))
}

const isPackage = (specifier: string, name: string): boolean => specifier === name || specifier.startsWith(`${name}/`)

/** What is wrong with one arrow, or undefined. */
function forbidden(path: string, specifier: string): string | undefined {
  if (isPackage(specifier, 'koffi') && !path.startsWith('toolkit/kernel/')) return 'only toolkit/kernel/ imports koffi'
  for (const name of ['ink', 'react']) {
    if (isPackage(specifier, name) && !path.startsWith('lessons/tutor/') && !path.startsWith('test/'))
      return `only lessons/tutor/ imports ${name}`
  }
  if (!specifier.startsWith('.')) return undefined
  const target = join(dirname(path), specifier)
  const [from, to] = [roomOf(path), roomOf(target)]
  if (path.startsWith('toolkit/') && target.startsWith('lessons/')) return 'toolkit/ never imports lessons/'
  if (from === 'toolkit/primitives' && to !== 'toolkit/kernel' && primitiveOf(path) !== primitiveOf(target))
    return 'a primitive imports toolkit/kernel/ and nothing else'
  if (from === undefined || to === undefined || from === to) return undefined
  return floors[to]! < floors[from]! ? undefined : 'imports run down the floors only'
}

const READING = new Set(
  `closeSync constants existsSync fstatSync lstatSync openSync readdirSync readFileSync readlinkSync readSync
  realpathSync statfsSync statSync`.split(/\s+/),
)
const READING_CALLS = new Set(['close', 'lgetxattr', 'openat', 'read', 'socket'])

/** Why a file of observe/ could change something. What may be used is listed, so that a new way does not slip through. */
function changes(source: string): string[] {
  const found: string[] = []
  for (const specifier of importsOf(source)) {
    if (specifier.startsWith('node:') && !['node:fs', 'node:os', 'node:path'].includes(specifier)) found.push(specifier)
    if (/kernel\/(start|twin|twin-child|koffi|memory|netlink-action)\.ts$/.test(specifier)) found.push(specifier)
  }
  // Of netlink only `dump`, which asks for lists: everything else can send what changes links.
  for (const [, , clause] of source.matchAll(/(import|export)\s([^'";]*?)from\s*'[^']*kernel\/netlink\.ts'/g))
    if (clause!.trim() !== '{ dump }') found.push(`${clause!.trim()} of kernel/netlink.ts`)
  if (/(?:^\s*import|\bimport\s*\()\s*['"][^'"]*kernel\/netlink\.ts/m.test(source))
    found.push('all of kernel/netlink.ts')
  for (const [, clause] of source.matchAll(/^import\s+(?!type\b)([^'"]*?)\s+from\s+'node:(?:fs|os)'/gm)) {
    const names = clause!.startsWith('{') ? clause!.replace(/[{}]/g, '').split(',') : [`all of it (${clause})`]
    for (const name of names.map(text => text.trim()).filter(text => text !== '' && !text.startsWith('type ')))
      if (!READING.has(name) && !['networkInterfaces', 'hostname'].includes(name)) found.push(`node:fs ${name}`)
  }
  for (const [text] of source.matchAll(/\bopenSync\([^\n]*(?:'(?:[wa][^']*|r\+|rs\+)'|O_(?:WRONLY|RDWR|CREAT|TRUNC))/g))
    found.push(text)
  for (const [text, name, rest] of source.matchAll(/\b(?:invoke|attempt)\(\s*'?(\w+)'?([^\n]*)/g)) {
    const reads =
      name === 'ioctl'
        ? /IOCTL\.(SIOCG|TIOCG|TCGETS|NS_GET)/.test(rest!)
        : name === 'bpf'
          ? /^, \[BPF\.PROG_QUERY,/.test(rest!)
          : READING_CALLS.has(name!) && !/O\.(WRONLY|RDWR|CREAT)/.test(rest!)
    if (!reads) found.push(text)
  }
  return found
}

/** Everything that breaks a rule, a line each. */
function violations(path: string, source: string): string[] {
  const found = importsOf(source).flatMap(specifier => {
    const rule = forbidden(path, specifier)
    return rule ? [`${path} imports ${specifier}: ${rule}`] : []
  })
  if (path.startsWith('toolkit/observe/')) {
    for (const change of changes(source)) found.push(`${path}: observe/ changes nothing, but here is ${change}`)
  }
  if (path.startsWith('toolkit/') && /\bimport\(\s*[^'"\s]/.test(source))
    found.push(`${path}: import() of a path that this test cannot see`)
  return found
}

const files = globSync('{toolkit,lessons,test,bench,scripts}/**/*.{ts,tsx}').filter(
  path => path !== 'test/import-rules.test.ts', // it is full of bad examples
)

describe('the rules of imports', () => {
  test('every file keeps them', () => {
    expect(files.length).toBeGreaterThan(20)
    expect(files.flatMap(path => violations(path, readFileSync(path, 'utf8')))).toEqual([])
  })

  test.each([
    ['toolkit/primitives/uts.ts', "import { plan } from './mount.ts'", 'a primitive'],
    ['toolkit/primitives/seccomp/filter.ts', "import { plan } from '../uts.ts'", 'a primitive'],
    ['toolkit/primitives/uts.ts', "import type { Run } from '../engine/run.ts'", 'a primitive'],
    ['toolkit/primitives/uts.ts', "export * from '../observe/uts.ts'", 'a primitive'],
    ['toolkit/kernel/start.ts', "import { run } from '../engine/run.ts'", 'down the floors'],
    ['toolkit/observe/uts.ts', "import { plan } from '../primitives/uts.ts'", 'down the floors'],
    ['toolkit/image/rootfs.ts', "import {\n  a,\n  b,\n} from '../engine/run.ts'", 'down the floors'],
    ['toolkit/engine/run.ts', "const cli = await import('../cli/run.ts')", 'down the floors'],
    ['lessons/play.ts', "import { run } from '../toolkit/cli/run.ts'", 'down the floors'],
    ['toolkit/cli/learn.ts', "import '../../lessons/main.ts'", 'never imports lessons/'],
    ['toolkit/cli/run.ts', 'await import(course)', 'cannot see'],
    ['toolkit/engine/run.ts', "import koffi from 'koffi'", 'koffi'],
    ['bench/run.ts', "const koffi = require('koffi/indirect')", 'koffi'],
    ['toolkit/cli/run.ts', "import { render } from 'ink'", 'ink'],
    ['lessons/play.ts', "import type { ReactNode } from 'react'", 'react'],
    ['toolkit/observe/uts.ts', "import { readFileSync, writeFileSync } from 'node:fs'", 'writeFileSync'],
    ['toolkit/observe/uts.ts', "import fs from 'node:fs'", 'all of it'],
    ['toolkit/observe/uts.ts', "import { rm } from 'node:fs/promises'", 'node:fs/promises'],
    ['toolkit/observe/uts.ts', "import { execFileSync } from 'node:child_process'", 'node:child_process'],
    ['toolkit/observe/uts.ts', "openSync('/proc/sys/kernel/hostname', 'w')", 'openSync'],
    ['toolkit/observe/uts.ts', "invoke('sethostname', ['x', 1])", 'sethostname'],
    ['toolkit/observe/links.ts', "attempt('ioctl', [socket, IOCTL.SIOCSIFFLAGS, request])", 'SIOCSIFFLAGS'],
    ['toolkit/observe/links.ts', 'invoke(name, args)', 'invoke(name'],
    ['toolkit/observe/uts.ts', "attempt('bpf', [BPF.PROG_ATTACH, bytes, 16])", 'PROG_ATTACH'],
    ['toolkit/observe/uts.ts', "import { start } from '../kernel/start.ts'", 'start.ts'],
    ['toolkit/observe/links.ts', "import { dump, openNetlink } from '../kernel/netlink.ts'", 'openNetlink'],
    ['toolkit/observe/links.ts', "import { Netlink } from '../kernel/netlink.ts'", 'Netlink'],
    ['toolkit/observe/links.ts', "import * as netlink from '../kernel/netlink.ts'", '* as netlink'],
    ['toolkit/observe/links.ts', "export { openNetlink } from '../kernel/netlink.ts'", 'openNetlink'],
    ['toolkit/observe/links.ts', "const { openNetlink } = await import('../kernel/netlink.ts')", 'all of'],
    ['toolkit/observe/links.ts', "import { messageAction } from '../kernel/netlink-action.ts'", 'netlink-action.ts'],
    ['toolkit/observe/links.ts', "invoke('sendto', [fd, bytes, 20, 0, null, 0])", 'sendto'],
  ])('%s with %j is caught', (path, source, rule) => {
    expect(violations(path, source).join('\n')).toContain(rule)
  })

  test.each([
    ['toolkit/primitives/uts.ts', "import { step } from '../kernel/step.ts'"],
    ['toolkit/primitives/seccomp.ts', "import { plan } from './seccomp/filter.ts'"],
    ['toolkit/engine/run.ts', "import { stateDir } from '../image/paths.ts'\n// import koffi from 'koffi'"],
    ['lessons/tutor/app.tsx', "import { Box } from 'ink'\nimport { useMemo } from 'react'"],
    ['toolkit/observe/uts.ts', "import { openSync, readFileSync } from 'node:fs'\nopenSync('/proc/1/ns/uts', 'r')"],
    ['toolkit/observe/links.ts', "import { dump } from '../kernel/netlink.ts'\ndump(question)"],
  ])('%s with %j is fine', (path, source) => {
    expect(violations(path, source)).toEqual([])
  })
})
