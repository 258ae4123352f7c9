// Processes for the tests to look at.
import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process'
import { afterAll } from 'vitest'
import { slow } from '../slow.ts'

const started: ChildProcess[] = []
afterAll(() => {
  for (const child of started) child.kill('SIGKILL')
})

/** Starts a shell script that prints `ready` when it is what it shall be; it is killed after the tests. */
export async function ready(argv: readonly string[], options: SpawnOptions = {}): Promise<number> {
  const child = spawn(argv[0]!, argv.slice(1), { stdio: ['pipe', 'pipe', 'inherit'], ...options })
  started.push(child)
  await new Promise<void>((resolve, reject) => {
    let text = ''
    child.on('error', reject)
    child.on('exit', code => reject(new Error(`${argv.join(' ')} ended with ${code}`)))
    child.stdout!.on('data', data => {
      text += data
      if (text.includes('ready')) resolve()
    })
  })
  return child.pid!
}

/** As `ready`, for a script of sh. */
export const script = (text: string, ...wrapper: string[]): Promise<number> => ready([...wrapper, 'sh', '-c', text])

const LOOKS = 500 * slow

/** Waits until something is so; gives the value. */
export async function until<T>(look: () => T | undefined | false): Promise<T> {
  for (let i = 0; i < LOOKS; i++) {
    const value = look()
    if (value !== undefined && value !== false) return value
    await new Promise(resolve => setTimeout(resolve, 10))
  }
  throw new Error('it never came to be')
}
