import { describe, expect, test } from 'vitest'
import { flags, security } from '../../../toolkit/cli/flags/security.ts'
import { suggest } from '../../../toolkit/cli/flags/suggest.ts'
import { parse } from '../../../toolkit/cli/options.ts'
import { UsageError } from '../../../toolkit/kernel/usage-error.ts'

const command = { usage: 'run …', summary: '', flags }
const read = (...words: string[]) => security(parse(command, [...words, 'rootfs']).flags)

test('nothing said: docker’s defaults', () => {
  expect(read()).toEqual({
    capabilities: { add: [], drop: [], privileged: false },
    user: undefined,
    groupAdd: [],
    noNewPrivileges: false,
    seccomp: { profile: 'default' },
    masks: true,
    rlimits: [],
    oomScoreAdj: undefined,
    sysctl: {},
    readOnly: false,
  })
})

test('privileged: no masks, no filter; a filter that is named stays', () => {
  const { capabilities, masks, seccomp } = read('--privileged')
  expect({ capabilities, masks, seccomp }).toEqual({
    capabilities: { add: [], drop: [], privileged: true },
    masks: false,
    seccomp: { profile: 'unconfined' },
  })
  expect(read('--privileged', '--security-opt', 'seccomp=/p.json').seccomp).toEqual({ file: '/p.json' })
})

test.each([
  ['KILL', 'CAP_KILL'],
  ['cap_kill', 'CAP_KILL'],
  ['Cap_Net_Raw', 'CAP_NET_RAW'],
  ['all', 'ALL'],
  ['CAP_ALL', 'ALL'],
])('--cap-add %s', (word, name) => {
  expect(read('--cap-add', word, '--cap-drop', word).capabilities).toEqual({
    add: [name],
    drop: [name],
    privileged: false,
  })
})

test.each([
  ['no-new-privileges', { noNewPrivileges: true }],
  ['no-new-privileges:true', { noNewPrivileges: true }],
  ['no-new-privileges=false', { noNewPrivileges: false }],
  ['seccomp=unconfined', { seccomp: { profile: 'unconfined' } }],
  ['seccomp:unconfined', { seccomp: { profile: 'unconfined' } }],
  ['seccomp=builtin', { seccomp: { profile: 'default' } }],
  ['seccomp=./a=b:c.json', { seccomp: { file: './a=b:c.json' } }],
  ['systempaths=unconfined', { masks: false }],
  ['apparmor=unconfined', {}],
  ['label=disable', {}],
  ['label:disable', {}],
])('--security-opt %s', (option, expected) => {
  expect(read('--security-opt', option)).toEqual({ ...read(), ...expected })
})

test.each([
  ['nofile=1024', { type: 'RLIMIT_NOFILE', soft: 1024, hard: 1024 }],
  ['nofile=1024:2048', { type: 'RLIMIT_NOFILE', soft: 1024, hard: 2048 }],
  ['core=-1', { type: 'RLIMIT_CORE', soft: -1, hard: -1 }],
  ['core=0:-1', { type: 'RLIMIT_CORE', soft: 0, hard: -1 }],
])('--ulimit %s', (value, expected) => {
  expect(read('--ulimit', value).rlimits).toEqual([expected])
})

test('the last one of a kind counts', () => {
  expect(read('--ulimit', 'core=1', '--ulimit', 'cpu=2', '--ulimit', 'core=3').rlimits).toMatchObject([
    { type: 'RLIMIT_CORE', soft: 3 },
    { type: 'RLIMIT_CPU', soft: 2 },
  ])
  expect(read('--sysctl', 'net.x=1', '--sysctl', 'net.x=a=b').sysctl).toEqual({ 'net.x': 'a=b' })
})

test('the rest', () => {
  const all = ['-u', 'alice:7', '--group-add', '5', '--oom-score-adj', '-1000', '--read-only']
  const { user, groupAdd, oomScoreAdj, readOnly } = read(...all)
  expect({ user, groupAdd, oomScoreAdj, readOnly }).toEqual({
    user: 'alice:7',
    groupAdd: ['5'],
    oomScoreAdj: -1000,
    readOnly: true,
  })
})

describe('bad values: one line that names the flag, the value and what is allowed', () => {
  test.each([
    ['cap-add', 'KIL', 'did you mean KILL?; allowed: ALL, or a name'],
    ['cap-add', 'SYSADMIN', 'did you mean SYS_ADMIN?'],
    ['cap-add', 'BIND', 'did you mean NET_BIND_SERVICE?'],
    ['cap-drop', 'xyzzy', 'no such capability; allowed'],
    ['cap-add', '', 'no such capability'],
    ['cap-add', 'KILL,CHOWN', 'no such capability'],
    ['user', ':5', 'allowed: UID[:GID]'],
    ['user', '5:', 'allowed: UID[:GID]'],
    ['user', '1:2:3', 'allowed: UID[:GID]'],
    ['user', '2147483648', 'allowed: 0 to 2147483647'],
    ['user', '4294967296', 'allowed: 0 to 2147483647'],
    ['user', '-1', 'allowed: 0 to 2147483647'],
    ['user', 'alice:-5', 'allowed: 0 to 2147483647'],
    ['group-add', '', 'a name of the image, or a number'],
    ['group-add', '99999999999', 'allowed: 0 to 2147483647'],
    ['security-opt', 'nonsense', 'allowed: no-new-privileges'],
    ['security-opt', 'no-new-privileges=maybe', 'allowed: true or false'],
    ['security-opt', 'seccomp=', 'allowed: no-new-privileges'],
    ['security-opt', 'seccomp', 'allowed: no-new-privileges'],
    ['security-opt', 'systempaths=all', 'allowed: no-new-privileges'],
    ['security-opt', 'apparmor=docker-default', 'we load no AppArmor profiles; allowed: apparmor=unconfined'],
    ['security-opt', 'label=type:svirt_t', 'we load no SELinux labels; allowed: label=disable'],
    ['security-opt', 'line\nbreak', 'allowed: no-new-privileges'],
    ['ulimit', 'nofile', 'allowed: NAME=SOFT[:HARD]'],
    ['ulimit', 'nofile=', 'allowed: NAME=SOFT[:HARD]'],
    ['ulimit', 'nofile=1:2:3', 'allowed: NAME=SOFT[:HARD]'],
    ['ulimit', 'nofile=0x10', 'allowed: NAME=SOFT[:HARD]'],
    ['ulimit', 'nofile=-2', 'allowed: NAME=SOFT[:HARD]'],
    ['ulimit', 'files=1', 'no such limit; allowed: as, core, cpu'],
    ['ulimit', 'constructor=1', 'no such limit'],
    ['ulimit', 'nofile=2:1', 'SOFT not above HARD'],
    ['ulimit', 'nofile=3', 'allowed: nofile=4 or more'],
    ['ulimit', 'cpu=0', 'allowed: cpu=1 or more'],
    ['ulimit', 'nofile=0:9', 'allowed: nofile=4 or more'],
    ['ulimit', 'nofile=-1:5', 'SOFT not above HARD'],
    ['ulimit', 'nofile=99999999999999999999', 'at most 9007199254740991'],
    ['oom-score-adj', '1001', '-1000 to 1000'],
    ['oom-score-adj', '-1001', '-1000 to 1000'],
    ['oom-score-adj', '1.5', '-1000 to 1000'],
    ['oom-score-adj', '', '-1000 to 1000'],
    ['sysctl', 'net.x', 'allowed: NAME=VALUE'],
    ['sysctl', 'net.x=', 'allowed: NAME=VALUE'],
    ['sysctl', '=1', 'allowed: NAME=VALUE'],
    ['sysctl', 'kernel.core_pattern=|/x', 'allowed: net.*'],
    ['sysctl', '../x=1', 'allowed: net.*'],
  ])('--%s %j', (flag, value, message) => {
    let error: unknown
    try {
      read(`--${flag}`, value)
    } catch (thrown) {
      error = thrown
    }
    expect(error).toBeInstanceOf(UsageError)
    const { message: text, exitCode } = error as UsageError
    expect(text).toMatch(/^run: --[^\n]*$/)
    expect(text).toContain(message)
    expect(text.startsWith(`run: --${flag} ${/^[\w:=.,/+@|-]+$/.test(value) ? value : JSON.stringify(value)}: `)).toBe(
      true,
    )
    expect(exitCode ?? 125).toBe(125)
  })
})

test.each([
  ['CHWON', 'CHOWN'],
  ['NETRAW', 'NET_RAW'],
  ['ADMIN', 'NET_ADMIN'],
  ['Q', undefined],
  ['', undefined],
])('suggest %j', (word, expected) => {
  expect(suggest(word, ['CHOWN', 'NET_RAW', 'NET_ADMIN', 'BPF'])).toBe(expected)
})
