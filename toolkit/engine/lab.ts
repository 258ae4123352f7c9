// The lab: a sandbox that plays the part of "the host" in a lesson. Built by the engine's own modules: own mount, pid,
// net, uts, ipc and cgroup namespaces, and a scratch overlay over the host's files. The learner is root in it.

/** A program on a pseudo-terminal in the lab. */
export interface LabShell {
  /** Its pid, as the host counts. */
  readonly pid: number
  write(data: string | Uint8Array): void
  resize(columns: number, rows: number): void
  /** Stop and go on reading what it prints: flow control. */
  pause(): void
  resume(): void
  onData(listener: (data: Buffer) => void): void
  onExit(listener: (code: number) => void): void
  kill(): void
}

export interface Lab {
  /** The first process of the lab, as the host counts; `/proc/PID/root` is the lab's root directory. */
  readonly pid: number
  /** Opens an interactive bash in /root on a new pseudo-terminal. */
  shell(size: { columns: number; rows: number }): LabShell
  /** Runs a command to its end without a terminal: set-up, and the gate. */
  run(argv: readonly string[]): Promise<{ code: number; output: string }>
  /** Ends every process of the lab; with them go its mounts, links and files. */
  stop(): Promise<void>
}

/** Starts a lab, in well under a second. Needs root. Throws KernelError or UsageError. */
export declare function startLab(): Promise<Lab>
