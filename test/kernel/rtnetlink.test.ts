// The vocabulary of rtnetlink against the kernel's headers.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { expect, test } from 'vitest'
import * as vocabulary from '../../toolkit/kernel/rtnetlink.ts'
import { MODES } from '../../toolkit/primitives/macvlan.ts'

const HEADERS = ['sys/socket.h', 'linux/rtnetlink.h', 'linux/if_link.h', 'linux/if_addr.h', 'linux/veth.h']
const noGcc = spawnSync('gcc', ['-E', '-'], { input: '#include <linux/rtnetlink.h>\n' }).status !== 0

/** What C puts before the names of a group, where that is not the group's own name. */
const prefixes: Record<string, string> = {
  BR: 'IFLA_BR',
  BRPORT: 'IFLA_BRPORT',
  MACVLAN: 'IFLA_MACVLAN',
  VXLAN: 'IFLA_VXLAN',
}
const groups = Object.entries(vocabulary).filter(([, group]) => typeof group === 'object')
const names = [...groups, ['MACVLAN_MODE', MODES] as const].flatMap(([group, values]) =>
  Object.entries(values).map(([name, value]) => [`${prefixes[group] ?? group}_${name.toUpperCase()}`, value] as const),
)

test.skipIf(noGcc)('constants (gcc and linux-libc-dev needed)', () => {
  const directory = mkdtempSync(`${tmpdir()}/rtnetlink-`)
  try {
    const source = [
      '#include <stdio.h>',
      ...HEADERS.map(header => `#include <${header}>`),
      ...['int main(void) {', ...names.map(([name]) => `printf("${name} %d\\n", (int)${name});`), '}'],
    ]
    const args = ['-x', 'c', '-', '-o', `${directory}/print`]
    expect(spawnSync('gcc', args, { input: source.join('\n'), encoding: 'utf8' }).stderr).toBe('')
    const printed = spawnSync(`${directory}/print`, { encoding: 'utf8' }).stdout.trim().split('\n')
    expect(printed).toEqual(names.map(([name, value]) => `${name} ${value}`))
    expect(printed.length).toBeGreaterThan(40)
  } finally {
    rmSync(directory, { recursive: true })
  }
})
