// Tasks 4 to 6: a name server, the file that leads to it, and the domains that are tried.
import { readCounters } from '../../toolkit/observe/counters.ts'
import { no, type Scene, type Task } from '../lesson.ts'
import { hasReached, IMAGE, inLab, pidOf, SERVER, same, seenBy, serves, textOf, wordsIn } from './look.ts'

const START = 'nsenter --target $(cat web.pid) --net node dns.ts &'
const retry = (command: string) => `for i in 1 2 3 4 5 6 7 8 9 10; do ${command} && break; sleep 0.5; done`
const ASK = retry('inside web nslookup {{db}} 127.0.0.11')
const MOUNT = 'nsenter --target $(cat web.pid) --mount mount --bind /lab/resolv.conf /lab/image/etc/resolv.conf'
const TEACH = "sed -i \"s|// TODO.*|['{{cache}}', '{{net}}.4'],|\" dns.ts"
const STOP = 'kill $(pgrep -f "node.*dns.ts$")'
const CALL = retry('inside web ping -c 1 -W 2 {{cache}}')

/** Starts it without a terminal, and waits until it listens; nothing where it does already. */
const START_QUIETLY = `listens() { grep -q :0035 /proc/$(cat web.pid)/net/udp; }
listens || setsid nsenter --target $(cat web.pid) --net node dns.ts </dev/null >/dev/null 2>&1 &
for i in $(seq 100); do grep -q :0035 /proc/$(cat web.pid)/net/udp && break; sleep 0.1; done`

function unserved(scene: Scene): string | undefined {
  const web = pidOf(scene, 'web')
  if (web === undefined) return 'the container web has ended; reset the lab'
  if (serves(web)) return undefined
  if (serves(scene.lab.pid)) return `a name server waits at ${SERVER} of the lab; that of web is another one`
  return `nobody waits for questions at ${SERVER}, port 53, in the network of web`
}

export const serverTask: Task = {
  id: 'server',
  title: 'A name server',
  check(scene) {
    const missing = unserved(scene)
    if (missing !== undefined) return no(missing)
    const arrived = readCounters(pidOf(scene, 'web')!)?.Udp.InDatagrams ?? 0
    // a question and an answer at least
    if (arrived < 2) return no(`a name server waits at ${SERVER} in the network of web, and nobody has asked it yet`)
    return { passed: true, saw: `a name server waits at ${SERVER} in the network of web, and has been asked` }
  },
  hints: [
    'The program runs with the files of the lab and the network of web: `nsenter` with `--net` only.',
    '`nsenter --target PID --net node dns.ts &`, with the pid from web.pid.',
    'Then ask: `inside web nslookup {{db}} 127.0.0.11`',
  ],
  solution: [START, ASK],
  leaves: [START_QUIETLY, 'inside web nslookup {{db}} 127.0.0.11'],
  otherWays: [
    {
      name: 'asked from the lab’s side',
      commands: [
        'nsenter -n -t $(cat web.pid) node /lab/dns.ts >dns.log 2>&1 &',
        retry('nsenter -n -t $(cat web.pid) busybox nslookup {{db}} 127.0.0.11'),
      ],
    },
  ],
  wrongWays: [
    { name: 'in the network of the lab', commands: ['node dns.ts &'], saw: /of the lab; that of web is another one/ },
    { name: 'not asked', commands: [START], saw: /nobody has asked it yet/ },
    {
      name: 'not started',
      commands: ['inside web nslookup {{db}} 127.0.0.11'],
      saw: /^nobody waits for questions/,
    },
  ],
}

/** What keeps the C library of web from asking the server. */
function unresolved(scene: Scene): string | undefined {
  const missing = unserved(scene)
  if (missing !== undefined) return missing
  const own = seenBy(scene, pidOf(scene, 'web')!, '/etc/resolv.conf')
  const servers = wordsIn(textOf(own), 'nameserver')
  if (servers[0] !== SERVER)
    return `/etc/resolv.conf of web names ${servers.join(', ') || 'no server'}; ours is ${SERVER}`
  if (same(own, inLab(scene, `${IMAGE}/etc/resolv.conf`)))
    return `/etc/resolv.conf of web is that of the image: all containers would ask ${SERVER}, and only web has a server there`
  return undefined
}

export const resolverTask: Task = {
  id: 'resolver',
  title: 'Who is asked',
  check(scene) {
    const missing = unresolved(scene)
    if (missing !== undefined) return no(missing)
    const { cache, net } = scene.values
    if (!hasReached(pidOf(scene, 'web')!, `${net}.4`))
      return no(`web asks ${SERVER}, and has not reached ${net}.4 yet; that is ${cache}`)
    return { passed: true, saw: `web asks ${SERVER} for names, and has reached ${cache} at ${net}.4` }
  },
  hints: [
    'Teach the server the name: a line in `table`, like the others. It has to be started anew.',
    '`kill %1` ends it, if it was the first program in the background; `jobs` shows them.',
    'The file has one line, `nameserver 127.0.0.11`. It is mounted over /etc/resolv.conf as /etc/hosts was.',
    `\`${MOUNT}\``,
  ],
  solution: [TEACH, STOP, START, 'echo "nameserver 127.0.0.11" >resolv.conf', MOUNT, CALL],
  leaves: [
    `grep -q "'{{cache}}'" dns.ts || { ${TEACH}; ${STOP} || true; sleep 0.3; }`,
    START_QUIETLY,
    'grep -q 127.0.0.11 resolv.conf 2>/dev/null || echo "nameserver 127.0.0.11" >resolv.conf',
    `grep -q /etc/resolv.conf /proc/$(cat web.pid)/mountinfo || ${MOUNT}`,
  ],
  otherWays: [
    {
      name: 'the file first, with more in it',
      commands: [
        'printf "nameserver 127.0.0.11\\noptions timeout:2 attempts:3\\n" >resolv.conf',
        MOUNT,
        `${TEACH}; ${STOP}`,
        START,
        CALL,
      ],
    },
  ],
  wrongWays: [
    {
      name: 'into the image',
      commands: ['echo "nameserver 127.0.0.11" >image/etc/resolv.conf'],
      saw: /is that of the image/,
    },
    {
      name: 'another server',
      commands: ['echo "nameserver 8.8.8.8" >resolv.conf', MOUNT],
      saw: /names 8\.8\.8\.8; ours is/,
    },
    {
      name: 'not taught',
      commands: ['echo "nameserver 127.0.0.11" >resolv.conf', MOUNT, 'inside web ping -c 1 {{cache}}'],
      saw: /and has not reached/,
    },
    {
      name: 'not started anew',
      commands: [TEACH, STOP, 'echo "nameserver 127.0.0.11" >resolv.conf', MOUNT],
      saw: /^nobody waits for questions/,
    },
  ],
}

export const searchTask: Task = {
  id: 'search',
  title: 'Short names',
  check(scene) {
    const missing = unresolved(scene)
    if (missing !== undefined) return no(missing)
    const { disk, domain, net } = scene.values
    const own = seenBy(scene, pidOf(scene, 'web')!, '/etc/resolv.conf')
    const searched = wordsIn(textOf(own), 'search')
    if (!searched.includes(domain!)) {
      const file = inLab(scene, '/lab/resolv.conf')
      if (wordsIn(textOf(file), 'search').includes(domain!) && !same(own, file))
        return no(
          '/lab/resolv.conf has the domain, but it is a new file: web still sees the old one, which was mounted',
        )
      return no(
        searched[0]
          ? `/etc/resolv.conf of web has the domain ${searched.join(' ')}, not ${domain}`
          : `/etc/resolv.conf of web has no line with a search domain`,
      )
    }
    if (!hasReached(pidOf(scene, 'web')!, `${net}.5`))
      return no(`web tries ${domain} behind each short name, and has not reached ${net}.5 yet; that is ${disk}`)
    return { passed: true, saw: `web tries ${domain} behind each short name, and has reached ${disk} at ${net}.5` }
  },
  hints: [
    'One more line in the file that is mounted on /etc/resolv.conf: `search DOMAIN`.',
    'An editor may write a new file in place of the old one. `>>` adds to the old one.',
    '`echo "search {{domain}}" >>resolv.conf`, then `inside web ping -c 1 {{disk}}`.',
  ],
  solution: ['echo "search {{domain}}" >>resolv.conf', retry('inside web ping -c 1 -W 2 {{disk}}')],
  leaves: ['grep -q {{domain}} resolv.conf || echo "search {{domain}}" >>resolv.conf'],
  otherWays: [
    {
      name: 'from inside',
      commands: [
        'inside web sh -c "echo search other.example {{domain}} >>/etc/resolv.conf"',
        retry('inside web ping -c 1 -W 2 {{disk}}'),
      ],
    },
  ],
  wrongWays: [
    {
      name: 'a new file under the old name',
      commands: ['sed -i "\\$a search {{domain}}" resolv.conf', 'inside web ping -c 1 {{disk}}'],
      saw: /it is a new file/,
    },
    {
      name: 'another domain',
      commands: ['echo "search example.com" >>resolv.conf'],
      saw: /has the domain example\.com, not/,
    },
    {
      name: 'the long name',
      commands: ['inside web ping -c 1 -W 2 {{disk}}.{{domain}}'],
      saw: /has no line with a search domain/,
    },
    { name: 'not tried', commands: ['echo "search {{domain}}" >>resolv.conf'], saw: /and has not reached/ },
  ],
}
