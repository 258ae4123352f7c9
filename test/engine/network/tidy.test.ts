// What the process does that takes the bridge away: see network.test.ts for whether it does.
import { expect, test } from 'vitest'
import { bridgeNetwork } from '../../../toolkit/engine/network/network.ts'
import { tidyPlan } from '../../../toolkit/engine/network/tidy.ts'
import { rowsOf } from '../../../toolkit/kernel/table.ts'

test('it holds the lock until the bridge is gone: who joins meanwhile would find one that is about to go', () => {
  const descriptors = new Map([
    ['lock', 24],
    ['netlink', 25],
    ['firewall', 26],
  ])
  const { rows } = rowsOf(tidyPlan(bridgeNetwork()), { status: 20, gate: 21, table: 22, runner: 23, descriptors })
  const gone = rows.findIndex(({ call }) => call === 'sendto')
  const closed = rows.findIndex(
    ({ call, args: [which] }) => call === 'close' && JSON.stringify(which)?.includes('lock'),
  )
  expect(gone).toBeGreaterThan(0)
  expect(closed).toBeGreaterThan(gone)
  expect(rows.filter(({ call, args }) => call === 'close' && args[0] === 24)).toEqual([]) // not by the table either
})
