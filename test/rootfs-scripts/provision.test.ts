// provision.sh in a mount and network namespace of its own: what it would write in the machine it writes into directories
// of ours, and it has no network. Nothing is installed: the machine must have the packages.
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import {
  copyFileSync,
  existsSync,
  globSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeEach, describe, expect, test } from 'vitest'
import { slow } from '../slow.ts'
import { staticBusybox } from './static-busybox.ts'

const scratch = mkdtempSync(join(tmpdir(), 'provision-'))
afterAll(() => rmSync(scratch, { recursive: true, force: true }))

const sh = (script: string, ...args: string[]) => spawnSync('sh', ['-c', script, 'sh', ...args], { encoding: 'utf8' })
const has = (program: string) => sh('command -v "$1"', program).status === 0

/** What keeps a test from running here, as a part of its name. */
const reason =
  process.getuid!() !== 0
    ? ' (skipped: needs root)'
    : !has('dpkg') || !has('apt-get')
      ? ' (skipped: needs Debian or Ubuntu)'
      : spawnSync('unshare', ['-mn', 'true']).status !== 0
        ? ' (skipped: cannot make a mount and a network namespace)'
        : ''
/** Programs of the course that this machine lacks and is not to get; one that does nothing stands for each. */
const lacking = ['ip', 'nft', 'ping', 'ps', 'runc', 'sudo'].filter(program => !has(program))

const arch = sh('dpkg --print-architecture').stdout.trim()
const PLACES = ['opt', 'usr/local/bin', 'etc/profile.d', 'etc/sudoers.d', 'run/lock', 'var/lib/toolkit']

/** A machine: the directories that provision.sh writes to. */
let machine: string
const newMachine = () => {
  machine = mkdtempSync(`${scratch}/machine-`)
  for (const place of PLACES) mkdirSync(`${machine}/${place}`, { recursive: true })
  for (const name of lacking) writeFileSync(`${machine}/usr/local/bin/${name}`, '#!/bin/sh\n', { mode: 0o755 })
}
const WITHIN = `machine=$1; shift
  for place in ${PLACES.join(' ')}; do mkdir -p /$place; mount --bind "$machine/$place" /$place; done
  exec "$@"`
const within = (script: string, ...args: string[]): [string, string[]] => [
  'unshare',
  ['-mn', 'sh', '-ec', WITHIN, 'sh', machine, 'sh', script, ...args],
]
const { busybox, missing } = staticBusybox()
const env = { PATH: process.env.PATH, HOME: scratch, LANG: 'C.UTF-8', BUSYBOX: busybox }
const provision = (script: string, ...args: string[]) => {
  const [command, words] = within(script, ...args)
  return spawnSync(command, words, { encoding: 'utf8', env })
}

const checkout = resolve('rootfs-scripts/provision.sh')
/** The script alone, beside what a test puts there. */
function alone(): string {
  const directory = mkdtempSync(`${scratch}/alone-`)
  copyFileSync(checkout, `${directory}/provision.sh`)
  return `${directory}/provision.sh`
}

const line = (text: string) => `provision.sh: ${text}\n`

describe.skipIf(reason)(`provision.sh refuses with a line${reason}`, () => {
  beforeEach(newMachine)
  const unchanged = () => expect(readdirSync(`${machine}/opt`)).toEqual([])

  test.each([
    [['--wat'], 'no such option: --wat; see --help'],
    [['--bundle'], '--bundle needs a value; see --help'],
    [['--learner', 'nobody-here'], 'there is no user nobody-here; type: sudo adduser nobody-here'],
    [['--bundle', '/nowhere'], 'cannot read the bundle /nowhere'],
  ])('%j', (args, said) => {
    expect(provision(checkout, ...args)).toMatchObject({ status: 1, stdout: '', stderr: line(said) })
    unchanged()
  })

  test('a user who is not root', () => {
    const { status, stderr } = spawnSync('setpriv', ['--reuid', '65534', '--clear-groups', 'sh', '-s'], {
      encoding: 'utf8',
      input: readFileSync(checkout),
    })
    expect({ status, stderr }).toEqual({ status: 1, stderr: line('needs root; type: sudo sh provision.sh') })
  })

  test('a machine without dpkg', () => {
    const [command, words] = within('-c', `mount --bind /dev/null "$(command -v dpkg)"; exec sh ${checkout}`)
    const { status, stderr } = spawnSync(command, words, { encoding: 'utf8', env })
    expect({ status, stderr }).toEqual({ status: 1, stderr: expect.stringContaining('neither Debian nor Ubuntu') })
  })

  test('itself alone', () => {
    const { status, stderr } = provision(alone())
    expect(status).toBe(1)
    expect(stderr).toMatch(/^provision\.sh: this script needs the checkout .* or a bundle beside it .*\n$/)
  })
})

/** A bundle of a few files, packed as bundle.sh packs; `spoil` does something to it before. */
function small(directory: string, spoil: (root: string) => void, manifest: (text: string) => string = text => text) {
  const root = mkdtempSync(`${scratch}/bundle-`)
  mkdirSync(`${root}/npm`)
  for (const name of ['one', 'two']) writeFileSync(`${root}/npm/${name}`, name.repeat(5000))
  const sums = sh('cd "$1" && sha256sum npm/one npm/two', root).stdout
  const text = `toolkit bundle 1\narchitecture ${arch}\nsuites bookworm\nsource 0\nfiles 2\n${sums}`
  writeFileSync(`${root}/MANIFEST`, manifest(text))
  spoil(root)
  expect(sh('cd "$1" && tar -cf "$2" *', root, `${directory}/toolkit-${arch}.bundle`).status).toBe(0)
}

describe.skipIf(reason)(`a damaged bundle is named, and nothing is installed from it${reason}`, () => {
  beforeEach(newMachine)

  const anew = 'copy it again, or make it anew with bundle.sh'
  const cases: [string, string, (directory: string) => void][] = [
    [
      'cut off',
      'not a whole tar file',
      at => {
        small(at, () => {})
        sh('truncate -s 12000 "$1"', `${at}/toolkit-${arch}.bundle`)
      },
    ],
    ['something else', 'not a whole tar file', at => writeFileSync(`${at}/toolkit-${arch}.bundle`, 'hello')],
    ['a file with other bytes', 'npm/two: FAILED', at => small(at, root => writeFileSync(`${root}/npm/two`, 'x'))],
    ['a file less', 'npm/two: FAILED open or read', at => small(at, root => rmSync(`${root}/npm/two`))],
    [
      'a list that is shorter',
      'its list of files is not whole',
      at =>
        small(
          at,
          () => {},
          text => text.replace(/.*npm\/two\n/, ''),
        ),
    ],
    ['no list', 'it has no list of its files', at => small(at, root => rmSync(`${root}/MANIFEST`))],
    ['without us', 'toolkit itself is not in it', at => small(at, () => {})],
  ]
  test.each(cases)('%s', (_, why, make) => {
    const script = alone()
    make(dirname(script))
    const bundle = `${dirname(script)}/toolkit-${arch}.bundle`
    const { status, stderr } = provision(script)
    expect(stderr.split('\n').at(-2)).toBe(`provision.sh: the bundle ${bundle} is damaged (${why}); ${anew}`)
    expect(status).toBe(1)
    expect(readdirSync(`${machine}/opt`)).toEqual([])
  })

  test('for another processor', () => {
    const script = alone()
    small(
      dirname(script),
      () => {},
      text => text.replace(`architecture ${arch}`, 'architecture riscv64'),
    )
    const { status, stderr } = provision(script)
    expect(status).toBe(1)
    expect(stderr).toContain(` is for riscv64, this machine is ${arch}\n`)
  })
})

// ---- all of it, from a bundle that bundle.sh makes of npm's cache

const bundle = `${scratch}/whole/toolkit-${arch}.bundle`
function makeBundle(): string {
  if (reason) return reason
  if (missing) return ` (skipped: ${missing})`
  mkdirSync(dirname(bundle))
  const made = spawnSync('rootfs-scripts/bundle.sh', ['--suites', '', bundle], {
    encoding: 'utf8',
    timeout: 300_000 * slow,
  })
  return made.status === 0 ? '' : ` (skipped: npm's cache has not all, and there is no network)`
}
const noBundle = makeBundle()

describe.skipIf(noBundle)(`provision.sh without a network${noBundle}`, { timeout: 240_000 * slow }, () => {
  const script = `${dirname(bundle)}/provision.sh` // alone beside the bundle
  const learner = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map(entry => entry.split(':')[0]!)
    .find(name => /^[a-z]+$/.test(name) && name !== 'root')!
  const building = async () => {
    for (let tries = 0; tries < 6000 * slow; tries++) {
      if (globSync(`${machine}/opt/.toolkit-provision-*/toolkit/node_modules/*`).length > 3) return
      await sleep(10)
    }
    throw new Error('npm ci has not begun')
  }

  test('that is ended while it builds leaves nothing, and ends all that it has started', async () => {
    newMachine()
    copyFileSync(checkout, script)
    const [command, words] = within(script, '--learner', learner)
    const child = spawn(command, words, { env, stdio: 'ignore' })
    await building()
    child.kill('SIGTERM')
    expect((await once(child, 'exit'))[0]).toBe(143)
    expect(readdirSync(`${machine}/opt`)).toEqual([])
    expect(existsSync(`${machine}/usr/local/bin/toolkit`)).toBe(false)
    await sleep(300 * slow)
    expect(readdirSync(`${machine}/opt`)).toEqual([]) // nobody goes on writing
  })

  test('removes what a killed run has left; two at once wait for each other', async () => {
    mkdirSync(`${machine}/opt/.toolkit-provision-Killed/toolkit/node_modules`, { recursive: true })
    const run = () => {
      const [command, words] = within(script, '--learner', learner)
      const child = spawn(command, words, { env, stdio: ['ignore', 'ignore', 'pipe'] })
      let said = ''
      child.stderr.on('data', data => {
        said += data
      })
      return { ended: once(child, 'close'), said: () => said }
    }
    const both = [run(), run()]
    const codes = await Promise.all(both.map(({ ended }) => ended))
    expect(codes.map(([code]) => code)).toEqual([0, 0])
    const said = both.map(one => one.said())
    expect(said.filter(text => text.includes('another run is at work; waiting'))).toHaveLength(1)
    expect(said.filter(text => text.includes('installed toolkit in /opt/toolkit'))).toHaveLength(1)
    expect(said.filter(text => text.includes('nothing to do: all is there already'))).toHaveLength(1)
    expect(readdirSync(`${machine}/opt`)).toEqual(['toolkit'])
  })

  test('has installed what works', () => {
    expect(readlinkSync(`${machine}/usr/local/bin/toolkit`)).toBe('/opt/toolkit/bin/toolkit')
    expect(lstatSync(`${machine}/var/lib/toolkit/rootfs/busybox/bin/sh`).isSymbolicLink()).toBe(true)
    expect(readFileSync(`${machine}/etc/profile.d/toolkit.sh`, 'utf8')).toContain(`= ${learner} ]`)
    const rules = `${machine}/etc/sudoers.d/toolkit`
    expect(statSync(rules).mode & 0o777).toBe(0o440)
    expect(readFileSync(rules, 'utf8')).toContain(`${learner} ALL=(root) NOPASSWD: /usr/local/bin/toolkit\n`)
    if (has('visudo')) expect(spawnSync('visudo', ['-cf', rules]).status).toBe(0)
    // the lock file is as npm's, not as it was while npm ran
    expect(readFileSync(`${machine}/opt/toolkit/package-lock.json`)).toEqual(readFileSync('package-lock.json'))
    const [command, words] = within('-c', 'toolkit run --rm --net none busybox echo hello')
    expect(spawnSync(command, words, { encoding: 'utf8', env })).toMatchObject({ status: 0, stdout: 'hello\n' })
  })

  const snapshot = () =>
    PLACES.flatMap(place => globSync('**', { cwd: `${machine}/${place}` }).map(path => `${machine}/${place}/${path}`))
      .filter(path => !path.includes('/node_modules/') && !path.includes('/run/lock'))
      .map(path => {
        const found = lstatSync(path)
        const { ino, mode, size, mtimeMs, ctimeMs } = found
        // a directory's times also tell of what was there for a moment
        return [path, ino, mode, ...(found.isDirectory() ? [] : [size, mtimeMs, ctimeMs])].join(' ')
      })

  test('run again changes nothing and says so, from the bundle and from the checkout', () => {
    const before = snapshot()
    expect(before.length).toBeGreaterThan(500)
    for (const [path, ...more] of [[script], [checkout, '--bundle', bundle], [checkout]]) {
      const { status, stderr } = provision(path!, ...more, '--learner', learner)
      expect(stderr).toContain(line('nothing to do: all is there already'))
      expect(status).toBe(0)
    }
    expect(snapshot()).toEqual(before)
  })

  test('makes good what is missing, and no more', () => {
    rmSync(`${machine}/usr/local/bin/toolkit`)
    writeFileSync(`${machine}/etc/profile.d/toolkit.sh`, 'old')
    const { status, stderr } = provision(checkout, '--bundle', bundle, '--learner', learner)
    expect(status).toBe(0)
    expect(stderr.split('\n').slice(0, 2)).toEqual([
      'provision.sh: linked /usr/local/bin/toolkit',
      'provision.sh: wrote /etc/profile.d/toolkit.sh',
    ])
  })

  test('--no-learner takes back what the learner had', () => {
    const { status, stderr } = provision(checkout, '--no-learner')
    expect(status).toBe(0)
    expect(stderr).toContain(line('removed /etc/profile.d/toolkit.sh') + line('removed /etc/sudoers.d/toolkit'))
    expect(readdirSync(`${machine}/etc/sudoers.d`)).toEqual([])
  })

  test('says so where the bundle is of another package-lock.json', () => {
    newMachine()
    const other = `${scratch}/other`
    expect(
      sh('. rootfs-scripts/shared.sh; mkdir "$1"; sources . | tar -T - -cf - | tar -C "$1" -xf -', other).status,
    ).toBe(0)
    const lock = `${other}/package-lock.json`
    writeFileSync(lock, readFileSync(lock, 'utf8').replace(/("integrity": "sha512-)..../, '$1AAAA'))
    const { status, stderr } = provision(`${other}/rootfs-scripts/provision.sh`, '--bundle', bundle)
    expect(status).toBe(1)
    expect(stderr).toContain(`the bundle ${bundle} was made from another package-lock.json; make it anew: bundle.sh\n`)
    expect(readdirSync(`${machine}/opt`)).toEqual([])
  })

  test('and without a bundle says what it lacks', () => {
    newMachine()
    const { status, stderr } = provision(checkout)
    expect(status).toBe(1)
    expect(stderr).toContain(
      line('cannot download them; run this again with a network, or with a bundle (see bundle.sh)'),
    )
    expect(readdirSync(`${machine}/opt`)).toEqual([])
  })
})
