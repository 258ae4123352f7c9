// Flags as docker's users write them.
import { expect, test } from 'vitest'
import { type Command, parse } from '../../toolkit/cli/options.ts'
import { UsageError } from '../../toolkit/kernel/usage-error.ts'

const command: Command = {
  usage: 'run …',
  summary: '',
  flags: {
    interactive: { short: 'i', help: '' },
    tty: { short: 't', help: '' },
    memory: { short: 'm', value: 'SIZE', help: '' },
    user: { short: 'u', value: 'USER', help: '', blank: true },
    env: { short: 'e', value: 'NAME=VALUE', help: '', many: true },
    network: { value: 'MODE', help: '', many: true, blank: true },
  },
}
const flags = (...argv: string[]) => ({ ...parse(command, argv).flags })

test.each([
  [['-m', '1g'], { memory: '1g' }],
  [['-m1g'], { memory: '1g' }],
  [['-m=1g'], { memory: '1g' }],
  [['--memory=1g'], { memory: '1g' }],
  [['-e=A=1', '-eB=2'], { env: ['A=1', 'B=2'] }],
  [['-itm=1g'], { interactive: true, tty: true, memory: '1g' }],
  [['-it=false'], { interactive: true, tty: false }],
  [['-i=true', '--tty=false'], { interactive: true, tty: false }],
  [['-i=1', '--tty=T'], { interactive: true, tty: true }],
  [['-i=0', '--tty=FALSE'], { interactive: false, tty: false }],
  [['-m', ''], { memory: '' }],
  [['-u', ''], {}],
  [['-u='], {}],
  [['-u', 'root', '-u', ''], {}],
  [['--network', 'a', '--network', ''], { network: ['a'] }],
])('%j', (argv, expected) => {
  expect(flags(...argv)).toEqual(expected)
})

test.each([
  [['-x'], /^run: unknown flag -x; see 'toolkit run --help'$/],
  [['-x=1'], /unknown flag -x;/],
  [['-i=1g'], /-i takes no value but true or false/],
  [['-i='], /-i takes no value but true or false/],
  [['--tty=yes'], /--tty takes no value but true or false/],
  [['-im'], /-m needs a value: SIZE/],
])('%j is refused', (argv, why) => {
  expect(() => flags(...argv)).toThrow(UsageError)
  expect(() => flags(...argv)).toThrow(why)
})
