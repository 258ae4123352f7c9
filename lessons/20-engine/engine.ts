// Tasks 5 and 6: the learner's own engine, first its world, then its limits.
import { readMounts } from '../../toolkit/observe/mounts.ts'
import { isAtTop } from '../../toolkit/observe/process.ts'
import { no, type Scene, type Task } from '../lesson.ts'
import { allRights, type Container, containers, lacking, limitText } from './containers.ts'

const TYPES = ['mnt', 'uts', 'ipc', 'pid', 'net'] as const

/** What its world lacks; undefined where it is complete. */
function gap(container: Container): string | undefined {
  const { process, hostname, ownRoot, procFits } = container
  const name = `${process.comm} called ${hostname}`
  const shared = lacking(container, TYPES)
  if (shared.length > 0) return `${name} shares with the lab: ${shared.join(', ')}`
  if (!ownRoot) return `${name} has the root directory of the lab`
  const root = readMounts(process.pid)?.find(({ mountPoint }) => mountPoint === '/')
  if (root?.fsType !== 'overlay') return `${name} has no overlay as its root, but ${root?.fsType ?? 'part of the lab'}`
  if (isAtTop(process.pid) === false) return `the root of ${name} is an overlay, but the old root is still above it`
  if (!procFits) return `${name} has a world of its own, but its /proc shows another one`
  return undefined
}

/** The best container with this name that is past its steps; or a sentence about what there is. */
function called(scene: Scene, name: string): Container | string {
  const running = containers(scene).filter(({ underway }) => !underway)
  const named = running.filter(({ hostname }) => hostname === name)
  const whole = named.find(container => gap(container) === undefined)
  if (whole) return whole
  if (named[0]) return gap(named[0])!
  return running[0]
    ? `the container of ${running[0].process.comm} is called ${running[0].hostname}, not ${name}`
    : `no container is called ${name}; 'node engine.ts ${name} sh' makes one, when nothing in it fails`
}

const sed = (todo: string, line: string): string => `sed -i 's|// TODO: ${todo}.*|${line}|' engine.ts`
const WORLD = sed('five', 'mount.namespace, uts.namespace, ipc.namespace, pid.namespace, net.namespace,')
const LAYERS = sed('layers', '...overlay.plan(layers, root),')
const PIVOT = sed('the tree', '...mount.pivotRoot(root),')
const DETACH = sed('the old', '...mount.detachOldRoot(),')
const NAME = sed('its name', '...uts.plan({ hostname: name }),')
const FILES = [WORLD, LAYERS, PIVOT, DETACH, NAME]

export const engineTask: Task = {
  id: 'engine',
  title: 'An engine of your own',
  needsRoot: 'it makes a cgroup, and those are root’s',
  check(scene) {
    const { mine } = scene.values
    const found = called(scene, mine!)
    if (typeof found === 'string') return no(found)
    const { process } = found
    return { passed: true, saw: `${process.comm} is called ${mine}, on an overlay of its own, and nothing lies above` }
  },
  hints: [
    'Each namespace is written as in `pid.namespace`, with commas between them.',
    'Lesson 12: `overlay.plan(layers, root)`. Lesson 5: `pivotRoot(root)` and `detachOldRoot()` of `mount`. Lesson 2: `uts.plan`.',
    'A list of steps is put in with three dots: `...overlay.plan(layers, root),` and `...mount.pivotRoot(root),`',
    'The other two: `...mount.detachOldRoot(),` and `...uts.plan({ hostname: name }),`',
  ],
  solution: [...FILES, 'node engine.ts {{mine}} sh'],
  leaves: FILES,
  otherWays: [
    {
      name: 'another program',
      commands: [...FILES, "node engine.ts {{mine}} sh -c 'cd /tmp; sh; true'"],
    },
    {
      name: 'by hand',
      commands: [
        'mkdir -p by/upper by/work by/root',
        'unshare --mount --uts --ipc --pid --net --fork bash --norc',
        'mount -t overlay overlay -o lowerdir=/lab/box,upperdir=/lab/by/upper,workdir=/lab/by/work by/root',
        'cd by/root',
        'pivot_root . .',
        'umount -l .',
        ...['exec /bin/sh', 'cd /'],
        'mount -t proc proc /proc',
        'hostname {{mine}}',
      ],
    },
  ],
  wrongWays: [
    { name: 'not completed', commands: [WORLD, NAME, 'node engine.ts {{mine}} sh'], saw: /has the root directory/ },
    {
      name: 'no overlay',
      commands: [WORLD, sed('the tree', "...mount.pivotRoot('/lab/box'),"), DETACH, NAME, 'node engine.ts {{mine}} sh'],
      saw: /^no container is called/,
    },
    {
      name: 'the old root left',
      commands: [WORLD, LAYERS, PIVOT, NAME, 'node engine.ts {{mine}} sh'],
      saw: /but the old root is still above it$/,
    },
    {
      name: 'one namespace short',
      commands: [
        sed('five', 'mount.namespace, uts.namespace, pid.namespace, net.namespace,'),
        LAYERS,
        PIVOT,
        DETACH,
        NAME,
        'node engine.ts {{mine}} sh',
      ],
      saw: /shares with the lab: ipc$/,
    },
    {
      name: 'no name',
      commands: [WORLD, LAYERS, PIVOT, DETACH, 'node engine.ts {{mine}} sh'],
      saw: /is called lab, not/,
    },
  ],
}

const GATE = sed('a gate', "{ gate: 'group' },")
const BOUND = sed('the most', '...caps.bound(rights, there),')
const FINAL = sed('the rights', '...caps.final(rights),')
const LIMIT = "sed -i \"s/'max'/'{{most2}}'/\" engine.ts"

export const moduleTask: Task = {
  id: 'module',
  title: 'Its limits',
  needsRoot: 'it makes a cgroup, and those are root’s',
  check(scene) {
    const { limited, most2 } = scene.values
    const found = called(scene, limited!)
    if (typeof found === 'string') return no(found)
    const { process, most, ownGroup, rights } = found
    const name = `${process.comm} called ${limited}`
    if (!ownGroup) return no(`${name} is in no group of its own`)
    if (most !== Number(most2)) return no(`${name} may have processes ${limitText(most)}, not ${most2}`)
    const full = allRights(scene).length
    if (rights.length >= full) return no(`${name} is limited, but has all ${full} capabilities`)
    if (rights.includes('SYS_ADMIN')) return no(`${name} is limited, but has SYS_ADMIN or can get it`)
    return {
      passed: true,
      saw: `${name}: a world of its own, ${limitText(most)} processes, ${rights.length} capabilities`,
    }
  },
  hints: [
    'A gate is an object beside the steps: `{ gate: … }` with any name. The limit is the text in place of `max`.',
    'For the rights see lesson 17: `bound` takes away for good what it can ever have, `final` what it has.',
    "`{ gate: 'group' },` `...caps.bound(rights, there),` `...caps.final(rights),` and `'{{most2}}'` for `'max'`",
  ],
  solution: [LIMIT, GATE, FINAL, BOUND, 'node engine.ts {{limited}} sh'],
  otherWays: [
    {
      name: 'no rights at all',
      commands: [
        LIMIT,
        GATE,
        FINAL,
        BOUND,
        'sed -i \'s/{ add: \\[\\], drop: \\[\\] }/{ add: [], drop: ["ALL"] }/\' engine.ts',
        'node engine.ts {{limited}} sh',
      ],
    },
  ],
  wrongWays: [
    { name: 'as it was', commands: ['node engine.ts {{limited}} sh'], saw: /is in no group of its own$/ },
    {
      name: 'no limit',
      commands: [GATE, BOUND, FINAL, 'node engine.ts {{limited}} sh'],
      saw: /may have processes without limit, not/,
    },
    {
      name: 'rights that come back with execve',
      commands: [LIMIT, GATE, FINAL, 'node engine.ts {{limited}} sh'],
      saw: /is limited, but has all \d+ capabilities$/,
    },
  ],
}
