// One look after the health of a container, and the next one prepared: what engine/life/health.ts wakes, and nobody else.
import { closeSync } from 'node:fs'
import { judge, lookLater, readHealth, untilNext, writeHealth } from '../engine/life/health.ts'
import { holdProcess, statusOf } from '../engine/life/lifecycle.ts'
import { probe } from '../engine/life/probe.ts'
import { runningFor } from '../engine/life/restart-policy.ts'
import { recordOf } from '../engine/state/events.ts'
import { findContainer, placeOf } from '../engine/state/list.ts'
import { invoke } from '../kernel/call.ts'
import { F } from '../kernel/constants.ts'
import { UsageError } from '../kernel/usage-error.ts'

export async function main([id, lock]: string[]): Promise<number> {
  if (!id || !lock) throw new UsageError('health: who sleeps until the next look calls this, with its lock', 1)
  const row = findContainer(id)
  const check = row.state?.options?.care?.health
  if (!check) throw new UsageError(`container ${row.id} has no health check`, 1)
  const pidfd = holdProcess(row.state)
  if (pidfd === undefined) return 0
  const held = Number(lock)
  invoke('fcntl', [held, F.SETFD, 1]) // it was left open for us; not for what we start
  const { startTime } = row.state!
  let health = readHealth(placeOf(row))
  if (statusOf(row) === 'running') {
    const since = runningFor(startTime!)
    const look = await probe(row.id, check)
    const next = holdProcess(row.state)
    if (next === undefined) return 0 // it has ended meanwhile: that it did not answer means nothing
    closeSync(next)
    const judged = judge(health, look, check, since)
    writeHealth(placeOf(row), judged)
    if (judged.status !== health.status) recordOf(row.state!, `health_status: ${judged.status}`)
    health = judged
  }
  lookLater(row.id, { milliseconds: untilNext(health, check, runningFor(startTime!)), held, pidfd })
  return 0
}
