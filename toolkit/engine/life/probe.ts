// One look after a container's health: its command is run in there, as `toolkit exec` does.
import { closeSync, createReadStream, openSync } from 'node:fs'
import { invoke, pipe } from '../../kernel/call.ts'
import type { HealthCheck } from '../options.ts'
import { exec, holdContainer } from './exec.ts'
import { type Look, OUTPUT } from './health.ts'

/** Collects the first bytes that come through a pipe, and lets all others go. */
function collect(fd: number): { text(): string; ended: Promise<void>; stop(): void } {
  const chunks: Buffer[] = []
  let length = 0
  const stream = createReadStream('', { fd, autoClose: false })
  stream.on('data', chunk => {
    const rest = Buffer.from(chunk).subarray(0, OUTPUT - length)
    length += rest.length
    if (rest.length > 0) chunks.push(rest)
  })
  const ended = new Promise<void>(resolve => {
    stream.on('end', resolve)
    stream.on('error', () => resolve())
  })
  return { text: () => Buffer.concat(chunks).toString(), ended, stop: () => void stream.destroy() }
}

const DRAIN = 200 // milliseconds for the rest of the output, where something of it lives on

/** Runs the command. Takes this process's own stdout and stderr for it. */
export async function probe(id: string, { args, timeout }: HealthCheck): Promise<Look> {
  const Start = new Date().toISOString()
  const [read, write] = pipe()
  const output = collect(read)
  for (const fd of [1, 2]) invoke('dup3', [write, fd, 0])
  closeSync(write)
  let ExitCode: number | undefined
  let said = ''
  let late = false
  try {
    ExitCode = await exec(await holdContainer(id), {
      args,
      timeout,
      onTimeout: () => {
        late = true
      },
      ...{ env: [], cwd: undefined, user: undefined },
      ...{ interactive: false, terminal: false, privileged: false, detached: false, keys: new Uint8Array() },
    })
  } catch (error) {
    ExitCode = -1
    said = (error as Error).message
  }
  const silent = openSync('/dev/null', 'w')
  for (const fd of [1, 2]) invoke('dup3', [silent, fd, 0])
  await Promise.race([output.ended, new Promise(resolve => setTimeout(resolve, DRAIN))])
  output.stop()
  if (late) {
    ExitCode = -1
    said = `Health check exceeded timeout (${timeout >= 1000 ? `${timeout / 1000}s` : `${timeout}ms`})`
    const before = output.text()
    if (before) said = `${said}: ${before}`
  }
  return { Start, End: new Date().toISOString(), ExitCode: ExitCode ?? -1, Output: said || output.text() }
}
