// toolkit cp: docker's rules of what ends up where, and that nothing in a container leads out of it.
import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import { tmpdir } from 'node:os'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { copy, copyIn } from '../../toolkit/engine/copy/copy.ts'
import { attempt, invoke } from '../../toolkit/kernel/call.ts'
import { eventually, nothing, skipped, World } from './toolkit.ts'

const world = new World()
const here = fs.mkdtempSync(`${tmpdir()}/toolkit-cp-`) // a volume of the state directory would be refused
const toolkit = (...args: string[]) => world.toolkit(args)
const cp = (...args: string[]) => toolkit('cp', ...args)
const ok = { status: 0, stdout: '', stderr: '' }
const inBox = (script: string) => toolkit('exec', 'box', 'sh', '-c', script).stdout
const write = (path: string, text: string) => fs.writeFileSync(`${here}/${path}`, text)
const read = (path: string) => fs.readFileSync(`${here}/${path}`, 'utf8')
const run = (...flags: string[]) => toolkit('run', '-d', '--name', 'box', ...flags, 'busybox', 'sleep', '1000')

describe.skipIf(skipped)(`cp${skipped}`, () => {
  beforeAll(() => {
    process.env.TOOLKIT_STATE = world.state
  })
  afterAll(() => {
    world.end()
    fs.rmSync(here, { recursive: true, force: true })
  })
  afterEach(() => {
    world.removeAll()
    fs.rmSync(here, { recursive: true, force: true })
    expect(world.left()).toEqual(nothing)
  })
  const begin = (...flags: string[]) => {
    fs.mkdirSync(here, { recursive: true })
    run(...flags)
  }

  test('where things end up', () => {
    begin()
    fs.mkdirSync(`${here}/dir/sub`, { recursive: true })
    write('dir/sub/a', 'a')
    write('file', 'file')
    expect(cp(`${here}/file`, 'box:/tmp')).toMatchObject(ok)
    expect(cp(`${here}/file`, 'box:/tmp/other')).toMatchObject(ok)
    expect(cp(`${here}/dir`, 'box:/tmp')).toMatchObject(ok)
    expect(cp(`${here}/dir`, 'box:/tmp/new')).toMatchObject(ok)
    expect(cp(`${here}/dir/.`, 'box:/tmp/new/sub/')).toMatchObject(ok)
    expect(inBox('cd /tmp; find . -type f | sort').split('\n').filter(Boolean)).toEqual([
      ...['./dir/sub/a', './file', './new/sub/a', './new/sub/sub/a', './other'],
    ])
    expect(cp('box:/tmp/new/.', `${here}/out`)).toMatchObject(ok)
    expect(fs.readdirSync(`${here}/out`, { recursive: true }).map(String).sort()).toEqual(
      ...[['sub', 'sub/a', 'sub/sub', 'sub/sub/a']],
    )
    expect(cp('box:tmp/file', `${here}/dir`)).toMatchObject(ok) // from the root, with or without a slash
    expect(read('dir/file')).toBe('file')
    write('file', 'changed')
    expect(cp(`${here}/file`, 'box:/tmp/other')).toMatchObject(ok)
    expect(inBox('cat /tmp/other')).toBe('changed')
  })

  test('what is refused, and why', () => {
    begin()
    fs.mkdirSync(`${here}/dir`)
    write('dir/etc', 'a file')
    write('file', 'x')
    const cases: [string, string[], RegExp][] = [
      ['no such source', ['box:/none', '/tmp'], /no such file/],
      ['no such container', ['nobox:/etc', '/tmp'], /no container "nobox"/],
      ['a file into a directory that is not there', ['HERE/file', 'box:/none/'], /no such directory/],
      ['a file below one that is not there', ['HERE/file', 'box:/none/x'], /not there/],
      ['a directory over a file', ['HERE/dir', 'box:/etc/passwd'], /cannot copy a directory over a file/],
      ['a file over a directory, below', ['HERE/dir/.', 'box:/'], /cannot overwrite a directory with a file/],
      ['a file as a directory', ['HERE/file/', 'box:/tmp'], /not a directory|no such/],
      ['over a file with a slash', ['HERE/file', 'box:/etc/passwd/'], /not there|not a directory|no such/],
      ['over a device', ['HERE/file', 'box:/dev/null'], /is a device/],
      ['over a device of the host', ['box:/etc/passwd', '/dev/null'], /is a device/],
      ['between containers', ['box:/etc', 'box:/tmp'], /between containers/],
      ['on the host only', ['HERE/file', 'HERE/x'], /CONTAINER:PATH/],
      ['an archive to a file', ['-', 'box:/etc/passwd'], /there is none/],
    ]
    const found = cases.map(([what, args]) => {
      const { status, stderr } = cp(...args.map(word => word.replace('HERE', here)))
      return { what, status, stderr }
    })
    const wanted = cases.map(([what, , message]) => ({ what, status: 1, stderr: expect.stringMatching(message) }))
    expect(found).toEqual(wanted)
    expect(fs.statSync('/dev/null').isCharacterDevice()).toBe(true)
  })

  test('owners, rights, times, links, holes, devices, and names that are no UTF-8', () => {
    begin()
    const dir = `${here}/dir`
    fs.mkdirSync(`${dir}/own`, { recursive: true })
    write('dir/file', 'text')
    fs.chownSync(`${dir}/file`, 12, 34)
    fs.chmodSync(`${dir}/file`, 0o4751)
    fs.lutimesSync(`${dir}/file`, 1000, 1000.5)
    fs.linkSync(`${dir}/file`, `${dir}/own/again`)
    fs.symlinkSync('/etc/shadow', `${dir}/link`)
    execFileSync('mkfifo', [`${dir}/fifo`])
    execFileSync('mknod', [`${dir}/null`, 'c', '1', '3'])
    write('dir/holes', '')
    fs.truncateSync(`${dir}/holes`, 1 << 30)
    fs.writeFileSync(Buffer.concat([Buffer.from(`${dir}/`), Buffer.of(0xff, 0x20)]), 'x')
    fs.chmodSync(`${dir}/own`, 0o711)
    fs.utimesSync(`${dir}/own`, 2000, 2000)
    const look =
      'cd /tmp/dir; stat -c "%n %u:%g %a %Y %F %h" file own link fifo null own/again; stat -c %b holes; ls | wc -l'
    expect(cp(dir, 'box:/tmp')).toMatchObject(ok)
    expect(inBox(look).split('\n').filter(Boolean)).toEqual([
      'file 0:0 4751 1000 regular file 2',
      'own 0:0 711 2000 directory 2',
      expect.stringMatching(/^link 0:0 777 \d+ symbolic link 1$/),
      expect.stringMatching(/^fifo 0:0 644 \d+ fifo 1$/),
      expect.stringMatching(/^null 0:0 644 \d+ character special file 1$/),
      'own/again 0:0 4751 1000 regular file 2',
      '0',
      '7',
    ])
    inBox('rm -r /tmp/dir')
    expect(cp('-a', dir, 'box:/tmp')).toMatchObject(ok)
    expect(inBox(look)).toContain('file 12:34 4751 1000 regular file 2')
    // On the host nobody gets power of a container without -a.
    expect(cp('box:/tmp/dir/file', `${here}/plain`)).toMatchObject(ok)
    expect(fs.statSync(`${here}/plain`)).toMatchObject({ uid: 0, mode: 0o100751, mtimeMs: 1000_500 })
    expect(cp('-a', 'box:/tmp/dir/file', `${here}/kept`)).toMatchObject(ok)
    expect(fs.statSync(`${here}/kept`)).toMatchObject({ uid: 12, gid: 34, mode: 0o104751 })
    expect(cp('box:/tmp/dir', `${here}/back`)).toMatchObject({
      status: 0,
      stderr: 'toolkit: cp: back/null is a device, and was left out; -a copies it\n',
    })
    expect(fs.existsSync(`${here}/back/null`)).toBe(false)
    expect(cp('-a', 'box:/tmp/dir/null', `${here}/null`)).toMatchObject(ok)
    expect(fs.statSync(`${here}/null`)).toMatchObject({ mode: 0o020644, rdev: 0x103 })
    expect(fs.readdirSync(`${here}/back`, { encoding: 'latin1' })).toContain('\xff ')
    expect(fs.statSync(`${here}/back/holes`)).toMatchObject({ size: 1 << 30, blocks: 0 })
    const { ino } = fs.statSync(`${here}/back/file`)
    expect(fs.statSync(`${here}/back/own/again`).ino).toBe(ino)
    expect(fs.readlinkSync(`${here}/back/link`)).toBe('/etc/shadow')
  })

  test('attributes: a file’s own, and the rights of a program', () => {
    begin()
    write('file', 'x')
    const rights = Buffer.alloc(20) // struct vfs_cap_data, revision 2, effective: CAP_NET_BIND_SERVICE
    rights.writeUInt32LE(0x02000001)
    rights.writeUInt32LE(1 << 10, 4)
    const named = { 'user.note': Buffer.of(0, 255, 10), 'security.capability': rights }
    const fd = fs.openSync(`${here}/file`, 'r')
    for (const [name, value] of Object.entries(named)) invoke('fsetxattr', [fd, name, value, value.length, 0])
    fs.closeSync(fd)
    const attributes = (path: string) => {
      const fd = fs.openSync(path, 'r')
      const found = Object.keys(named).map(name => {
        const value = Buffer.alloc(64)
        const length = attempt('fgetxattr', [fd, name, value, value.length])
        return [name, length < 0 ? undefined : Buffer.from(value.subarray(0, length))]
      })
      fs.closeSync(fd)
      return Object.fromEntries(found)
    }
    expect(cp(`${here}/file`, 'box:/tmp')).toMatchObject(ok)
    expect(attributes(`/proc/${world.init()}/root/tmp/file`)).toEqual(named)
    expect(world.shell('$TOOLKIT cp box:/tmp/file - | $TOOLKIT cp - box:/root')).toMatchObject(ok)
    expect(attributes(`/proc/${world.init()}/root/root/file`)).toEqual(named)
    cp('box:/tmp/file', `${here}/plain`)
    expect(attributes(`${here}/plain`)).toEqual({ 'user.note': undefined, 'security.capability': undefined })
    cp('-a', 'box:/tmp/file', `${here}/kept`)
    expect(attributes(`${here}/kept`)).toEqual(named)
  })

  test('archives: what tar writes we read, and the other way round', () => {
    begin()
    const long = `${'d'.repeat(120)}/${'f'.repeat(120)}`
    fs.mkdirSync(`${here}/in/${'d'.repeat(120)}`, { recursive: true })
    write(`in/${long}`, 'long')
    write('in/empty', '')
    write('in/ümläut', 'text')
    fs.symlinkSync('x'.repeat(300), `${here}/in/link`)
    fs.linkSync(`${here}/in/empty`, `${here}/in/hard`)
    write('in/big', '')
    fs.truncateSync(`${here}/in/big`, 3_000_001)
    fs.chownSync(`${here}/in/empty`, 12, 34)
    const list = (directory: string) =>
      world.shell(`cd ${directory} && find . -printf '%P %y %s %m %U %l %n\\n' | grep -v '^ \\| d ' | sort`).stdout
    for (const format of ['--format=gnu', '--format=pax', '--format=pax -z']) {
      inBox('rm -rf /tmp/in; mkdir /tmp/in')
      const made = world.shell(`tar -C ${here}/in ${format} -cf - . | $TOOLKIT cp - box:/tmp/in`)
      expect(made).toMatchObject(ok)
      fs.mkdirSync(`${here}/out`)
      const read = world.shell(`$TOOLKIT cp box:/tmp/in/. - | tar -C ${here}/out --numeric-owner -xf -`)
      expect(read).toMatchObject(ok)
      expect(list(`${here}/out`)).toBe(list(`${here}/in`))
      fs.rmSync(`${here}/out`, { recursive: true })
    }
    expect(world.shell('$TOOLKIT cp box:/etc/passwd - | tar tf -').stdout).toBe('passwd\n')
    expect(world.shell('$TOOLKIT cp box:/tmp/in/. - | tar tf -').stdout).toMatch(/^\.\/\n\.\//)
  })

  test('the links of a container lead inside', () => {
    begin()
    const witness = `${here}/witness`
    fs.mkdirSync(witness)
    write('witness/secret', 'secret')
    write('file', 'file')
    inBox(
      `ln -s ${witness} /out; ln -s ${witness}/made /dangling; ln -s ../../../../..${witness} /up; ln -s /proc/1/root /magic`,
    )
    inBox(
      'ln -s /proc/self/root /self; mkdir -p /run/lock; ln -s /run /var-run; ln -s /tmp/target /file-link; echo 1 >/tmp/target',
    )
    for (const path of ['/out/secret', '/up/secret', `/self${witness}/secret`, `/magic${witness}/secret`])
      expect(cp(`box:${path}`, `${here}/got`)).toMatchObject({ status: 1 })
    expect(cp('-L', 'box:/out', `${here}/got`)).toMatchObject({ status: 1 })
    expect(fs.existsSync(`${here}/got`)).toBe(false)
    for (const path of ['/out/', '/up/x', '/dangling', '/magic/x'])
      expect(cp(`${here}/file`, `box:${path}`)).toMatchObject({ status: 1 })
    expect(cp(`${here}/file`, 'box:/out')).toMatchObject({ status: 1 })
    expect(fs.readdirSync(witness)).toEqual(['secret'])
    // And lead somewhere, all the same.
    expect(cp(`${here}/file`, 'box:/var-run/lock')).toMatchObject(ok)
    expect(inBox('cat /run/lock/file')).toBe('file')
    expect(cp(`${here}/file`, 'box:/file-link')).toMatchObject(ok)
    expect(inBox('cat /tmp/target; readlink /file-link')).toBe('file/tmp/target\n')
    expect(cp('box:/file-link', `${here}/link`)).toMatchObject(ok)
    expect(fs.readlinkSync(`${here}/link`)).toBe('/tmp/target')
    expect(cp('-L', 'box:/file-link', `${here}/followed`)).toMatchObject(ok)
    expect(read('followed')).toBe('file')
  })

  test('a container that exchanges directories and links all the time', async () => {
    begin()
    const witness = `${here}/witness`
    fs.mkdirSync(witness)
    write('witness/secret', 'secret')
    write('file', 'file')
    fs.mkdirSync(`${here}/dir/x`, { recursive: true })
    write('dir/x/planted', 'planted')
    const flip = world.start(
      `exec box sh -c`
        .split(' ')
        .concat(
          `echo ready; mkdir -p /a/x; ln -s ${witness} /b; while :; do mv /a /c; mv /b /a; mv /a /b; mv /c /a; rm -rf /a/x; ln -s ${witness} /a/x; rm -f /a/x; mkdir /a/x; done 2>/dev/null`,
        ),
    )
    await flip.until('ready')
    const host = (path: string) => ({ container: undefined, path: `${here}/${path}` })
    const box = (path: string) => ({ container: 'box', path })
    const wish = { archive: false, followLink: false }
    const outcomes = { done: 0, refused: 0 }
    const attempt = async (action: () => Promise<unknown>) => {
      try {
        await action()
        outcomes.done++
      } catch {
        outcomes.refused++
      }
    }
    for (let i = 0; i < 250; i++) {
      await attempt(() => copy(host('file'), box('/a/x/planted'), wish))
      await attempt(() => copy(host('dir/.'), box('/a'), wish))
      fs.rmSync(`${here}/got`, { recursive: true, force: true })
      await attempt(() => copy(box('/a/x/.'), host('got'), wish))
      await attempt(() => copy(box('/a/x/secret'), host('got'), { ...wish, followLink: true }))
      if (fs.existsSync(`${here}/got`)) expect(fs.readdirSync(`${here}/got`)).not.toContain('secret')
    }
    await flip.kill()
    expect(fs.readdirSync(witness)).toEqual(['secret'])
    expect(read('witness/secret')).toBe('secret')
    expect(outcomes.done).toBeGreaterThan(20)
    expect(outcomes.refused).toBeGreaterThan(20)
  })

  test('hostile archives', async () => {
    begin()
    fs.mkdirSync(`${here}/witness`)
    write('witness/secret', 'secret')
    const witness = `${here}/witness`
    // Each a list of members: [type, name, link or content].
    const archives: Record<string, [string, string, string][]> = {
      'a path that leads up': [['0', '../../../../../../..WITNESS/planted', 'x']],
      'through a link of its own': [
        ['2', 'out', 'WITNESS'],
        ['0', 'out/planted', 'x'],
      ],
      'through two': [
        ['2', 'up', '../../../../../..'],
        ['0', 'upWITNESS/planted', 'x'],
      ],
      'a hard link up': [['1', 'hard', '../../../../../..WITNESS/secret']],
      'a hard link to an absolute path': [['1', 'hard', 'WITNESS/secret']],
      'a hard link through a link': [
        ['2', 'out', 'WITNESS'],
        ['1', 'hard', 'out/secret'],
        ['0', 'hard', 'planted'],
      ],
      'the rights of a link': [
        ['2', 'out', 'WITNESS/secret'],
        ['5', 'out', ''],
      ],
    }
    for (const members of Object.values(archives)) {
      const fill = (text: string) => text.replace('WITNESS', witness)
      const archive = Buffer.concat([
        ...members.map(([type, name, more]) => member(type, fill(name), fill(more))),
        Buffer.alloc(1024),
      ])
      inBox('rm -rf /in; mkdir /in')
      await copyIn(pieces(archive), { container: 'box', path: '/in' }).catch(() => {})
      expect(inBox('cat /in/hard 2>/dev/null')).not.toContain('secret')
    }
    expect(fs.readdirSync(witness)).toEqual(['secret'])
    expect(fs.statSync(`${witness}/secret`)).toMatchObject({ nlink: 1, mode: 0o100644 })
    expect(read('witness/secret')).toBe('secret')
    inBox('rm -rf /in; mkdir /in')
    const whole = member('0', 'file', 'x'.repeat(600))
    for (const broken of [Buffer.alloc(0), whole.subarray(0, 300), whole.subarray(0, 900), Buffer.alloc(512, 'x')])
      await expect(copyIn(pieces(broken), { container: 'box', path: '/in' })).rejects.toThrow(/^the tar archive/)
    expect(inBox('ls /in')).toBe('') // what was cut off is not there
  })

  test('volumes are seen, whether it runs or not; nothing stays mounted', async () => {
    begin('-v', 'data:/data', '-v', `${here}:/bound:ro`, '--tmpfs', '/memory')
    write('file', 'file')
    expect(cp(`${here}/file`, 'box:/data')).toMatchObject(ok)
    expect(fs.readFileSync(`${world.state}/volumes/data/_data/file`, 'utf8')).toBe('file')
    expect(cp(`${here}/file`, 'box:/memory')).toMatchObject(ok)
    expect(inBox('cat /memory/file')).toBe('file')
    expect(cp(`${here}/file`, 'box:/bound/x')).toMatchObject({ status: 1, stderr: expect.stringMatching(/read-only/i) })
    toolkit('stop', '-t', '0', 'box')
    expect(cp(`${here}/file`, 'box:/data/second')).toMatchObject(ok)
    expect(fs.readFileSync(`${world.state}/volumes/data/_data/second`, 'utf8')).toBe('file')
    expect(cp(`${here}/file`, 'box:/bound/x')).toMatchObject({ status: 1, stderr: expect.stringMatching(/read-only/i) })
    expect(cp('box:/data/file', `${here}/back`)).toMatchObject(ok)
    expect(read('back')).toBe('file')
    expect(cp(`${here}/file`, 'box:/root')).toMatchObject(ok)
    expect(toolkit('diff', 'box').stdout).toContain('A /root/file\n')
    expect(fs.readFileSync('/proc/self/mountinfo', 'utf8')).not.toContain(world.state)
    toolkit('start', 'box')
    await eventually(() => inBox('cat /root/file') === 'file', 'it is there')
    toolkit('rm', '-f', 'box')
    toolkit('volume', 'rm', 'data')
  })

  test('all of a running container, without what the kernel shows of itself', () => {
    begin('-v', 'data:/data', '--tmpfs', '/memory')
    inBox('echo volume >/data/file; echo memory >/memory/file; echo shared >/dev/shm/file; echo layer >/root/file')
    const { status, stderr } = cp('box:/', `${here}/out`)
    expect(stderr.split('\n').filter(line => !/^(toolkit: cp: out\/dev\/\w+ is a device, .*|)$/.test(line))).toEqual([])
    expect(status).toBe(0)
    expect(['data', 'memory', 'dev/shm', 'root'].map(path => read(`out/${path}/file`))).toEqual([
      ...['volume\n', 'memory\n', 'shared\n', 'layer\n'],
    ])
    for (const path of ['proc', 'sys', 'dev/pts', 'dev/mqueue'])
      expect(fs.readdirSync(`${here}/out/${path}`)).toEqual([])
    // What is asked for is copied, wherever it is, and what goes away meanwhile is no error.
    expect(cp('box:/proc/self', `${here}/self`)).toMatchObject({ status: 0 })
    expect(cp('box:/proc/1/', `${here}/process`)).toMatchObject({ status: 0 })
    expect(fs.readdirSync(`${here}/process`)).toContain('status')
    expect(cp('box:/proc/version', `${here}/version`)).toMatchObject({ status: 0 })
    expect(read('version')).toBe(fs.readFileSync('/proc/version', 'utf8'))
    expect(cp('box:/proc/sys/net/ipv4/route', `${here}/route`)).toMatchObject({
      ...{ status: 1, stderr: 'toolkit: /proc/sys/net/ipv4/route/flush: permission denied\n' }, // nobody may read it
    })
    toolkit('rm', '-f', 'box')
    toolkit('volume', 'rm', 'data')
  })

  test('of one that was never started, and with users of its own', () => {
    fs.mkdirSync(here, { recursive: true })
    write('file', 'file')
    toolkit(
      'create',
      '--name',
      'box',
      '--userns',
      'private',
      'busybox',
      'stat',
      '-c',
      '%u:%g',
      '/root/file',
      '/root/kept',
    )
    fs.chownSync(`${here}/file`, 7, 8)
    expect(cp(`${here}/file`, 'box:/root')).toMatchObject(ok)
    expect(cp('-a', `${here}/file`, 'box:/root/kept')).toMatchObject(ok)
    expect(toolkit('start', '-a', 'box').stdout).toBe('0:0\n7:8\n')
    expect(world.shell('$TOOLKIT cp box:/root - | tar --numeric-owner -tvf - | grep kept').stdout).toContain(' 7/8 ')
  })
})

async function* pieces(archive: Buffer): AsyncGenerator<Buffer> {
  for (let at = 0; at < archive.length; at += 700) yield archive.subarray(at, at + 700)
}

/** A member as old tars wrote it, whatever it says. */
function member(type: string, name: string, more: string): Buffer {
  const head = Buffer.alloc(512)
  const content = type === '0' ? Buffer.from(more) : Buffer.alloc(0)
  head.write(name)
  head.write('0004777\0', 100)
  head.write('0000000\u00000000000\0', 108)
  head.write(`${content.length.toString(8).padStart(11, '0')}\0`, 124)
  head.write('00000000000\0', 136)
  head.write(type, 156)
  if (type !== '0') head.write(more, 157)
  head.fill(' ', 148, 156)
  head.write(
    `${head
      .reduce((sum, byte) => sum + byte, 0)
      .toString(8)
      .padStart(6, '0')}\0`,
    148,
  )
  return Buffer.concat([head, content, Buffer.alloc((512 - (content.length % 512)) % 512)])
}
