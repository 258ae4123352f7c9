import type { Observer } from '../engine/carry-out.ts'
import { run } from '../engine/run.ts'
import { isGate } from '../kernel/step.ts'
import { parse } from './options.ts'
import { command, wishOf } from './run.ts'

// Calls that need no root and change nothing but the process that makes them.
const harmless = new Set([
  'prctl',
  'rt_sigaction',
  'umask',
  'setsid',
  'fcntl',
  'prlimit64',
  'chdir',
  'close_range',
  'execve',
])

/**
 * For the build: calls all that `toolkit run` calls, so that V8 has compiled it and entry.cjs can keep the result. Starts
 * `true` by a plan without namespaces and mounts. Writes only below TOOLKIT_STATE.
 */
export async function warmUp(): Promise<void> {
  const { flags } = parse(command, ['--rm', '-i', '--net', 'none', '/', 'true'])
  const observer: Observer = {
    instrument: ({ steps }) => ({
      namespaces: [],
      steps: steps.filter(step => !isGate(step) && harmless.has(step.call)),
    }),
    beforeAction: async () => true,
    atGate: async () => true,
    done() {},
  }
  const wish = { ...wishOf(flags), rootfs: '/', args: ['true'] }
  await run(wish, observer)
}
