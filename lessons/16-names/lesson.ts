// Lesson 16. The checks are in hosts.ts (tasks 1 to 3), dns.ts (4 to 6), module.ts (7).
import { randomInt } from 'node:crypto'
import * as bind from '../../toolkit/primitives/bind.ts'
import type { Lesson, Scene } from '../lesson.ts'
import { container, prepareNetwork } from '../network.ts'
import { bareWords } from '../words.ts'
import { resolverTask, searchTask, serverTask } from './dns.ts'
import { hostsTask, selfTask, sharedTask } from './hosts.ts'
import text from './lesson.md'
import { moduleTask } from './module.ts'

function values(): Record<string, string> {
  const found = bareWords(7)
  const word = (i: number) => found[i]!
  // Different numbers, by which the prepared processes are told apart.
  const nap = (i: number) => String(10_000 * (i + 1) + randomInt(10_000))
  return {
    net: `10.${randomInt(10, 250)}.${randomInt(1, 250)}`,
    ...{ db: `${word(0)}-db`, webName: `${word(1)}-web`, cache: `${word(2)}-cache`, disk: `${word(3)}-disk` },
    ...{ shared: word(4), mine: word(5) },
    domain: `${word(6)}.internal`,
    ...Object.fromEntries(['web', 'dbNap', 'cacheNap', 'diskNap'].map((name, i) => [name, nap(i)])),
  }
}

/** Enters everything that a container here has; the working directory is its root. */
const INSIDE = `cat >/usr/local/bin/inside <<'END'
#!/bin/sh
# inside NAME COMMAND: run it in the container NAME
pid=$(cat "/lab/$1.pid") || exit
shift
exec nsenter --target "$pid" --net --uts --mount --root --wd "$@"
END`

const IMAGE = `mkdir -p image/bin image/etc image/dev
cp /usr/local/bin/busybox image/bin/
chroot image /bin/busybox --install -s /bin
mknod -m 666 image/dev/null c 1 3
echo '127.0.0.1 localhost' >image/etc/hosts
echo '# no server yet' >image/etc/resolv.conf
echo 'hosts: files dns' >image/etc/nsswitch.conf
echo image >image/etc/hostname`

/** A container with namespaces for mounts and name as well, and the image as its root. */
const boxed = (name: string, seconds: string) =>
  `unshare --mount --uts --net --root=/lab/image /bin/sh -c 'ip link set lo up; sleep ${seconds} 2>/dev/null & echo $!' >${name}.pid`

const plug = (name: string, address: string) => `
ip link add ${name}0 master net0 up type veth peer name eth0 netns "$(cat ${name}.pid)"
nsenter --target "$(cat ${name}.pid)" --net sh -c "ip addr add ${address}/24 dev eth0; ip link set eth0 up"`

const setup = (scene: Scene): Promise<void> => {
  const { web, dbNap, cacheNap, diskNap, net } = scene.values
  return prepareNetwork(
    scene,
    [
      INSIDE,
      IMAGE,
      ...[boxed('web', web!), boxed('db', dbNap!), container('cache', cacheNap!), container('disk', diskNap!)],
      'ip link add net0 up type bridge',
      ...['web', 'db', 'cache', 'disk'].map((name, i) => plug(name, `${net}.${2 + i}`)),
    ].join('\n'),
  )
}

export const lesson: Lesson = {
  name: '16-names',
  title: 'Names',
  text,
  tasks: [hostsTask, sharedTask, selfTask, serverTask, resolverTask, searchTask, moduleTask],
  values,
  setup,
  needs: ['root'], // files of other users, and devices, in its image
  panels: ['network', 'mounts'],
  module: 'toolkit/engine/network/names.ts',
  plan: () => [...bind.mountPoint('/etc/hosts', 'file'), ...bind.attach('hosts')],
  control: 'shared',
}
