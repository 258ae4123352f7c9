// The Vagrantfile, read by ruby with a Vagrant of ours that writes down what is set; and by vagrant where it is installed.
import { spawnSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeEach, describe, expect, test } from 'vitest'

const scratch = mkdtempSync(join(tmpdir(), 'vagrantfile-'))
afterAll(() => rmSync(scratch, { recursive: true, force: true }))

// Whatever is asked for is another of its kind; what is set is kept under its path. A block that is for one provider
// gets that, and for a box of its own a second one.
const recorder = `
require 'json'
class Recorder
  attr_reader :found
  def initialize(path, found) = (@path, @found = path, found)
  def [](name) = @found["#{@path}.#{name}"]
  def []=(name, value)
    @found["#{@path}.#{name}"] = value
  end
  def method_missing(name, *args, **more, &block)
    path = ([@path, name] + args.select { |arg| arg.is_a?(Symbol) || arg.is_a?(String) }).compact.join('.')
    if name.end_with?('=') then @found[path.delete_suffix(args[0].to_s).delete_suffix('.').delete_suffix('=')] = args[0]
    elsif block
      @found[path] = more unless more.empty?
      here = Recorder.new(path, @found)
      block.arity.abs > 1 ? block.call(here, here) : block.call(here)
    else
      @found[path] = more unless more.empty?
      Recorder.new(path, @found)
    end
  end
  def respond_to_missing?(*) = true
end
module Vagrant
  def self.configure(version)
    raise version unless version == '2'
    found = {}
    yield Recorder.new(nil, found)
    puts JSON.generate(found)
  end
end
file = ARGV.shift
load file
`
writeFileSync(`${scratch}/recorder.rb`, recorder)

const program = (name: string) =>
  spawnSync('sh', ['-c', 'command -v "$0"', name]).status === 0 ? '' : ` (skipped: needs ${name})`
const noRuby = program('ruby')

let top: string
beforeEach(() => {
  top = mkdtempSync(`${scratch}/checkout-`)
  copyFileSync('Vagrantfile', `${top}/Vagrantfile`)
  mkdirSync(`${top}/bin`)
  writeFileSync(`${top}/bin/toolkit`, '#!/bin/sh\n')
})

function ruby(env: Record<string, string> = {}, ...argv: string[]) {
  return spawnSync('ruby', [`${scratch}/recorder.rb`, `${top}/Vagrantfile`, ...argv], {
    encoding: 'utf8',
    env: { PATH: process.env.PATH, ...env },
  })
}
function read(env: Record<string, string> = {}, ...argv: string[]): Record<string, unknown> {
  const { stdout, stderr, status } = ruby(env, ...argv)
  expect([stderr, status]).toEqual(['', 0])
  return JSON.parse(stdout) as Record<string, unknown>
}

describe.skipIf(noRuby)(`as ruby reads it${noRuby}`, () => {
  const PROVIDERS = ['virtualbox', 'vmware_desktop', 'parallels', 'libvirt', 'utm', 'hyperv']

  test('every provider has a box of its own, memory and processors', () => {
    const found = read({ TOOLKIT_MEMORY: '1024', TOOLKIT_CPUS: '3' })
    for (const provider of PROVIDERS) expect(found[`vm.provider.${provider}.vm.box`]).toMatch(/^[a-z]+\/[a-z0-9-]+$/)
    for (const provider of PROVIDERS.filter(name => name !== 'vmware_desktop')) {
      expect(found[`vm.provider.${provider}.memory`]).toBe(1024)
      expect(found[`vm.provider.${provider}.cpus`]).toBe(3)
    }
    expect(found['vm.provider.vmware_desktop.vmx.memsize']).toBe('1024')
    expect(found['vm.provider.vmware_desktop.vmx.numvcpus']).toBe('3')
    expect(found['vm.synced_folder.../vagrant']).toEqual({ disabled: true })
  })

  test('TOOLKIT_BOX is the box of all of them, from where TOOLKIT_BOX_URL says', () => {
    const found = read({ TOOLKIT_BOX: 'my/box', TOOLKIT_BOX_URL: '/room/package.box' })
    expect(found['vm.box']).toBe('my/box')
    expect(found['vm.box_url']).toBe('/room/package.box')
    for (const provider of PROVIDERS) expect(found[`vm.provider.${provider}.vm.box`]).toBeUndefined()
    expect(Object.keys(read())).not.toContain('vm.box_url')
  })

  test('TOOLKIT_DEBIAN=12 is the release before', () => {
    expect(read({ TOOLKIT_DEBIAN: '12' })['vm.provider.virtualbox.vm.box']).toBe('bento/debian-12')
    expect(read({ TOOLKIT_DEBIAN: '12' })['vm.provider.libvirt.vm.box']).toBe('debian/bookworm64')
    expect(read()['vm.provider.virtualbox.vm.box']).toBe('bento/debian-13')
  })

  test('seats have names; the first is who `vagrant ssh` means', () => {
    const names = (env: Record<string, string>) =>
      Object.entries(read(env)).flatMap(([path, value]) =>
        /^vm\.define\.(\w+)\.vm\.hostname$/.test(path) ? [value] : [],
      )
    expect(names({})).toEqual(['seat1'])
    expect(names({ TOOLKIT_SEATS: '3', TOOLKIT_FIRST_SEAT: '9' })).toEqual(['seat9', 'seat10', 'seat11'])
    const three = read({ TOOLKIT_SEATS: '3' })
    expect(['seat1', 'seat2', 'seat3'].map(name => three[`vm.define.${name}`])).toEqual([
      { primary: true },
      { primary: false },
      { primary: false },
    ])
    expect(three['vm.provider.virtualbox.linked_clone']).toBe(true)
    expect(three['vm.define.seat2.vm.provider.virtualbox.name']).toBe('toolkit-seat2')
  })

  test.each([
    [{ TOOLKIT_SEATS: '0' }, 'TOOLKIT_SEATS is to be a number from 1 on, not "0"'],
    [{ TOOLKIT_MEMORY: '2G' }, 'TOOLKIT_MEMORY is to be a number from 1 on, not "2G"'],
    [{ TOOLKIT_DEBIAN: '11' }, 'TOOLKIT_DEBIAN is to be 12 or 13, not "11"'],
    [{ TOOLKIT_BUNDLE: '/nowhere' }, 'TOOLKIT_BUNDLE: there is no /nowhere'],
  ])('%o is refused with a line', (env, line) => {
    expect(ruby(env)).toMatchObject({ status: 1, stdout: '', stderr: `${line}\n` })
  })

  test('an empty variable is none', () => {
    expect(read({ TOOLKIT_BOX: '', TOOLKIT_SEATS: '', TOOLKIT_BUNDLE: '' })).toEqual(read())
  })

  test('what goes in is the files that provision.sh knows, those with #! executable', () => {
    for (const path of [
      'node_modules/x/index.js',
      'dist/toolkit.cjs',
      '.git/HEAD',
      'npm.log',
      'toolkit-amd64.bundle',
      'package.box',
    ]) {
      mkdirSync(join(top, path, '..'), { recursive: true })
      writeFileSync(join(top, path), '')
    }
    writeFileSync(`${top}/text`, 'text')
    read({}, 'up')
    const list = spawnSync('tar', ['-tvf', `${top}/.vagrant/toolkit.tar`], { encoding: 'utf8' }).stdout
    const files = list
      .trim()
      .split('\n')
      .map(line => [line.split(/\s+/)[0], line.split(' ').at(-1)])
    expect(files).toEqual([
      ['-rw-r--r--', 'Vagrantfile'],
      ['-rwxr-xr-x', 'bin/toolkit'],
      ['-rw-r--r--', 'text'],
    ])
    const known = spawnSync('sh', ['-c', '. rootfs-scripts/shared.sh; sources "$0"', top], { encoding: 'utf8' }).stdout
    expect(known).toBe(files.map(([, name]) => `./${name}\n`).join(''))
  })

  test('that is packed for `up` and `provision`, not for every command', () => {
    read({}, 'up')
    const tar = `${top}/.vagrant/toolkit.tar`
    const { ino } = statSync(tar)
    read({}, 'status')
    expect(statSync(tar).ino).toBe(ino)
    read({}, 'provision')
    expect(statSync(tar).ino).not.toBe(ino)
  })

  test('a bundle goes in where there is one', () => {
    expect(Object.keys(read())).not.toContain('vm.provision.bundle')
    const arch = spawnSync('ruby', ['-e', "print RbConfig::CONFIG['host_cpu']"], { encoding: 'utf8' }).stdout
    const bundle = `${top}/toolkit-${/arm64|aarch64/.test(arch) ? 'arm64' : 'amd64'}.bundle`
    writeFileSync(bundle, '')
    expect(read()['vm.provision.bundle']).toMatchObject({ type: 'file', source: bundle })
    expect(Object.keys(read()).filter(key => key.startsWith('vm.provision.'))).toEqual([
      'vm.provision.sources',
      'vm.provision.bundle',
      'vm.provision.toolkit',
    ])
  })
})

const noVagrant = program('vagrant')

test.skipIf(noVagrant)(`vagrant finds nothing wrong with it${noVagrant}`, () => {
  const { status, stdout, stderr } = spawnSync('vagrant', ['validate', '--ignore-provider'], {
    cwd: top,
    encoding: 'utf8',
    env: { ...process.env, VAGRANT_HOME: `${scratch}/home`, VAGRANT_CHECKPOINT_DISABLE: '1', TOOLKIT_SEATS: '3' },
  })
  expect(stderr).toBe('')
  expect(stdout).toContain('Vagrantfile validated successfully.')
  expect(status).toBe(0)
  expect(existsSync(`${top}/.vagrant/toolkit.tar`)).toBe(true)
})
