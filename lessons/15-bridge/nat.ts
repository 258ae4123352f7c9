// Tasks 4 and 5: addresses translated on the way out, and on the way in.
import { readCounters } from '../../toolkit/observe/counters.ts'
import { no, type Scene, type Task } from '../lesson.ts'
import { tcp } from '../network.ts'
import { NAMES, pidOf, translations, unrouted } from './look.ts'

const TABLE = 'nft add table ip nat'
const POST = "nft 'add chain ip nat post { type nat hook postrouting priority 100; }'"
const MASQUERADE = 'nft add rule ip nat post ip saddr {{net}}.0/24 oifname wan masquerade'
const ASK = 'inside red ask {{server}}'

/** From where the server outside was called in the last minute, and whether it could answer. */
const callers = (pid: number): { address: string; answered: boolean }[] =>
  tcp(pid)
    .filter(({ state, local }) => state !== 'LISTEN' && local.port === 80)
    .map(({ state, remote }) => ({ address: remote.address, answered: state !== 'SYN_RECV' }))

export const natTask: Task = {
  id: 'nat',
  title: 'An address lent',
  check(scene) {
    const missing = unrouted(scene)
    if (missing !== undefined) return no(missing)
    const { wan, net } = scene.values
    const outside = pidOf(scene, 'outside')
    if (outside === undefined) return no('the machine outside has ended; reset the lab')
    const calls = callers(outside)
    const routed = calls.find(({ address, answered }) => answered && address.startsWith(`${net}.`))
    if (routed)
      return no(
        `outside has answered ${routed.address} itself: somebody has given it a route, and nobody outside would`,
      )
    const rules = translations(scene, 'masquerade', 'snat')
    if (rules.length === 0) return no('no rule in the lab changes the source of what leaves')
    const loose = rules.find(({ chain }) => chain.hook !== 'postrouting')
    if (loose && rules.every(({ chain }) => chain.hook !== 'postrouting'))
      return no(
        `the rule is in the chain ${loose.chain.name}, and that hangs on ${loose.chain.hook ?? 'no hook'}: no packet leaves by it`,
      )
    const heard = NAMES.some(name => (readCounters(pidOf(scene, name)!)?.Tcp.InSegs ?? 0) > 0)
    if (heard && calls.some(({ address, answered }) => answered && address === wan))
      return { passed: true, saw: `outside was called by ${wan}, the lab, and has answered` }
    const unheard = calls.find(({ address }) => address.startsWith(`${net}.`))
    if (unheard)
      return no(
        `there is a rule, and outside still hears ${unheard.address}: the rule does not fit, or nobody has asked since`,
      )
    return no('there is a rule, and neither red nor blue has had an answer from outside in the last minute')
  },
  hints: [
    'Three commands: a table, a chain in it that hangs on `postrouting`, and a rule in the chain.',
    'The chain stands in the text. The rule says for whom, through which link, and what.',
    `\`${MASQUERADE}\`, and then \`${ASK}\`.`,
  ],
  solution: [TABLE, POST, MASQUERADE, ASK],
  leaves: [`nft list table ip nat >/dev/null 2>&1 || { ${TABLE} && ${POST} && ${MASQUERADE}; }`],
  otherWays: [
    {
      name: 'in one go, and with a fixed address',
      commands: [
        "nft 'table inet mine { chain out { type nat hook postrouting priority srcnat; oifname wan snat ip to {{wan}}; }; }'",
        'inside blue ask {{server}}',
      ],
    },
  ],
  wrongWays: [
    { name: 'no rule', commands: [TABLE, POST, ASK], saw: /^no rule in the lab/ },
    {
      name: 'a chain without a hook',
      commands: [TABLE, 'nft add chain ip nat post', MASQUERADE, ASK],
      saw: /hangs on no hook/,
    },
    {
      name: 'for another network',
      commands: [TABLE, POST, 'nft add rule ip nat post ip saddr 172.17.0.0/16 masquerade', ASK],
      saw: /^there is a rule, and outside still hears/,
    },
    {
      name: 'a route for the way back',
      commands: ['inside outside ip route add {{net}}.0/24 via {{wan}}', ASK],
      saw: /has answered \S+ itself/,
    },
    {
      name: 'asked from the lab itself',
      commands: [TABLE, POST, MASQUERADE, 'ask {{server}}'],
      saw: /neither red nor blue has had an answer/,
    },
  ],
}

const PRE = "nft 'add chain ip nat pre { type nat hook prerouting priority -100; }'"
const DNAT = 'nft add rule ip nat pre iifname wan tcp dport {{port}} dnat to {{net}}.2:80'
const CALL = 'inside outside ask {{wan}} {{port}}'

/** Whether red has been called from outside, through the lab, in the last minute. */
const reached = (scene: Scene, pid: number): boolean =>
  tcp(pid).some(
    ({ state, local, remote }) =>
      local.port === 80 && state !== 'LISTEN' && state !== 'SYN_RECV' && remote.address === scene.values.server,
  )

export const publishTask: Task = {
  id: 'publish',
  title: 'A published port',
  check(scene) {
    const missing = unrouted(scene)
    if (missing !== undefined) return no(missing)
    const { port, net, server } = scene.values
    const own = tcp(scene.lab.pid).some(({ state, local }) => state === 'LISTEN' && local.port === Number(port))
    if (own) return no(`a program listens on port ${port} of the lab itself; the port is to lead to red`)
    const rules = translations(scene, 'dnat')
    if (rules.length === 0 && translations(scene, 'redirect').length > 0)
      return no('a rule redirects what comes in to another port of the lab itself; red has an address of its own')
    if (rules.length === 0) return no('no rule in the lab changes the destination of what comes in')
    const hooks = rules.map(({ chain }) => chain.hook)
    if (!hooks.includes('prerouting'))
      return no(`the rule hangs on ${hooks[0] ?? 'no hook'}; what comes in from outside passes prerouting`)
    if (!reached(scene, pidOf(scene, 'red')!))
      return no(`there is a rule, and ${server} has not reached ${net}.2, port 80, in the last minute`)
    return { passed: true, saw: `${server} has asked the lab on port ${port}, and was answered by red` }
  },
  hints: [
    'A second chain in your table, this time on `prerouting`, with the priority -100.',
    'The rule: what comes in by `wan` for the TCP port {{port}} gets a new destination, `dnat to ADDRESS:PORT`.',
    `\`${DNAT}\`; then \`${CALL}\`.`,
  ],
  solution: [PRE, DNAT, CALL],
  otherWays: [
    {
      name: 'a table of its own, without naming the link',
      commands: [
        "nft 'table ip ports { chain in { type nat hook prerouting priority dstnat; ip daddr {{wan}} tcp dport {{port}} dnat to {{net}}.2:80; }; }'",
        CALL,
      ],
    },
  ],
  wrongWays: [
    {
      name: 'a server in the lab',
      commands: ['busybox httpd -p {{port}} -h /srv/red', CALL],
      saw: /listens on port \d+ of the lab itself/,
    },
    { name: 'no rule', commands: [PRE, CALL], saw: /changes the destination of what comes in/ },
    {
      name: 'to another port of the lab itself',
      commands: [PRE, 'nft add rule ip nat pre iifname wan tcp dport {{port}} redirect to :80', CALL],
      saw: /^a rule redirects what comes in/,
    },
    {
      name: 'on the way out',
      commands: [
        "nft 'add chain ip nat here { type nat hook output priority -100; }'",
        'nft add rule ip nat here tcp dport {{port}} dnat to {{net}}.2:80',
        CALL,
      ],
      saw: /the rule hangs on output/,
    },
    {
      name: 'to the wrong port',
      commands: [PRE, 'nft add rule ip nat pre tcp dport {{port}} dnat to {{net}}.2:81', CALL],
      saw: /has not reached/,
    },
  ],
}
