import { describe, expect, test } from 'vitest'
import { type MountFlags, mounts } from '../../../toolkit/cli/flags/mounts.ts'
import type { Mount } from '../../../toolkit/primitives/mount.ts'

const bind = (source: string, destination: string, ...options: string[]): Mount => ({
  destination,
  type: 'bind',
  source,
  options: options.length ? options : ['rbind', 'rprivate'],
})
const tmpfs = (destination: string, ...options: string[]): Mount => ({
  destination,
  type: 'tmpfs',
  source: 'tmpfs',
  options: ['nosuid', 'nodev', 'noexec', ...options],
})
const named = (source: string, destination: string, ...options: string[]): Mount => ({
  destination,
  type: 'volume',
  source,
  options,
})
const one = (flag: string, value: string): MountFlags => mounts({ [flag]: flag === 'shm-size' ? value : [value] })

test.each<[string, string, Mount]>([
  ['volume', '/a:/b', bind('/a', '/b')],
  ['volume', '/a/../c:/b//d/', bind('/c', '/b/d')],
  ['volume', './x:/b', bind(`${process.cwd()}/x`, '/b')],
  ['volume', '.:/b', bind(process.cwd(), '/b')],
  ['volume', '/a:/b:ro', bind('/a', '/b', 'rbind', 'rprivate', 'ro')],
  ['volume', '/a:/b:rw,z', bind('/a', '/b')],
  ['volume', '/a:/b:rshared,ro', bind('/a', '/b', 'rbind', 'rshared', 'ro')],
  ['volume', '/a:/b:slave', bind('/a', '/b', 'bind', 'slave')],
  ['volume', '/a,upperdir=x:/b', bind('/a,upperdir=x', '/b')],
  ['volume', '/a:/dev/shm', bind('/a', '/dev/shm')],
  ['volume', '/b', named('', '/b')],
  ['volume', 'name:/b', named('name', '/b')],
  ['volume', 'name:/b:ro,nocopy', named('name', '/b', 'ro', 'nocopy')],
  ['mount', 'target=/b', named('', '/b')],
  ['mount', 'type=volume,src=na.me,dst=/b,ro,volume-nocopy', named('na.me', '/b', 'ro', 'nocopy')],
  ['mount', 'type=bind,source=/a,target=/b', bind('/a', '/b')],
  ['mount', 'TYPE=Bind,SRC=/A,Target=/b,RO', bind('/A', '/b', 'rbind', 'rprivate', 'ro')],
  ['mount', 'type=bind,src=/a,dst=/b,readonly', bind('/a', '/b', 'rbind', 'rprivate', 'ro')],
  ['mount', 'type=bind,src=/a,destination=/b,ro=false,bind-propagation=rslave', bind('/a', '/b', 'rbind', 'rslave')],
  ['mount', 'type=bind,"source=/a,b",target=/c', bind('/a,b', '/c')],
  ['mount', 'type=bind,src=/a,dst=/b,bind-recursive=disabled', bind('/a', '/b', 'bind', 'rprivate')],
  ['mount', 'type=bind,src=/a,dst=/b,bind-nonrecursive', bind('/a', '/b', 'bind', 'rprivate')],
  ['mount', 'type=bind,src=/a,dst=/b,ro,bind-recursive=writable', bind('/a', '/b', 'rbind', 'rprivate', 'rotop')],
  ['mount', 'type=bind,src=/a,dst=/b,ro,bind-recursive=readonly', bind('/a', '/b', 'rbind', 'rprivate', 'ro')],
  ['mount', 'type=bind,src=/a,dst=/b,consistency=cached', bind('/a', '/b')],
  [
    'mount',
    'src=name,dst=/b,volume-subpath=x/y,volume-driver=local',
    named('name', '/b', 'subpath=x/y', 'driver=local'),
  ],
  ['mount', 'src=name,dst=/b,volume-label=a=1,volume-label=b', named('name', '/b', 'label=a=1', 'label=b')],
  ['volume', '/a:/b:cached,ro', bind('/a', '/b', 'rbind', 'rprivate', 'ro')],
  ['mount', 'type=tmpfs,target=/t', tmpfs('/t')],
  ['mount', 'type=tmpfs,target=/t,tmpfs-size=1k,tmpfs-mode=1770', tmpfs('/t', 'size=1024', 'mode=1770')],
  ['tmpfs', '/t', tmpfs('/t')],
  ['tmpfs', '/t:size=64m,mode=755,uid=1', tmpfs('/t', 'size=67108864', 'mode=755', 'uid=1')],
  ['tmpfs', '/t:size=10%,noatime', tmpfs('/t', 'noatime', 'size=10%')],
  ['tmpfs', '/t:exec,ro', { ...tmpfs('/t'), options: ['nosuid', 'nodev', 'ro'] }],
  [
    'shm-size',
    '1.5g',
    {
      destination: '/dev/shm',
      type: 'tmpfs',
      source: 'shm',
      options: ['nosuid', 'noexec', 'nodev', 'mode=1777', 'size=1610612736'],
    },
  ],
])('--%s %s', (flag, value, mount) => {
  expect(one(flag, value).mounts).toEqual([mount])
})

test.each([
  ['volume', 'x', 'x is no absolute path in the container'],
  ['volume', ':/x', 'it has no source'],
  ['volume', 'a:/x', '"a" is no name of a volume'],
  ['volume', '.hidden:/x', '".hidden" is no name of a volume'],
  ['volume', 'a b:/x', '"a b" is no name of a volume'],
  ['volume', 'name:/x:rslave', 'rslave is for directories of the host'],
  ['volume', 'name:/proc', '/proc belongs to the kernel'],
  ['mount', '', 'does not say where in the container'],
  ['mount', 'type=bind,source=/a,target=/x,volume-nocopy', 'volume-nocopy has no meaning for type=bind'],
  ['mount', 'source=aa,target=/x,volume-nocopy=perhaps', 'volume-nocopy is true or false'],
  ['mount', 'source=../a,target=/x', '"../a" is no name of a volume'],
  ['volumes-from', ':ro', 'give CONTAINER, CONTAINER:ro or CONTAINER:rw'],
  ['volumes-from', 'x:y', 'give CONTAINER, CONTAINER:ro or CONTAINER:rw'],
  ['volume', '/a:', 'does not say where in the container'],
  ['volume', '/a:b', 'b is no absolute path in the container'],
  ['volume', '/a:/b:ro:z', 'give SOURCE:DESTINATION'],
  ['volume', '/a:/b:r', 'unknown option "r"; there are ro, rw and rprivate'],
  ['volume', '/a:/b:', 'unknown option ""'],
  ['volume', '/a:/b:nocopy', 'nocopy is for named volumes'],
  ['volume', '/a:/b:ro,rw', 'give one of ro and rw'],
  ['volume', '/a:/b:rslave,rshared', 'give one of rslave and rshared'],
  ['volume', '/a:/', '/ is the root of the container'],
  ['volume', '/a:/b/..', '/ is the root of the container'],
  ['volume', '/a:/proc', '/proc belongs to the kernel'],
  ['volume', '/a:/x/../proc/self/attr', '/proc/self/attr belongs to the kernel'],
  ['volume', '/a:/sys/fs', '/sys/fs belongs to the kernel'],
  ['volume', '/a:/dev/', '/dev holds the container’s own devices'],
  ['mount', 'type=bind', 'does not say where in the container'],
  ['mount', 'type=bind,target=/x', 'type=bind needs a source'],
  ['mount', 'type=bind,source=a,target=/x', 'an absolute path, or begins with ./, unlike a'],
  ['mount', 'type=npipe,source=a,target=/x', 'type is volume, bind or tmpfs, not "npipe"'],
  ['mount', 'type=bind,source=/a,target=/x,upperdir=/y', 'unknown key "upperdir"'],
  ['mount', 'type=bind,source=/a,target=/x,source=/b', 'give source once'],
  ['mount', 'type=bind,source,target=/x', 'source needs a value'],
  ['mount', 'type=bind,source=/a,target=/x,tmpfs-size=1', 'tmpfs-size has no meaning for type=bind'],
  ['mount', 'type=tmpfs,source=/a,target=/x', 'source has no meaning for type=tmpfs'],
  ['mount', 'type=bind,source=/a,target=/x,ro=maybe', 'readonly is true or false'],
  ['mount', 'type=bind,source=/a,target=/x,bind-propagation=up', 'bind-propagation is one of rprivate'],
  ['mount', 'type=bind,source=/a,target=/x,bind-recursive=some', 'bind-recursive is enabled, disabled, writable'],
  ['mount', 'type=bind,source=/a,target=/x,bind-recursive=writable', 'is about a mount that is readonly'],
  ['mount', 'type=bind,source=/a,target=/x,ro,bind-recursive=readonly,bind-propagation=rslave', 'goes with bind-'],
  ['mount', 'source=aa,target=/x,volume-subpath=../b', 'volume-subpath is a path below the volume'],
  ['mount', 'source=aa,target=/x,volume-subpath=/b', 'volume-subpath is a path below the volume'],
  ['mount', 'source=aa,target=/x,volume-driver=nfs', 'the only volume-driver is local'],
  ['mount', 'type=tmpfs,target=/x,tmpfs-mode=999', '"mode=999" is none of its options'],
  ['tmpfs', 't', 't is no absolute path'],
  ['tmpfs', '/proc/x', '/proc/x belongs to the kernel'],
  ['tmpfs', '/t:upperdir=x', '"upperdir=x" is none of its options'],
  ['tmpfs', '/t:size=0', 'give a size of at least one byte'],
  ['tmpfs', '/t:size=1,,', '"" is none of its options'],
  ['shm-size', 'much', 'give a size of at least one byte'],
  ['shm-size', '-1', 'give a size of at least one byte'],
])('--%s %j is refused', (flag, value, why) => {
  expect(() => one(flag, value)).toThrow(
    new RegExp(`^run: --${flag} .*: .*${why.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}`),
  )
  expect(() => one(flag, value)).toThrow(/^[^\n]*$/)
})

describe('together', () => {
  test('sources of -v are made where they are missing, those of --mount are not', () => {
    const given = { volume: ['/a:/b'], mount: ['type=bind,source=/c,target=/d'] }
    expect(mounts(given).create).toEqual(['/a'])
  })

  test.each([
    [{ volume: ['/a:/x', '/b:/x/'] }, '--volume /b:/x/'],
    [{ volume: ['/a:/x'], tmpfs: ['/x'] }, '--tmpfs /x'],
    [{ volume: ['/a:/dev/shm'], 'shm-size': '1m' }, '--shm-size 1m'],
  ])('each place takes one: %j', (given, named) => {
    expect(() => mounts(given)).toThrow(`run: ${named}: there is a mount at `)
  })

  test('the same volume without a name, twice, is one', () => {
    expect(mounts({ volume: ['/x', '/x/'] }).mounts).toEqual([named('', '/x')])
  })

  test('--volumes-from: what SELinux would hear means nothing', () => {
    expect(mounts({ 'volumes-from': ['a:z', 'b:ro,Z', 'c'] }).from).toEqual([
      { container: 'a', access: undefined },
      { container: 'b', access: 'ro' },
      { container: 'c', access: undefined },
    ])
    expect(() => mounts({ 'volumes-from': ['a:ro,rw'] })).toThrow('give CONTAINER, CONTAINER:ro')
  })

  test('nothing given, nothing mounted', () => {
    expect(mounts({ 'shm-size': '0' })).toEqual({ mounts: [], create: [], from: [] })
  })
})
