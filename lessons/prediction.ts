// What is said of a prediction once its answer may be seen. No praise, no judgement: what was chosen, and what it was.
import type { Prediction } from './parse.ts'

/** One line of Markdown. `chosen` is the index of an option. */
export function outcome({ options, answer }: Prediction, chosen: number | undefined): string {
  const right = `${answer + 1}: ${options[answer]}`
  if (chosen === undefined) return `The answer was ${right}`
  return chosen === answer ? `You chose ${chosen + 1}. Right.` : `You chose ${chosen + 1}; it was ${right}`
}
