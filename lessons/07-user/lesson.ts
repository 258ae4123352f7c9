// Lesson 7. The checks are in root.ts (tasks 1 to 3), power.ts (4 to 6), module.ts (7); what they look at, in who.ts.
import { randomInt } from 'node:crypto'
import * as user from '../../toolkit/primitives/user.ts'
import { makeBox } from '../box.ts'
import type { Lesson, Scene } from '../lesson.ts'
import { words } from '../words.ts'
import text from './lesson.md'
import { moduleTask } from './module.ts'
import { controlTask, ownerTask, powerTask } from './power.ts'
import { mapTask, nobodyTask, rootTask } from './root.ts'

function values(): Record<string, string> {
  const [base, seat, inner] = [
    100_000 + 1000 * randomInt(1, 400),
    600_000 + 1000 * randomInt(1, 400),
    randomInt(2, 1000),
  ]
  return {
    old: String(randomInt(20_000, 40_000)),
    nap: String(randomInt(40_000, 60_000)),
    fresh: String(randomInt(60_000, 90_000)),
    base: String(base),
    last: String(base + 999),
    seat: String(seat),
    inner: String(inner),
    stored: String(base + inner),
    hostname: words(1)[0]!,
  }
}

/** The box of the lessons before, and a directory in which everybody may make files. */
async function setup(scene: Scene): Promise<void> {
  await makeBox(scene, 'mkdir -m 1777 inbox')
}

export const lesson: Lesson = {
  name: '07-user',
  title: 'Users',
  text,
  tasks: [rootTask, nobodyTask, mapTask, ownerTask, powerTask, controlTask, moduleTask],
  values,
  setup,
  needs: ['root', 'ns-user'], // maps of more users than one
  panels: ['namespaces', 'processes'],
  module: 'toolkit/primitives/user.ts',
  plan: () => user.becomeRoot(),
  control: 'control',
}
