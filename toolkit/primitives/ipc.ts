// The IPC namespace: System V shared memory, semaphores and queues, and POSIX message queues. ipc_namespaces(7).
// What goes by file name, /dev/shm and /dev/mqueue, is mounted fresh besides (mount.ts).
import { CLONE } from '../kernel/constants.ts'
import type { Namespace } from '../kernel/step.ts'

export const namespace: Namespace = {
  flag: CLONE.NEWIPC,
  why: 'shared memory and message queues of its own: keys cannot meet those of other programs',
  lesson: '03-ipc',
  shell: '--ipc',
}
