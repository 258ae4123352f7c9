// System call numbers and constants against the kernel's and libc's headers.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { AT, type Group, groups } from '../../toolkit/kernel/constants.ts'
import { constantName } from '../../toolkit/kernel/format.ts'
import { number, syscalls } from '../../toolkit/kernel/syscalls.ts'

const gcc = (args: string[], input: string) => spawnSync('gcc', args, { input, encoding: 'utf8' })
const noGcc = gcc(['-E', '-'], '#include <asm/unistd.h>\n').status !== 0

/** The value of each __NR_ macro that the headers give. */
function numbersFrom(before: string): Map<string, number> {
  const lines = Object.keys(syscalls).map(name => `call "${name}" __NR_${name}`)
  const { stdout } = gcc(['-E', '-P', '-'], `${before}\n${lines.join('\n')}\n`)
  return new Map([...stdout.matchAll(/call "(\w+)" (\d+)/g)].map(([, name, n]) => [name!, Number(n)]))
}

describe.skipIf(noGcc)('numbers of system calls (gcc and linux-libc-dev needed)', () => {
  test.skipIf(process.arch !== 'x64')('x86-64', () => {
    const header = numbersFrom('#include <asm/unistd.h>')
    for (const [name, { x64 }] of Object.entries(syscalls)) expect([name, header.get(name)]).toEqual([name, x64])
  })

  test('arm64, which has the generic table', () => {
    // What arch/arm64/include/uapi/asm/unistd.h defines before it includes that.
    const wanted = ['RENAMEAT', 'NEW_STAT', 'SET_GET_RLIMIT', 'TIME32_SYSCALLS', 'SYS_CLONE3', 'MEMFD_SECRET']
    const header = numbersFrom(
      `${wanted.map(name => `#define __ARCH_WANT_${name}`).join('\n')}\n#include <asm-generic/unistd.h>`,
    )
    for (const [name, { arm64 }] of Object.entries(syscalls)) expect([name, header.get(name)]).toEqual([name, arm64])
  })
})

test('the number is that of this processor', () => {
  expect(number('mount')).toBe(process.arch === 'x64' ? 165 : 40)
})

const HEADERS = [
  'linux/sched.h',
  'sys/mount.h',
  'fcntl.h',
  'sys/stat.h',
  'sys/prctl.h',
  'linux/close_range.h',
  'sys/mman.h',
  'sys/socket.h',
  'net/if.h',
  'sys/resource.h',
  'sys/wait.h',
  'sys/ioctl.h',
  'signal.h',
  'sys/file.h',
  'linux/capability.h',
  'linux/seccomp.h',
  'linux/keyctl.h',
  'linux/bpf.h',
  'linux/openat2.h',
  'linux/nsfs.h',
  'linux/netlink.h',
]

test.skipIf(noGcc)('constants (gcc and libc6-dev needed)', () => {
  const names = Object.entries(groups).flatMap(([group, values]) =>
    Object.entries(values).map(([name, value]) => [constantName(group as Group, name), value] as const),
  )
  const directory = mkdtempSync(join(tmpdir(), 'constants-'))
  try {
    const source = [
      '#define _GNU_SOURCE',
      '#include <stdio.h>',
      ...HEADERS.map(header => `#include <${header}>`),
      '#ifndef MFD_EXEC',
      '#define MFD_EXEC 0x10U', // Linux 6.3; older headers have not got it
      '#endif',
      '#ifndef F_SEAL_EXEC',
      '#define F_SEAL_EXEC 0x20', // Linux 6.3, too
      '#endif',
      '#ifndef PIDFD_GET_INFO', // Linux 6.13: struct pidfd_info of 64 bytes
      '#define PIDFD_GET_INFO _IOC(_IOC_READ | _IOC_WRITE, 0xFF, 11, 64)',
      '#endif',
      'int main(void) {',
      ...[...names.map(([name]) => name), 'AT_FDCWD'].map(
        name => `printf("%s %lld\\n", "${name}", (long long)${name});`,
      ),
      '}',
    ]
    const compiled = gcc(['-x', 'c', '-', '-o', `${directory}/print`], source.join('\n'))
    expect(compiled.stderr).toBe('')
    const printed = spawnSync(`${directory}/print`, { encoding: 'utf8' }).stdout
    const expected = new Map(printed.split('\n').map(line => line.split(' ') as [string, string]))
    for (const [name, value] of [...names, ['AT_FDCWD', AT.FDCWD] as const])
      expect([name, Number(expected.get(name))]).toEqual([name, value])
  } finally {
    rmSync(directory, { recursive: true })
  }
})
