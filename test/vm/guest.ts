// A command in a virtual machine with a copy of this folder, by a program
//
//   VM --copy --share FOLDER --timeout SECONDS -- COMMAND…
//
// that ends as the command does; with 125, and the end of its console, where the guest ended before. The guest may be emulated, 8 to 50 times slower than its host.
import { spawnSync } from 'node:child_process'

const PANIC = /^\[ *[\d.]+\] Kernel panic - /m

/**
 * What the command ended with, and all that it wrote. Emulators break their guests' kernels now and then (seen: a register
 * of flags with half of an address in it, on the way back from cmpxchg16b), and nothing that a program does may end a
 * kernel. So a guest that panics gets a second try, and only one: what ends the next one, too, is a failure.
 */
export function guest(vm: string, minutes: number, command: readonly string[]) {
  const env = ['CI=true', 'TOOLKIT_SLOW=20', 'TOOLKIT_CLOCK=ours']
  const args = ['--copy', '--share', '.', '--timeout', String(minutes * 60), '--', 'env', ...env, ...command]
  const once = () => {
    const { status, stdout, stderr } = spawnSync(vm, args, { encoding: 'utf8', maxBuffer: 1 << 26 })
    return { status, output: stdout + stderr, panicked: status === 125 && PANIC.test(stderr) }
  }
  const first = once()
  if (!first.panicked) return first
  process.stdout.write(`the guest's kernel panicked; once more, in a new one\n${first.output.slice(-8000)}\n`)
  return once()
}
