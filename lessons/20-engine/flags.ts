// Task 1: from steps back to flags.
import { readMounts } from '../../toolkit/observe/mounts.ts'
import { no, type Scene, type Task } from '../lesson.ts'
import { type Container, containers, limitText } from './containers.ts'

/** What is wrong with it, most telling first. */
function faults({ host, most, scratch }: Scene['values'], container: Container): string[] {
  const { process, hostname } = container
  const name = `the container of ${process.comm}`
  const mounts = readMounts(process.pid) ?? []
  const at = (path: string) => mounts.findLast(({ mountPoint }) => mountPoint === path)
  const mounted = at(`/${scratch}`)
  return [
    ...(hostname === host ? [] : [`${name} is called ${hostname}, not ${host}`]),
    ...(container.most === Number(most)
      ? []
      : [`${name} may have processes ${limitText(container.most)}, not ${most}`]),
    ...(mounted ? [] : [`${name} has nothing mounted on /${scratch}`]),
    ...(!mounted || mounted.fsType === 'tmpfs' ? [] : [`on /${scratch} of ${name} is a ${mounted.fsType}, no tmpfs`]),
    ...(at('/')?.options.includes('ro') ? [] : [`${name} can write to its root`]),
  ]
}

const RUN = 'toolkit run --rm -h {{host}} --pids-limit {{most}} --tmpfs /{{scratch}}'

export const flagsTask: Task = {
  id: 'flags',
  title: 'From steps to flags',
  needsRoot: 'it limits processes, and the cgroups are root’s',
  check(scene) {
    const running = containers(scene).filter(({ underway, ownRoot }) => ownRoot && !underway)
    const judged = running.map(container => ({ container, wrong: faults(scene.values, container) }))
    const [best] = judged.sort((a, b) => a.wrong.length - b.wrong.length)
    if (!best) return no('no container runs in the lab')
    if (best.wrong[0] !== undefined) return no(best.wrong[0])
    const { process, hostname, most } = best.container
    return {
      passed: true,
      saw: `${process.comm} runs in a read-only container called ${hostname}, ${limitText(most)} processes`,
    }
  },
  hints: [
    '`toolkit run --help` lists the flags. Each of the four steps belongs to one.',
    'Try one flag at a time: `toolkit run --dry-run … busybox true | grep WORD` shows whether it makes the step.',
    'The flags are `-h`, `--pids-limit`, `--tmpfs` and `--read-only`.',
    '`toolkit run --rm -h {{host}} --pids-limit {{most}} --tmpfs /{{scratch}} --read-only busybox sleep 5000 &`',
  ],
  solution: [`${RUN} --read-only busybox sleep 5000 &`],
  otherWays: [
    {
      name: 'long names, and a shell in it',
      commands: [
        'toolkit run --rm -it --read-only --mount type=tmpfs,target=/{{scratch}} --hostname={{host}} --pids-limit={{most}} busybox sh',
      ],
    },
  ],
  wrongWays: [
    { name: 'not read-only', commands: [`${RUN} busybox sleep 5000 &`], saw: /can write to its root$/ },
    {
      name: 'no limit of its own',
      commands: ['toolkit run --rm -h {{host}} --read-only --tmpfs /{{scratch}} busybox sleep 5000 &'],
      saw: /may have processes at most 2048, not \d+$/,
    },
    {
      name: 'a volume',
      commands: [
        'toolkit run --rm -h {{host}} --read-only --pids-limit {{most}} -v /usr/share:/{{scratch}} busybox sleep 5000 &',
      ],
      saw: /is a \w+, no tmpfs$/,
    },
    { name: 'only printed', commands: ['toolkit run --dry-run -h {{host}} busybox sh'], saw: /^no container runs/ },
  ],
}
