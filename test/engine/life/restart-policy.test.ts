import { expect, test } from 'vitest'
import {
  type Ended,
  pauseBefore,
  type RestartPolicy,
  startsAtBoot,
} from '../../../toolkit/engine/life/restart-policy.ts'

const policy = (name: RestartPolicy['name'], most = 0): RestartPolicy => ({ name, most })
const ended: Ended = { policy: policy('always'), exitCode: 1, stopped: false, restarts: 0, pause: 0, ran: 1 }

test('the pause is 100 ms and twice as long each time, up to a minute; ten seconds of running make it short again', () => {
  const pauses: number[] = []
  for (let pause = 0; pauses.length < 13; pauses.push(pause)) pause = pauseBefore({ ...ended, pause })!
  expect(pauses).toEqual([100, 200, 400, 800, 1600, 3200, 6400, 12800, 25600, 51200, 60000, 60000, 60000])
  expect(pauseBefore({ ...ended, pause: 51200, ran: 9.9 })).toBe(60000)
  expect(pauseBefore({ ...ended, pause: 51200, ran: 10 })).toBe(100)
})

test.each<[RestartPolicy, Partial<Ended>, boolean, boolean]>([
  [policy('no'), {}, false, false],
  [policy('always'), { exitCode: 0 }, true, true],
  [policy('always'), { stopped: true }, false, true],
  [policy('unless-stopped'), { exitCode: 0 }, true, true],
  [policy('unless-stopped'), { stopped: true }, false, false],
  [policy('on-failure'), { exitCode: 0 }, false, false],
  [policy('on-failure'), { exitCode: undefined }, true, true],
  [policy('on-failure'), { restarts: 1000 }, true, true],
  [policy('on-failure', 2), { restarts: 1 }, true, true],
  [policy('on-failure', 2), { restarts: 2 }, false, false],
  [policy('on-failure'), { stopped: true }, false, false],
])('%j, %j: again %j, after a start of the machine %j', (policy, about, again, atBoot) => {
  expect(pauseBefore({ ...ended, policy, ...about }) !== undefined).toBe(again)
  expect(startsAtBoot({ ...ended, policy, ...about })).toBe(atBoot)
})
