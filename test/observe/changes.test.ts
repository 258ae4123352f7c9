// The list of changes, against overlays that the kernel made, and against a comparison of the two trees.
import { execFileSync, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { afterAll, beforeEach, describe, expect, test } from 'vitest'
import { invoke } from '../../toolkit/kernel/call.ts'
import { readChanges } from '../../toolkit/observe/changes.ts'

const isRoot = process.getuid!() === 0
const world = mkdtempSync(`${tmpdir()}/changes-`)
afterAll(() => rmSync(world, { recursive: true, force: true }))

const bash = (script: string, input = '') =>
  execFileSync('bash', ['-euc', script], { cwd: here, encoding: 'utf8', input, stdio: ['pipe', 'pipe', 'inherit'] })

/** Sets an attribute of overlayfs. */
const mark = (path: string, name: string, value: string) =>
  invoke('lsetxattr', [`${here}/${path}`, `trusted.overlay.${name}`, Buffer.from(value), value.length, 0])

let here = ''
let runs = 0

/** Carries `script` out in an overlay of the directories top, middle and bottom; each line of the list as text. */
function changed(script: string): string[] {
  bash(`unshare -m bash -euc '
    mount -t overlay overlay -o lowerdir=top:middle:bottom,upperdir=upper,workdir=work merged
    cd merged; ${script.replaceAll("'", "'\\''")}'`)
  return list()
}
const list = () =>
  readChanges(
    `${here}/upper`,
    ['top', 'middle', 'bottom'].map(name => `${here}/${name}`),
  ).map(({ kind, path }) => `${kind} ${path}`)

describe.skipIf(!isRoot)('changes (needs root, to mount an overlay)', () => {
  beforeEach(() => {
    here = `${world}/${runs++}`
    for (const name of ['top', 'middle', 'bottom', 'upper', 'work', 'merged'])
      mkdirSync(`${here}/${name}`, { recursive: true })
    bash(`mkdir -p bottom/etc/deep bottom/bin top/etc
      echo a >bottom/etc/a; echo b >bottom/etc/b; echo c >bottom/etc/deep/c; echo sh >bottom/bin/sh
      echo top >top/etc/b; echo t >top/etc/t`)
  })

  test.each<[string, string, string[]]>([
    ['nothing', ':', []],
    ['reading', 'cat etc/a etc/deep/c', []],
    ['a new file', 'echo >new', ['A /new']],
    ['a new tree', 'mkdir -p n/e; echo >n/e/w', ['A /n', 'A /n/e', 'A /n/e/w']],
    ['a changed file', 'echo more >>etc/deep/c', ['C /etc', 'C /etc/deep', 'C /etc/deep/c']],
    ['a file written with what it held', 'echo a >etc/a', ['C /etc', 'C /etc/a']],
    ['a deleted file', 'rm etc/a', ['C /etc', 'D /etc/a']],
    ['a deleted file of two layers', 'rm etc/b', ['C /etc', 'D /etc/b']],
    ['a deleted tree', 'rm -r etc', ['D /etc']],
    ['made and deleted again', 'echo >new; rm new', []],
    ['another mode', 'chmod 700 etc', ['C /etc']],
    ['another owner', 'chown 1 bin', ['C /bin']],
    ['a file renamed', 'mv etc/a etc/z', ['C /etc', 'D /etc/a', 'A /etc/z']],
    [
      'a tree made anew',
      'rm -r etc; mkdir etc; echo >etc/b; echo >etc/n',
      ['C /etc', 'D /etc/a', 'C /etc/b', 'D /etc/deep', 'A /etc/n', 'D /etc/t'],
    ],
    [
      'a tree in a tree made anew',
      'rm -r etc; mkdir -p etc/deep',
      ['C /etc', 'D /etc/a', 'D /etc/b', 'C /etc/deep', 'D /etc/deep/c', 'D /etc/t'],
    ],
    ['a tree that became a file', 'rm -r etc; echo >etc', ['C /etc']],
    ['a file that became a tree', 'rm etc/a; mkdir etc/a; echo >etc/a/x', ['C /etc', 'C /etc/a', 'A /etc/a/x']],
    ['a device, a link, a fifo', 'mknod null c 1 3; ln -s / link; mkfifo fifo', ['A /fifo', 'A /link', 'A /null']],
  ])('%s', (_title, script, expected) => {
    expect(changed(script)).toEqual(expected)
  })

  test('whiteouts and opaque directories among the lower layers count', () => {
    bash('mknod middle/bin c 0 0; mkdir -p middle/etc')
    mark('middle/etc', 'opaque', 'y')
    expect(changed('mkdir bin; echo >etc/a')).toEqual(['A /bin', 'C /etc', 'A /etc/a'])
  })

  test('a whiteout as an attribute, as an overlay on an overlay has it', () => {
    bash('mkdir upper/etc; touch upper/etc/a')
    mark('upper/etc', 'opaque', 'x')
    mark('upper/etc/a', 'whiteout', '')
    expect(list()).toEqual(['C /etc', 'D /etc/a'])
  })

  test('names of any bytes', () => {
    bash(`touch upper/$'line\\nend' upper/$'\\xff' upper/ü`)
    expect(list()).toEqual(['A /line\nend', 'A /ü', 'A /\ufffd'])
  })

  test('a symbolic link in the upper layer is not followed: nothing of the host is listed', () => {
    rmSync(`${here}/upper`, { recursive: true })
    mkdirSync(`${here}/upper`)
    symlinkSync('/etc', `${here}/upper/etc`)
    expect(list()).toEqual(['C /etc'])
  })

  test('a directory exchanged for a link all the time: nothing of the host is ever listed', () => {
    const racer = `const { renameSync } = require('fs')
      for (;;) for (const [a, b] of [['etc', 'x'], ['link', 'etc'], ['etc', 'link'], ['x', 'etc']]) try { renameSync(a, b) } catch {}`
    bash('mkdir -p upper/etc/mine; ln -s /etc upper/link')
    const child = spawn(process.execPath, ['-e', racer], { cwd: `${here}/upper`, stdio: 'ignore' })
    const seen = new Set<string>()
    for (let i = 0; i < 1500; i++) for (const line of list()) seen.add(line.slice(2))
    child.kill('SIGKILL')
    expect([...seen].filter(path => /passwd|hosts|fstab/.test(path))).toEqual([])
    expect(seen.has('/etc') || seen.has('/x')).toBe(true)
  })

  test('as a comparison of the trees before and after tells it', () => {
    const names = ['a', 'b', 'c', 'd']
    let seed = 7
    const random = (n: number) => {
      seed = (Math.imul(seed, 1103515245) + 12345) >>> 1
      return (seed >>> 8) % n
    }
    const path = () => Array.from({ length: 1 + random(3) }, () => names[random(4)]).join('/')
    const script = (top: string, count: number) =>
      Array.from({ length: count }, () => {
        const at = `${top}${path()}`
        const write = `{ rm -rf ${at}; mkdir -p $(dirname ${at}); echo $RANDOM >${at}; }`
        return `${[`mkdir -p ${at}`, `rm -rf ${at}`, write, `touch ${at}`][random(4)]} 2>/dev/null || true`
      }).join('\n')
    for (let round = 0; round < 12; round++) {
      rmSync(here, { recursive: true })
      for (const name of ['top', 'middle', 'bottom', 'upper', 'work', 'merged'])
        mkdirSync(`${here}/${name}`, { recursive: true })
      bash(`${script('bottom/', 15)}\n${script('middle/', 8)}`)
      const tree = `find . -mindepth 1 -printf "%y %P\\n" | sort`
      const snapshot = (change: string) =>
        bash(`unshare -m bash -euc '
        mount -t overlay overlay -o lowerdir=top:middle:bottom,upperdir=upper,workdir=work merged
        cd merged; ${change}
        ${tree}'`)
          .trim()
          .split('\n')
          .filter(Boolean)
          .map(line => line.slice(2))
      const before = new Set(snapshot(':'))
      const after = new Set(snapshot(script('', 12)))
      const lines = list()
      const added = [...after].filter(name => !before.has(name)).map(name => `A /${name}`)
      expect(lines.filter(line => line.startsWith('A')).toSorted(), `round ${round}`).toEqual(added.toSorted())
      // of a deleted tree only the top is told
      const gone = [...before]
        .filter(name => !after.has(name))
        .filter(name => after.has(name.replace(/\/?[^/]*$/, '')) || !name.includes('/'))
      const told = lines.filter(line => line.startsWith('D')).map(line => line.slice(3))
      expect(
        gone.filter(name => !told.includes(name) && isDirectoryNow(name)),
        `round ${round}`,
      ).toEqual([])
      expect(
        told.filter(name => after.has(name) || !before.has(name)),
        `round ${round}`,
      ).toEqual([])
    }
  })
})

/** Whether what held `name` is a directory still; of a tree that became a file nothing more is told than that. */
function isDirectoryNow(name: string): boolean {
  const parent = name.includes('/') ? name.replace(/\/[^/]*$/, '') : '.'
  return (
    bash(`unshare -m bash -euc 'mount -t overlay overlay -o lowerdir=top:middle:bottom,upperdir=upper,workdir=work merged
    test -d merged/${parent} && echo yes || true'`).trim() === 'yes'
  )
}
