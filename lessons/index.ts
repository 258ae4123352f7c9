// The course: its lessons in order.
import { lesson as start } from './00-start/lesson.ts'
import { lesson as chroot } from './01-chroot/lesson.ts'
import { lesson as uts } from './02-uts/lesson.ts'
import { lesson as ipc } from './03-ipc/lesson.ts'
import { lesson as pid } from './04-pid/lesson.ts'
import { lesson as mount } from './05-mount/lesson.ts'
import { lesson as net } from './06-net/lesson.ts'
import { lesson as user } from './07-user/lesson.ts'
import { lesson as cgroupTime } from './08-cgroup-time/lesson.ts'
import { lesson as pids } from './09-pids/lesson.ts'
import { lesson as memory } from './10-memory/lesson.ts'
import { lesson as limits } from './11-limits/lesson.ts'
import { lesson as overlay } from './12-overlay/lesson.ts'
import { lesson as layers } from './13-layers/lesson.ts'
import { lesson as veth } from './14-veth/lesson.ts'
import { lesson as bridge } from './15-bridge/lesson.ts'
import { lesson as names } from './16-names/lesson.ts'
import { lesson as security } from './17-security/lesson.ts'
import { lesson as volumes } from './18-volumes/lesson.ts'
import { lesson as runc } from './19-runc/lesson.ts'
import { lesson as engine } from './20-engine/lesson.ts'
import type { Lesson } from './lesson.ts'

export const lessons: readonly Lesson[] = [
  start,
  chroot,
  uts,
  ipc,
  pid,
  mount,
  net,
  user,
  cgroupTime,
  pids,
  memory,
  limits,
  overlay,
  layers,
  veth,
  bridge,
  names,
  security,
  volumes,
  runc,
  engine,
]
