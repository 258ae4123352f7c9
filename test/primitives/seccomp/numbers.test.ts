// The numbers against the kernel's headers, which know the calls of their own time.
import { spawnSync } from 'node:child_process'
import { describe, expect, test } from 'vitest'
import { type Abi, numbersOf } from '../../../toolkit/primitives/seccomp/numbers.ts'

/** Every __NR_ macro that a header defines, with its value; none where there is no compiler or no such header. */
function fromHeader(source: string): Map<string, number> {
  const gcc = (args: string[], input: string) => spawnSync('gcc', args, { input, encoding: 'utf8' }).stdout ?? ''
  const names = [...gcc(['-E', '-dM', '-'], source).matchAll(/#define __NR_(\w+)/g)].map(([, name]) => name!)
  const values = gcc(['-E', '-P', '-'], `${source}\n${names.map(name => `call "${name}" __NR_${name}`).join('\n')}\n`)
  return new Map(
    [...values.matchAll(/call "(\w+)" (?:\(0x40000000 \+ )?(\d+)/g)].map(([, name, n]) => [name!, Number(n)]),
  )
}

// What arch/arm64/include/uapi/asm/unistd.h defines before it includes the generic table.
const generic = ['RENAMEAT', 'NEW_STAT', 'SET_GET_RLIMIT', 'TIME32_SYSCALLS', 'SYS_CLONE3', 'MEMFD_SECRET']
  .map(name => `#define __ARCH_WANT_${name}\n`)
  .join('')
const headers: [Abi, string][] = [
  ['x64', '#include <asm/unistd_64.h>'],
  ['i386', '#include <asm/unistd_32.h>'],
  ['x32', '#define __X32_SYSCALL_BIT 0x40000000\n#include <asm/unistd_x32.h>'],
  ['arm64', `${generic}#include <asm-generic/unistd.h>`],
]
const LIMITS = ['syscalls', 'arch_specific_syscall'] // macros of the headers that are not calls

describe.each(headers)('%s', (abi, source) => {
  const header = fromHeader(source)
  test.skipIf(header.size === 0)('as in the headers (gcc and linux-libc-dev of this processor needed)', () => {
    expect(header.size).toBeGreaterThan(250)
    const numbers = numbersOf(abi)
    for (const [name, number] of header)
      if (!LIMITS.includes(name)) expect([name, numbers.get(name)]).toEqual([name, number])
    const newest = Math.max(
      ...[...header].filter(([name, n]) => n < 512 && !LIMITS.includes(name)).map(([, number]) => number),
    )
    for (const [name, number] of numbers)
      if ((number <= newest || number >= 512) && !name.endsWith('probe'))
        expect([name, header.get(name)]).toEqual([name, number])
  })
})

test('32-bit ARM: some landmarks, and what the last years brought has one number everywhere', () => {
  const arm = numbersOf('arm')
  expect(['read', 'mmap2', 'socket', 'openat', 'clock_gettime64', 'set_tls'].map(name => arm.get(name))).toEqual([
    3, 192, 281, 322, 403, 0xf0005,
  ])
  expect(arm.has('memfd_secret')).toBe(false)
  for (const abi of ['x64', 'i386', 'x32', 'arm64', 'arm'] as const)
    expect([abi, numbersOf(abi).get('pidfd_open'), numbersOf(abi).get('file_setattr')]).toEqual([abi, 434, 469])
})

test('x32: calls with pointers in their arguments have numbers of their own', () => {
  const [x64, x32] = [numbersOf('x64'), numbersOf('x32')]
  expect([x64.get('execve'), x32.get('execve')]).toEqual([59, 520])
  expect(x32.get('read')).toBe(0)
  expect(x32.has('uselib')).toBe(false)
})
