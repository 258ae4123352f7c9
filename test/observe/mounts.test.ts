import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { type Mount, mountAt, mountOver, parseMount, readMounts } from '../../toolkit/observe/mounts.ts'
import { script } from './helpers.ts'

const directory = mkdtempSync(join(tmpdir(), 'mounts-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))

describe('a line of mountinfo', () => {
  test('the example of the man page', () => {
    expect(parseMount('36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue')).toEqual({
      id: 36,
      parent: 35,
      device: '98:0',
      root: '/mnt1',
      mountPoint: '/mnt2',
      options: ['rw', 'noatime'],
      propagation: { shared: undefined, master: 1, propagateFrom: undefined, unbindable: false },
      fsType: 'ext3',
      source: '/dev/root',
      superOptions: ['rw', 'errors=continue'],
    })
  })

  test('all propagation tags, and none', () => {
    const tags = (text: string) => parseMount(`1 2 0:1 / / rw ${text}- tmpfs x rw`)?.propagation
    const none = { shared: undefined, master: undefined, propagateFrom: undefined, unbindable: false }
    expect(tags('')).toEqual(none)
    expect(tags('shared:7 ')).toEqual({ ...none, shared: 7 })
    expect(tags('shared:7 master:8 propagate_from:9 ')).toEqual({ ...none, shared: 7, master: 8, propagateFrom: 9 })
    expect(tags('unbindable ')).toEqual({ ...none, unbindable: true })
  })

  test('escapes, an empty source, a comma in an option, a directory called -', () => {
    const mount = parseMount('1 2 0:1 /a\\040b //c\\134040\\011\\012\\043ü rw - tmpfs  rw,lowerdir=/a\\054b:/c')
    expect(mount).toMatchObject({ root: '/a b', mountPoint: '//c\\040\t\n#ü', source: '' })
    expect(mount?.superOptions).toEqual(['rw', 'lowerdir=/a,b:/c'])
    expect(parseMount('1 2 0:1 - - rw shared:1 - tmpfs - rw')).toMatchObject({
      root: '-',
      source: '-',
      fsType: 'tmpfs',
    })
  })

  test('anything else is none', () => {
    for (const line of ['', 'x', '1 2 3', '1 2 0:1 / / rw shared:1 -', '1 2 0:1 / / rw - tmpfs'])
      expect(parseMount(line)).toBeUndefined()
  })
})

interface Row {
  id: number
  parent: number
  target: string
  fstype: string
  source: string | null
  'vfs-options': string
  'fs-options': string
  propagation: string
}

const findmnt = (pid: number): Row[] => {
  const columns = 'ID,PARENT,TARGET,FSTYPE,SOURCE,VFS-OPTIONS,FS-OPTIONS,PROPAGATION'
  const args = ['--list', '--json', '--task', String(pid), '-o', columns]
  return JSON.parse(execFileSync('findmnt', args, { encoding: 'utf8' })).filesystems
}

const word = ({ propagation: { shared, master, unbindable } }: Mount) =>
  [
    shared === undefined && 'private',
    shared !== undefined && 'shared',
    master !== undefined && 'slave',
    unbindable && 'unbindable',
  ]
    .filter(Boolean)
    .join()

describe('the mounts of a process', () => {
  test('are those of findmnt', async () => {
    const odd = join(directory, 'an odd\tname\\040 #ü')
    mkdirSync(odd)
    mkdirSync(join(directory, 'part'))
    const pid = await script(
      `mount -t tmpfs -o size=64k,mode=700 'a source' '${odd}'; mount --make-shared '${odd}'; mkdir '${odd}/sub'
       mount --bind '${odd}/sub' ${directory}/part; mount --make-slave ${directory}/part; echo ready; read x`,
      'unshare',
      '-m',
    )
    const mounts = readMounts(pid)!
    const rows = findmnt(pid)
    expect(mounts).toHaveLength(rows.length)
    for (const row of rows) {
      const mount = mounts.find(({ id }) => id === row.id)!
      expect(mount).toMatchObject({ parent: row.parent, mountPoint: row.target, fsType: row.fstype })
      expect(mount.options.join()).toBe(row['vfs-options'])
      expect(mount.superOptions.join()).toBe(row['fs-options'])
      expect(row.propagation.split(',')).toEqual(expect.arrayContaining(word(mount).split(',')))
    }
    expect(mountAt(pid, odd)).toMatchObject({
      source: 'a source',
      mountPoint: odd,
      options: expect.arrayContaining(['rw']),
    })
    expect(mountAt(pid, join(directory, 'part'))).toMatchObject({
      root: '/sub',
      propagation: { master: expect.any(Number), shared: undefined },
    })
    expect(mountAt(process.pid, odd)).toBeUndefined()
  })

  test('at a path: the uppermost, never one that is covered', async () => {
    const top = join(directory, 'stack')
    mkdirSync(top)
    const pid = await script(
      `mount -t tmpfs first ${top}; mkdir ${top}/in; mount -t tmpfs inner ${top}/in; mount -t tmpfs second ${top}; echo ready; read x`,
      'unshare',
      '-m',
    )
    expect(mountAt(pid, top)?.source).toBe('second')
    expect(mountAt(pid, `${top}/in`)).toBeUndefined()
    expect(readMounts(pid)?.map(({ source }) => source)).toContain('inner')
    const device = execFileSync('nsenter', ['-t', String(pid), '-m', 'stat', '-c', '%Hd:%Ld', top], {
      encoding: 'utf8',
    })
    expect(mountOver(readMounts(pid)!, `${top}/deep/down`)?.device).toBe(device.trim())
    expect(mountOver(readMounts(pid)!, `${top}er`)?.source).not.toBe('second') // a name that only begins alike
  })

  test('moved ones are where they went', async () => {
    const [a, b] = ['from', 'to'].map(name => join(directory, name)) as [string, string]
    mkdirSync(a)
    mkdirSync(b)
    const pid = await script(
      `mount -t tmpfs moved ${a}; mount -t tmpfs below ${b}; mount --move ${a} ${b}; echo ready; read x`,
      'unshare',
      '-m',
    )
    expect(mountAt(pid, a)).toBeUndefined()
    expect(mountAt(pid, b)?.source).toBe('moved')
  })

  test('after chroot into a plain directory its root is no mount point; what is mounted inside is', async () => {
    const root = join(directory, 'root')
    mkdirSync(root)
    const pid = await script(
      `mount -t tmpfs tmpfs ${root}; mkdir -p ${root}/plain/usr; cd ${root}/plain; mount --bind /usr usr
       for name in bin lib lib64; do ln -s usr/$name $name; done; exec chroot . sh -c 'echo ready; read x'`,
      'unshare',
      '-m',
    )
    expect(mountAt(pid, '/')).toBeUndefined()
    expect(mountAt(pid, '/usr')).toMatchObject({ mountPoint: '/usr' })
    expect(mountOver(readMounts(pid)!, '/usr/bin')?.mountPoint).toBe('/usr')
    expect(mountOver(readMounts(pid)!, '/bin')).toBeUndefined()
  })

  test('the root of this process', () => {
    expect(mountAt(process.pid, '/')?.mountPoint).toBe('/')
    expect(mountAt(process.pid, '/proc')?.fsType).toBe('proc')
    expect(mountAt(process.pid, '/proc/self')).toBeUndefined()
  })
})
