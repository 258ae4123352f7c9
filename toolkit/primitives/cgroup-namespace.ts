// The cgroup namespace: another root for the paths of cgroups. cgroup_namespaces(7). Whoever makes one sees the group he
// is in as /, in /proc/PID/cgroup and in cgroup file systems that he mounts: not where the host keeps its containers,
// and no group above to write to.
import { CLONE } from '../kernel/constants.ts'
import { type Step, step } from '../kernel/step.ts'

/**
 * Makes one, around the groups that the process is in now. Not a flag of clone3: the namespace would begin at the groups
 * of the engine.
 */
export function enter(): Step[] {
  return [
    step('unshare', [CLONE.NEWCGROUP], {
      why: 'its own group is / from now on: it neither sees nor reaches the groups above',
      lesson: '08-cgroup-time',
      shell: 'unshare --cgroup',
    }),
  ]
}
