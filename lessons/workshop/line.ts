// What the tutor knows of the line to a workshop; reporter.ts is the line itself.
import type { Wish } from './protocol.ts'

export interface LineState {
  /** The host and port that this seat reports to. */
  readonly to: string
  readonly name: string
  /** `refused`: the server is there, and does not take our reports. `left`: the learner has left the workshop. */
  readonly status: 'connecting' | 'reporting' | 'away' | 'refused' | 'left'
  /** What the instructor wants and the learner has not answered. */
  readonly wish: Wish | undefined
}

export interface Line {
  readonly state: () => LineState
  /** Calls back after every change of `state`; returns how to stop that. */
  readonly subscribe: (listener: () => void) => () => void
  /** The learner has pressed a key. */
  active(): void
  /** The learner has answered what was wanted, with yes or no. */
  answer(): void
}
