import { findContainer } from '../engine/state/list.ts'
import { UsageError } from '../kernel/usage-error.ts'
import { type Command, mainOf } from './options.ts'
import { portsOf } from './text/describe.ts'
import { print, printLines } from './text/output.ts'
import { printableJson } from './text/printable.ts'

export const command: Command = {
  usage: 'port [OPTIONS] CONTAINER [PORT[/PROTOCOL]]',
  summary: 'List the published ports of a container, or what one of its ports is on the host.',
  flags: { json: { help: 'as JSON' } },
  mixed: true,
}

export const main = mainOf(command, ({ flags, rest }) => {
  const [word, wanted] = rest
  if (word === undefined || rest.length > 2) throw new UsageError("port: give a container; 'toolkit ps' lists them", 1)
  const ports = portsOf(findContainer(word))
  if (wanted === undefined && flags.json) {
    print(printableJson(ports))
    return 0
  }
  if (wanted === undefined) {
    printLines(ports.map(({ container, protocol, address, host }) => `${container}/${protocol} -> ${address}:${host}`))
    return 0
  }
  const [number, protocol = 'tcp'] = wanted.split('/')
  const found = ports.filter(port => port.container === Number(number) && port.protocol === protocol)
  if (found.length === 0) throw new UsageError(`no public port '${number}/${protocol}' published for ${word}`, 1)
  if (flags.json) print(printableJson(found))
  else printLines(found.map(({ address, host }) => `${address}:${host}`))
  return 0
})
