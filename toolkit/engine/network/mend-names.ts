// Every command looks whether somebody has killed the name server of the networks, and starts another one where
// containers still want it. In a file of its own because every command loads it.
import { readdirSync } from 'node:fs'
import { resolve } from 'node:path'
import { stateDir } from '../../image/paths.ts'

/** Nobody waits for the new one: names are known again as soon as it is there. Throws nothing. */
export async function mendNames(): Promise<void> {
  const networks = resolve(stateDir(), 'networks')
  try {
    if (!readdirSync(`${networks}/.dns`).some(name => name.endsWith('.json'))) return
    const { mendServer } = await import('./dns-service.ts')
    mendServer(networks)
  } catch {} // most often: nobody has ever wanted one
}
