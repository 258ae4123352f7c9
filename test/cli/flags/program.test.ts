import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { afterAll, afterEach, describe, expect, test, vi } from 'vitest'
import { namespaces } from '../../../toolkit/cli/flags/namespaces.ts'
import { commandOf, program } from '../../../toolkit/cli/flags/program.ts'
import { UsageError } from '../../../toolkit/kernel/usage-error.ts'

const scratch = mkdtempSync(`${tmpdir()}/flags-`)
afterAll(() => rmSync(scratch, { recursive: true }))
afterEach(() => void vi.unstubAllEnvs())

const file = (text: string): string => {
  writeFileSync(`${scratch}/env`, text)
  return `${scratch}/env`
}

describe('-e and --env-file', () => {
  test('NAME=VALUE as it is, NAME alone from here, nothing where there is none', () => {
    vi.stubEnv('HERE', 'a b')
    expect(program({ env: ['A=1', 'B=x=y', 'C=', 'HERE', 'NOWHERE'] }).env).toEqual(['A=1', 'B=x=y', 'C=', 'HERE=a b'])
  })

  test('a file has a variable a line; what is given beside it comes later, and so wins', () => {
    const path = file('# a comment\n\nA=1\r\n  B=two words \nA=3\n')
    expect(program({ 'env-file': [path], env: ['B=4'] }).env).toEqual(['A=1', 'B=two words ', 'A=3', 'B=4'])
  })

  test('a file below 1 MiB is taken, whatever its bytes', () => {
    const path = file('')
    writeFileSync(path, Buffer.concat([Buffer.from('A='), Buffer.alloc(500_000, 0xff)]))
    expect(program({ 'env-file': [path] }).env).toEqual([`A=${'\ufffd'.repeat(500_000)}`])
  })

  test.each([
    [{ env: ['=x'] }, '--env'],
    [{ env: [''] }, '--env'],
    [{ env: ['A B=1'] }, '--env'],
    [{ env: ['A=\0'] }, '--env'],
    [{ 'env-file': ['/no/such/file'] }, '--env-file'],
    [{ 'env-file': ['/'] }, '--env-file'],
    [{ 'env-file': ['/dev/zero'] }, '--env-file'],
  ])('%j is refused in one line that names the flag', (given, flag) => {
    const attempt = () => program(given)
    expect(attempt).toThrow(UsageError)
    expect(attempt).toThrow(new RegExp(`^run: ${flag} .*: .*$`))
  })

  test('a file with a bad line', () => {
    expect(() => program({ 'env-file': [file('A=1\nB C=2\n')] })).toThrow(/^run: --env-file \S+: line "B C=2": allowed/)
  })
})

describe('the command', () => {
  test('the words, behind --entrypoint where that is given', () => {
    expect(commandOf({}, ['sh', '-c'])).toEqual(['sh', '-c'])
    expect(commandOf({ entrypoint: '/bin/echo' }, ['a'])).toEqual(['/bin/echo', 'a'])
    expect(commandOf({ entrypoint: 'true' }, [])).toEqual(['true'])
  })
})

describe('--uts, --ipc, --pid', () => {
  test('private, or the host’s', () => {
    expect(namespaces({})).toMatchObject({ uts: 'private', ipc: 'private', pid: 'private' })
    expect(namespaces({ uts: 'host', pid: 'private' })).toMatchObject({ uts: 'host', pid: 'private' })
  })

  test.each(['uts', 'ipc', 'pid'])('--%s with anything else is refused', flag => {
    for (const value of ['', 'Host', 'share', 'container:', '/proc/1/ns/uts'])
      expect(() => namespaces({ [flag]: value })).toThrow(new RegExp(`^run: --${flag} .*`))
  })
})
