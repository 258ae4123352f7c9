// Task 6: the network modes, told apart by their namespaces.
import { rootOf, type Stat } from '../../toolkit/observe/process.ts'
import { no, type Scene, type Task } from '../lesson.ts'
import { networkOf, sleeper } from '../network.ts'
import { linksOf, pidOf } from './look.ts'

const RUN = (options: string, seconds: string) => `toolkit run --rm ${options} busybox sleep {{${seconds}}} &`
/** Until they have come up, or five seconds. */
const settled = (...naps: string[]) =>
  `for n in ${naps.map(nap => `{{${nap}}}`).join(' ')}; do for i in $(seq 50); do pgrep -f "^sleep $n" >/dev/null && break; sleep 0.1; done; done`
const JOIN = RUN('--net ns:/proc/$(cat red.pid)/ns/net', 'joinNap')

/** A process of the task that is a container; or what it is instead. */
function contained(scene: Scene, nap: string): Stat | string {
  const seconds = scene.values[nap]!
  const found = sleeper(scene, seconds)
  if (!found) return `no process runs sleep ${seconds}`
  if (rootOf(found.pid)?.id === rootOf(scene.lab.pid)?.id)
    return `sleep ${seconds} runs in the lab itself, in no container`
  return found
}

const where = (scene: Scene, pid: number): string => {
  if (networkOf(pid) === networkOf(scene.lab.pid)) return 'is in the network of the lab'
  if (networkOf(pid) === networkOf(pidOf(scene, 'red') ?? 0)) return 'is in the network of red'
  return `has a network of its own, with ${linksOf(pid)
    .filter(({ loopback, kind }) => loopback || kind === 'veth') // some kernels put tunnels into each network
    .map(({ name }) => name)
    .join(', ')}`
}

export const modesTask: Task = {
  id: 'modes',
  title: 'None, host, container',
  check(scene) {
    const { hostNap, noneNap, joinNap } = scene.values
    const wanted = [
      [hostNap, contained(scene, 'hostNap'), 'is in the network of the lab'],
      [noneNap, contained(scene, 'noneNap'), 'has a network of its own, with lo'],
      [joinNap, contained(scene, 'joinNap'), 'is in the network of red'],
    ] as const
    for (const [nap, found, should] of wanted) {
      if (typeof found === 'string') return no(found)
      const is = where(scene, found.pid)
      if (is !== should)
        return no(
          `sleep ${nap} ${is}; in this mode it ${should.replace('has', 'would have').replace('is', 'would be')}`,
        )
    }
    return { passed: true, saw: `three containers: ${wanted.map(([nap, , is]) => `sleep ${nap} ${is}`).join('; ')}` }
  },
  hints: [
    'The option is `--net`. With `&` at the end, the container stays in the background.',
    '`host` and `none` are words. The network of red has a path: `ns:/proc/PID/ns/net`.',
    '`toolkit run --rm --net host busybox sleep {{hostNap}} &`, and the others alike.',
    `\`${JOIN}\``,
  ],
  solution: [
    RUN('--net host', 'hostNap'),
    RUN('--net none', 'noneNap'),
    JOIN,
    settled('hostNap', 'noneNap', 'joinNap'),
  ],
  otherWays: [
    {
      name: 'two of them by hand',
      commands: [
        RUN('--net=host', 'hostNap'),
        'mkdir -p /tmp/box/bin && cp /usr/local/bin/busybox /tmp/box/bin/sleep',
        'unshare --net chroot /tmp/box /bin/sleep {{noneNap}} &',
        'inside red chroot /tmp/box /bin/sleep {{joinNap}} &',
        settled('hostNap'),
      ],
    },
  ],
  wrongWays: [
    { name: 'in no container', commands: ['sleep {{hostNap}} &'], saw: /runs in the lab itself/ },
    {
      name: 'on the bridge of the engine',
      commands: [RUN('--net bridge', 'hostNap'), settled('hostNap')],
      saw: /has a network of its own, with .*eth0.*would be in the network of the lab/,
    },
    {
      name: 'all of them in the lab’s',
      commands: [RUN('--net host', 'hostNap'), RUN('--net host', 'noneNap'), settled('hostNap', 'noneNap')],
      saw: /is in the network of the lab; in this mode it would have/,
    },
    {
      name: 'a network of its own instead of that of red',
      commands: [
        RUN('--net host', 'hostNap'),
        RUN('--net none', 'noneNap'),
        RUN('--net none', 'joinNap'),
        settled('hostNap', 'noneNap', 'joinNap'),
      ],
      saw: /with lo; in this mode it would be in the network of red/,
    },
  ],
}
