import { type ChildProcess, spawn } from 'node:child_process'
import type { LabShell } from '../../../toolkit/engine/lab/lab.ts'
import { children } from '../../../toolkit/observe/process.ts'

/** A real bash on a real pseudo-terminal, by script(1). Its size stays what it was at the start. */
export class BashShell implements LabShell {
  readonly #child: ChildProcess
  #pid: number | undefined
  constructor({ columns, rows }: { columns: number; rows: number }) {
    const command = `stty cols ${columns} rows ${rows}; exec env PS1='lab:\\w# ' bash --norc -i`
    const env = { ...process.env, TERM: 'xterm-256color', HISTFILE: '' }
    this.#child = spawn('script', ['-qfec', command, '/dev/null'], { env, stdio: ['pipe', 'pipe', 'inherit'] })
  }
  get pid(): number {
    this.#pid ??= children(this.#child.pid!)[0]?.pid
    return this.#pid ?? this.#child.pid!
  }
  write(data: string | Uint8Array): void {
    this.#child.stdin!.write(data)
  }
  resize(): void {}
  pause(): void {
    this.#child.stdout!.pause()
  }
  resume(): void {
    this.#child.stdout!.resume()
  }
  onData(listener: (data: Buffer) => void): void {
    this.#child.stdout!.on('data', listener)
  }
  onExit(listener: (code: number) => void): void {
    this.#child.on('exit', code => listener(code ?? 0))
  }
  kill(): void {
    this.#child.kill('SIGHUP')
  }
}
