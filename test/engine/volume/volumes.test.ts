// Volumes, by what the container and the host see of each other. Each hostile case names what it prevents; a witness on
// the host must stay unread and unchanged.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest'
import { planRootfs } from '../../../toolkit/engine/rootfs.ts'
import { defaultMounts } from '../../../toolkit/engine/spec.ts'
import { planMounts, withMounts } from '../../../toolkit/engine/volume/volumes.ts'
import type { Gate, Step } from '../../../toolkit/kernel/step.ts'
import * as devices from '../../../toolkit/primitives/devices.ts'
import type { Mount } from '../../../toolkit/primitives/mount.ts'
import * as mount from '../../../toolkit/primitives/mount.ts'
import * as pid from '../../../toolkit/primitives/pid.ts'
import { type AtGate, carryOut, failure, type Outcome } from '../../primitives/carry-out.ts'
import { directories, makeRootfs, mountNamespace, scratch, sh, skipped } from '../../primitives/container.ts'

const world = skipped ? '' : scratch()
const base = skipped ? '' : makeRootfs(`${world}/base`)
let runs = 0
const ownMounts = defaultMounts.filter(({ type }) => type !== 'cgroup') // a cgroup has tests of its own

const bind = (source: string, destination: string, ...options: string[]): Mount => ({
  destination,
  type: 'bind',
  source,
  options: ['rbind', ...options],
})

/** A container over `image`, a layer above the base, with these mounts. */
async function run(
  image: string,
  wanted: readonly Mount[],
  script: string,
  { create = [], atGate }: { create?: readonly string[]; atGate?: AtGate } = {},
): Promise<Outcome> {
  const parent = `${world}/run-${runs++}`
  mkdirSync(parent)
  const { upper, work, target } = directories(parent, 'upper', 'work', 'target')
  const root = planRootfs({ layers: { lower: [image, base], upper, work }, target })
  const { before, early, system, late } = planMounts(withMounts(ownMounts, wanted), { create })
  const steps: (Step | Gate)[] = [
    ...mount.makePrivate(),
    ...root.steps,
    ...early,
    ...mount.plan({ mounts: system }),
    ...devices.plan(),
    ...late,
    { gate: 'made' },
    sh(script),
  ]
  return carryOut(
    { before: [...root.before, ...before], namespaces: [...mountNamespace, pid.namespace], steps },
    atGate,
  )
}

describe(`volumes${skipped}`, { skip: skipped !== '' }, () => {
  let image: string
  let host: string
  beforeEach(() => {
    image = `${world}/image-${runs}-${Math.random().toString(36).slice(2)}`
    host = `${image}-host`
    mkdirSync(image)
    mkdirSync(`${host}/data`, { recursive: true })
    writeFileSync(`${host}/data/file`, 'host\n')
    writeFileSync(`${host}/witness`, 'untouched\n')
  })

  test('a directory, and a file, at places that the image lacks', async () => {
    const wanted = [bind(`${host}/data`, '/a/b/c'), bind(`${host}/data/file`, '/etc/deep/file')]
    const script = 'cat /a/b/c/file /etc/deep/file; echo new >/a/b/c/new; stat -c %a /a /a/b'
    expect(await run(image, wanted, script)).toEqual({ status: 0, output: 'host\nhost\n755\n755\n' })
    expect(readFileSync(`${host}/data/new`, 'utf8')).toBe('new\n')
    expect(readdirSync(image), 'the image is not changed').toEqual([])
  })

  test('a volume in a volume, in whatever order they are asked for', async () => {
    mkdirSync(`${host}/inner`)
    writeFileSync(`${host}/inner/x`, 'inner\n')
    const { output } = await run(
      image,
      [bind(`${host}/inner`, '/v/in'), bind(`${host}/data`, '/v')],
      'cat /v/file /v/in/x',
    )
    expect(output).toBe('host\ninner\n')
  })

  test('a symbolic link on the host leads where it leads there; one in the image stays in the image', async () => {
    symlinkSync(`${host}/data`, `${host}/link`)
    mkdirSync(`${image}/run`)
    mkdirSync(`${image}/var`)
    symlinkSync('/run', `${image}/var/run`)
    const { output } = await run(image, [bind(`${host}/link`, '/var/run/v')], 'cat /run/v/file')
    expect(output).toBe('host\n')
  })

  test('a source that is missing: made with -v, refused otherwise', async () => {
    const source = `${host}/new/dir`
    await expect(run(image, [bind(source, '/v')], 'true')).rejects.toThrow(`there is no ${source} on this machine`)
    await run(image, [bind(source, '/v')], 'touch /v/x', { create: [source] })
    expect(readdirSync(source)).toEqual(['x'])
  })

  test('/dev/shm of the host, below the container’s own /dev', async () => {
    const { output } = await run(
      image,
      [bind(`${host}/data`, '/dev/shm')],
      'cat /dev/shm/file; ls -l /dev/null | cut -c1',
    )
    expect(output).toBe('host\nc\n')
  })

  test('tmpfs: empty, with its options, where the image’s link leads', async () => {
    mkdirSync(`${image}/real`)
    writeFileSync(`${image}/real/old`, '')
    symlinkSync('real', `${image}/link`)
    const options = ['nosuid', 'nodev', 'noexec', 'size=64k', 'mode=700']
    const wanted = [{ destination: '/link', type: 'tmpfs', source: 'tmpfs', options }]
    const { output } = await run(
      image,
      wanted,
      'ls /link; stat -c %a /real; grep " /real " /proc/self/mountinfo | cut -d" " -f5,6; pwd',
    )
    expect(output).toBe('700\n/real rw,nosuid,nodev,noexec,relatime\n/\n')
  })

  describe('with mounts below the source', () => {
    beforeEach(() => {
      mkdirSync(`${host}/data/sub`)
      execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', `${host}/data`])
      mkdirSync(`${host}/data/sub`)
      execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', `${host}/data/sub`])
    })
    afterEach(() => {
      execFileSync('umount', ['-R', `${host}/data`])
    })

    test('row 24: read-only is read-only in every part', async () => {
      const { output } = await run(image, [bind(`${host}/data`, '/v', 'ro')], 'touch /v/x /v/sub/x 2>&1')
      expect(output).toBe('touch: /v/x: Read-only file system\ntouch: /v/sub/x: Read-only file system\n')
      expect(readdirSync(`${host}/data/sub`)).toEqual([])
    })

    test('the container’s end unmounts nothing of the host', async () => {
      const before = readFileSync('/proc/self/mountinfo', 'utf8')
      await run(image, [bind(`${host}/data`, '/v')], 'umount /v/sub; umount /v')
      expect(readFileSync('/proc/self/mountinfo', 'utf8')).toBe(before)
    })
  })

  // The kernel's table of propagation types, by what is mounted on one side and seen on the other.
  describe.each([
    { word: 'rprivate', toHost: false, toContainer: false },
    { word: 'rslave', toHost: false, toContainer: true },
    { word: 'rshared', toHost: true, toContainer: true },
    { word: 'runbindable', toHost: false, toContainer: false },
  ])('row 25: $word', ({ word, toHost, toContainer }) => {
    test(`mounts ${toContainer ? '' : 'do not '}go in, and ${toHost ? '' : 'do not '}come out`, async () => {
      const source = `${host}/data`
      execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', source])
      execFileSync('mount', ['--make-shared', source])
      try {
        mkdirSync(`${source}/in`)
        mkdirSync(`${source}/out`)
        const script = 'mount -t tmpfs inside /v/out; test -e /v/in/mark && echo came in; touch /v/out/mark'
        const { output } = await run(image, [bind(source, '/v', word)], script, {
          atGate: () => {
            execFileSync('mount', ['-t', 'tmpfs', 'outside', `${source}/in`])
            writeFileSync(`${source}/in/mark`, '')
          },
        })
        expect(output).toBe(toContainer ? 'came in\n' : '')
        expect(existsSync(`${source}/out/mark`)).toBe(toHost)
      } finally {
        execFileSync('umount', ['-R', source])
      }
    })
  })

  test('row 25: what is private cannot be shared, in one line that says what to do', async () => {
    execFileSync('mount', ['--bind', `${host}/data`, `${host}/data`])
    execFileSync('mount', ['--make-private', `${host}/data`])
    try {
      for (const word of ['rshared', 'rslave', 'shared', 'slave'])
        await expect(run(image, [bind(`${host}/data`, '/v', word)], 'true')).rejects.toThrow(
          `cannot be ${word}: it lies on ${host}/data, which is private; first: mount --make-shared ${host}/data`,
        )
    } finally {
      execFileSync('umount', [`${host}/data`])
    }
  })

  describe('an image that lies about its directories', () => {
    const up = '../../../../../..'

    test.each(['proc', 'sys', 'dev'])('row 12, 14: /%s is a symbolic link', async name => {
      // the layer hides the base's directory of that name
      symlinkSync(`${up}${host}`, `${image}/${name}`)
      const error = await failure(run(image, [], 'true'))
      expect(error).toMatchObject({ call: 'openat2', code: 'ELOOP' })
      expect(error.message).toContain('this is a symbolic link')
      expect(readdirSync(host).sort()).toEqual(['data', 'witness'])
    })

    test.each([
      ['/link/x', `${up}HOST`],
      ['/link/../../x', `${up}HOST`],
      ['/link/a/b', `HOST/data`],
      ['/link', `${up}HOST/new`],
    ])('row 17: a volume at %s, with a link to %s', async (destination, to) => {
      symlinkSync(to.replace('HOST', host), `${image}/link`)
      await run(image, [bind(`${host}/data`, destination)], 'true').catch(() => {})
      expect(readdirSync(host).sort()).toEqual(['data', 'witness'])
      expect(readdirSync(`${host}/data`)).toEqual(['file'])
    })

    test.each(['/proc', '/proc/self/attr', '/proc/sys', '/sys', '/sys/fs', '/dev', '/', '/x/../proc/1', '/./sys'])(
      'row 13: nothing is mounted at %s',
      async destination => {
        await expect(run(image, [bind(`${host}/data`, destination)], 'true')).rejects.toThrow(/^a mount at \/\S*: /)
      },
    )

    test('row 13: a link to /proc leads to the image’s own directory of that name, and the kernel’s lies over it', async () => {
      symlinkSync('/proc', `${image}/link`)
      const wanted = [bind(`${host}/data`, '/link'), bind(`${host}/data`, '/link/self/attr')]
      const script = 'ls /proc/self/attr /proc /link | grep -x file; cut -d" " -f5 /proc/self/mountinfo | tr "\\n" " "'
      const { output } = await run(image, wanted, script)
      expect(output).toMatch(/^\/ \/proc \/proc\/self\/attr \/proc \/dev /)
    })

    test('row 15: its own null, pts and console are under ours', async () => {
      rmSync(image, { recursive: true })
      mkdirSync(`${image}/dev`, { recursive: true })
      for (const name of ['null', 'pts', 'console', 'shm'])
        symlinkSync('/proc/sys/kernel/core_pattern', `${image}/dev/${name}`)
      const before = readFileSync('/proc/sys/kernel/core_pattern', 'utf8')
      const { output } = await run(
        image,
        [],
        'echo x >/dev/null; stat -c "%F %t:%T" /dev/null; stat -c %F /dev/pts /dev/shm',
      )
      expect(output).toBe('character special file 1:3\ndirectory\ndirectory\n')
      expect(readFileSync('/proc/sys/kernel/core_pattern', 'utf8')).toBe(before)
    })

    test.each(['/dev/fd/3', '/dev/stdin/x', '/dev/fd', '/dev/stdout'])(
      'a volume at %s does not reach what a process has open',
      async at => {
        const error = await failure(run(image, [bind(`${host}/data`, at)], 'true'))
        expect(error).toMatchObject({ call: 'openat2', code: 'ELOOP' })
      },
    )
  })

  describe('row 16: a path in a shared volume that is exchanged all the time', () => {
    let racer: ChildProcess
    afterAll(() => void racer?.kill('SIGKILL'))

    test('never shows the host', async () => {
      mkdirSync(`${host}/data/dir`)
      symlinkSync('../../../../../..', `${host}/data/link`)
      racer = spawn(
        process.execPath,
        [
          '-e',
          `const fs = require('fs'); const at = ${JSON.stringify(`${host}/data`)}
           for (;;) { for (const [a, b] of [['dir', 'x'], ['link', 'dir'], ['x', 'link']]) try { fs.renameSync(at + '/' + a, at + '/' + b) } catch {} }`,
        ],
        { stdio: 'ignore' },
      )
      const wanted = [
        bind(`${host}/data`, '/v'),
        bind(`${host}/witness`, '/v/dir/witness'),
        bind(`${host}/data/file`, '/v/dir/etc/hostname'),
      ]
      const seen = new Set<string>()
      for (let i = 0; i < 40; i++) {
        const outcome = await run(image, wanted, 'ls / | tr "\\n" " "; cut -d" " -f5 /proc/self/mountinfo').catch(
          error => error as Error,
        )
        if (outcome instanceof Error) {
          expect(outcome).toMatchObject({ name: 'KernelError' })
          continue
        }
        for (const line of outcome.output.split('\n').slice(1)) seen.add(line)
        expect(outcome.output).toMatch(/^bin dev /)
        expect(outcome.output).not.toContain('usr')
      }
      racer.kill('SIGKILL')
      expect(readFileSync(`${host}/witness`, 'utf8')).toBe('untouched\n')
      for (const path of seen) expect(path).toMatch(/^$|^\/($|v|dev|proc|sys|witness|etc)/)
    })
  })

  describe('row 26: our own state', () => {
    let state: string | undefined
    beforeEach(() => {
      state = process.env.TOOLKIT_STATE
      process.env.TOOLKIT_STATE = `${host}/var/state`
      mkdirSync(`${host}/var/state/containers`, { recursive: true })
    })
    afterEach(() => {
      if (state === undefined) delete process.env.TOOLKIT_STATE
      else process.env.TOOLKIT_STATE = state
    })

    test('is no volume, nor any part of it, under whatever name', async () => {
      symlinkSync(`${host}/var/state`, `${host}/alias`)
      for (const source of ['var/state', 'var/state/containers', 'alias/containers', 'var/../alias'])
        await expect(run(image, [bind(`${host}/${source}`, '/v')], 'true')).rejects.toThrow('keeps its containers')
    })

    test('is not shown in a volume above it', async () => {
      const { output } = await run(
        image,
        [bind(host, '/h')],
        'cat /h/witness; ls -A /h/var/state; touch /h/var/state/x 2>&1',
      )
      expect(output).toBe('untouched\ntouch: /h/var/state/x: Read-only file system\n')
      expect(statSync(`${host}/var/state/containers`).isDirectory()).toBe(true)
    })
  })

  test('row 27: names with , : \\ and newline are those names', async () => {
    for (const name of ['a,b', 'ro,rshared', 'x:y', 'b\\c', 'n\nl', 'upperdir=z', '-o']) {
      mkdirSync(`${host}/${name}`)
      writeFileSync(`${host}/${name}/mark`, 'here')
      const { output } = await run(
        image,
        [bind(`${host}/${name}`, `/v/${name}`)],
        'cat /v/*/mark; cd /v/*; touch new && echo " rw"',
      )
      expect(output).toBe('here rw\n')
    }
  })
})

describe('the list of mounts', () => {
  const tmpfs = (destination: string): Mount => ({ destination, type: 'tmpfs', source: 'tmpfs', options: [] })

  test('a wish replaces the default of the same destination; two of the same are refused', () => {
    const mounts = withMounts(ownMounts, [tmpfs('/dev/shm'), tmpfs('/run')])
    expect(mounts.filter(({ destination }) => destination === '/dev/shm')).toEqual([tmpfs('/dev/shm')])
    expect(mounts).toHaveLength(ownMounts.length + 1)
    expect(() => withMounts([], [tmpfs('/x'), tmpfs('/x')])).toThrow('two mounts at /x; each place takes one')
  })

  test('the kernel’s own come after the user’s, and those below /dev last', () => {
    const { early, system, late, before } = planMounts([...defaultMounts, tmpfs('/run'), bind('/etc', '/dev/x')])
    expect(system).toEqual(defaultMounts)
    expect(early.filter(({ call }) => call === 'mount')).toHaveLength(1)
    expect(late.at(-1)).toMatchObject({ call: 'move_mount', args: [{ descriptor: 'volume-1' }, '', 3, '', 0x44] })
    expect(before.map(({ text }) => text.split('(')[0])).toEqual(['volume-1 = open_tree', 'mount_setattr'])
  })
})
