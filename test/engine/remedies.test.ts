import { spawnSync } from 'node:child_process'
import { describe, expect, test } from 'vitest'
import { bootWith, load, moreRights, newKernel, orMoreRights } from '../../toolkit/engine/remedies.ts'
import type { Surroundings } from '../../toolkit/observe/surroundings.ts'

const machine: Surroundings = { kind: 'machine' }
const docker: Surroundings = { kind: 'container', engine: 'docker' }
const wsl1: Surroundings = { kind: 'wsl', version: 1 }
const wsl2: Surroundings = { kind: 'wsl', version: 2 }

test('a machine gets its kernel from Debian, WSL from Windows', () => {
  expect(newKernel(machine)).toMatch(/^sudo apt-get install linux-image-(amd64|arm64) && sudo reboot$/)
  expect(newKernel(wsl1)).toBe('wsl.exe --set-version "$WSL_DISTRO_NAME" 2')
  expect(newKernel(wsl2)).toBe('wsl.exe --update && wsl.exe --shutdown')
})

test('what is for the host of a container does nothing when it is typed in the container', () => {
  for (const remedy of [newKernel(docker), bootWith('swapaccount=1', docker), load('overlay', docker)])
    expect(remedy).toMatch(/^# on the host of this container: sudo|^# on the host of this container: echo/)
})

describe('words for the kernel command line', () => {
  test('go to grub on a machine', () => {
    expect(bootWith('swapaccount=1', machine)).toContain('$GRUB_CMDLINE_LINUX swapaccount=1')
  })

  test('go to .wslconfig in WSL, as the two lines that it takes', () => {
    const remedy = bootWith('cgroup_no_v1=all', wsl2)
    expect(remedy).toMatch(/ >> \/mnt\/c\/Users\/YOU\/\.wslconfig && wsl\.exe --shutdown$/)
    const { stdout } = spawnSync('sh', ['-c', remedy.split(' >> ')[0]!], { encoding: 'utf8' })
    expect(stdout).toBe('[wsl2]\nkernelCommandLine=cgroup_no_v1=all\n')
  })
})

test('all rights come from who has made the container, and keep the state off its overlay', () => {
  expect(moreRights(machine)).toBe('sudo toolkit …')
  expect(moreRights(docker)).toBe('docker run -it --privileged -v toolkit:/var/lib/toolkit …')
  expect(moreRights({ kind: 'container', engine: 'podman' })).toMatch(/^sudo podman run -it --privileged /)
  expect(moreRights({ kind: 'container', engine: 'lxc' })).toContain('security.nesting=true')
  expect(moreRights({ kind: 'container', engine: 'someone-new' })).toBe(moreRights(docker))
})

test('what root of a machine types for himself is in a container its maker’s to give', () => {
  expect(orMoreRights('sudo mount …', machine)).toBe('sudo mount …')
  expect(orMoreRights('sudo mount …', wsl2)).toBe('sudo mount …')
  expect(orMoreRights('sudo mount …', docker)).toBe(moreRights(docker))
})
