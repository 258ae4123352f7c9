// Lesson 20. The checks are in flags.ts (task 1), held.ts (2), kept.ts (3), sides.ts (4) and engine.ts (5 and 6); what they
// look at is in containers.ts.
import { randomInt } from 'node:crypto'
import { stepsOf } from '../../toolkit/kernel/step.ts'
import * as capabilities from '../../toolkit/primitives/capabilities.ts'
import * as mount from '../../toolkit/primitives/mount.ts'
import * as net from '../../toolkit/primitives/net.ts'
import * as overlay from '../../toolkit/primitives/overlay.ts'
import * as pid from '../../toolkit/primitives/pid.ts'
import * as uts from '../../toolkit/primitives/uts.ts'
import { BOX, makeBox } from '../box.ts'
import type { Host, Lesson, Scene } from '../lesson.ts'
import { words } from '../words.ts'
import { engineTask, moduleTask } from './engine.ts'
import { flagsTask } from './flags.ts'
import { heldTask } from './held.ts'
import { keptTask } from './kept.ts'
import text from './lesson.md'
import { sidesTask } from './sides.ts'

const NAMES = ['host', 'scratch', 'held', 'kept', 'file', 'hand', 'engine', 'mine', 'limited'] as const

function values({ cgroups }: Host): Record<string, string> {
  const made = words(NAMES.length)
  return {
    ...Object.fromEntries(NAMES.map((name, i) => [name, made[i]!])),
    length: String(made[0]!.length),
    most: String(randomInt(60, 400)),
    most2: String(randomInt(60, 400)),
    code: String(randomInt(2, 100)),
    pids: cgroups === 'v1' ? '/sys/fs/cgroup/pids' : '/sys/fs/cgroup',
  }
}

export const lesson: Lesson = {
  name: '20-engine',
  title: 'The engine',
  text,
  tasks: [flagsTask, heldTask, keptTask, sidesTask, engineTask, moduleTask],
  values,
  setup: ({ lab }: Scene) => makeBox({ lab }),
  module: 'toolkit/engine/plan.ts',
  plan({ limited }) {
    const at = `/lab/${limited}`
    const layers = { lower: [BOX], upper: `${at}/upper`, work: `${at}/work` }
    const proc = { destination: '/proc', type: 'proc', source: 'proc', options: [] }
    const there = capabilities.available()
    const rights = capabilities.choose({ add: [], drop: [], privileged: false }, there)
    const steps = [
      ...pid.dieWithParent(),
      ...mount.makePrivate(),
      ...overlay.plan(layers, `${at}/root`),
      ...mount.pivotRoot(`${at}/root`),
      ...mount.plan({ mounts: [proc] }),
      ...mount.detachOldRoot(),
      ...uts.plan({ hostname: limited! }),
      ...net.loopbackUp(),
      ...capabilities.bound(rights, there).slice(0, 1),
      ...capabilities.final(rights),
    ]
    return stepsOf({ namespaces: [], steps })
  },
  control: 'sides',
}
