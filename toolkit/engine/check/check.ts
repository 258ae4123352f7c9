// All that the engine keeps, looked through: what is not as it should be, and why.
import { checkContainers } from './containers.ts'
import type { Finding } from './finding.ts'
import { checkHost } from './host.ts'
import { checkNetworks } from './networks.ts'
import { checkVolumes } from './volumes.ts'

/** Changes nothing. */
export const check = async (): Promise<Finding[]> => [
  ...checkContainers(),
  ...checkVolumes(),
  ...(await checkNetworks()),
  ...checkHost(),
]

export interface Outcome extends Finding {
  /** What was done; undefined: nothing yet, because of `failed`, or because a person has to. */
  readonly done?: string
  readonly failed?: string
}

const ROUNDS = 5 // what is repaired may bring to light what it has hidden

/** Repairs what can be. Returns all that was found, and what has come of it. */
export async function repair(): Promise<Outcome[]> {
  const outcomes = new Map<string, Outcome>()
  for (let round = 0; round < ROUNDS; round++) {
    const found = (await check()).filter(
      finding => finding.repair && outcomes.get(keyOf(finding))?.failed === undefined,
    )
    if (found.length === 0) break
    for (const finding of found) outcomes.set(keyOf(finding), await attempt(finding))
  }
  for (const finding of await check()) if (!outcomes.get(keyOf(finding))?.failed) outcomes.set(keyOf(finding), finding)
  return [...outcomes.values()]
}

const keyOf = ({ kind, subject, meaning }: Finding): string => `${kind} ${subject} ${meaning}`

async function attempt(finding: Finding): Promise<Outcome> {
  try {
    return { ...finding, done: await finding.repair!() }
  } catch (error) {
    return { ...finding, failed: (error as Error).message }
  }
}
