// How near a process stands to the OOM killer, proc_pid_oom_score(5), proc_pid_oom_score_adj(5).
import { readText } from './read.ts'

export interface OomScore {
  /** 0 to 2000: when memory runs out, the process with the highest is killed. */
  readonly score: number
  /** What was added to it: -1000 (never) to 1000 (first). Children inherit it. */
  readonly adjustment: number
}

/** Undefined where the process is gone. */
export function readOomScore(pid: number): OomScore | undefined {
  const score = readText(`/proc/${pid}/oom_score`)
  const adjustment = readText(`/proc/${pid}/oom_score_adj`)
  return score && adjustment ? { score: Number(score), adjustment: Number(adjustment) } : undefined
}
