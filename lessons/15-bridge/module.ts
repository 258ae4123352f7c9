// Task 7: a bridge with a way out, by the modules.
import { readFirewall } from '../../toolkit/observe/firewall.ts'
import { no, type Task } from '../lesson.ts'
import { linksOf } from './look.ts'

const BRIDGE = "for (const m of [bridge({ name }), address(name, '{{net2}}.1/24')]) links.request(m)"
const RULE = '[is(fields.ipSource, subnet), is(fields.oifname, name, { not: true }), masquerade],'

export const moduleTask: Task = {
  id: 'module',
  title: 'The modules',
  check(scene) {
    const { second, net2 } = scene.values
    const link = linksOf(scene.lab.pid).find(({ name }) => name === second)
    if (!link) return no(`the lab has no link ${second} yet`)
    if (link.kind !== 'bridge') return no(`${second} is a ${link.kind}, not a bridge`)
    if (!link.up) return no(`the bridge ${second} is switched off`)
    if (!link.addresses.includes(`${net2}.1/24`))
      return no(`the bridge ${second} does not have the address ${net2}.1/24`)
    const chains = (readFirewall(scene.lab.pid) ?? []).filter(({ table }) => table === second)
    const out = chains.find(({ hook }) => hook === 'postrouting')
    if (!out)
      return no(`the bridge ${second} is right; the firewall has no table ${second} with a chain on postrouting`)
    const rule = out.rules.find(({ translation }) => translation === 'masquerade')
    if (!rule) return no(`the table ${second} is there, and its chain ${out.name} has no rule that masquerades`)
    if (rule.expressions.filter(name => name === 'cmp').length < 2)
      return no(`the rule in ${second} masquerades, and asks for less than two things: the source and the link`)
    return {
      passed: true,
      saw: `the bridge ${second} has ${net2}.1/24, and the table ${second} masquerades what leaves it`,
    }
  },
  hints: [
    'The bridge: `links.request(bridge({ name }))`. The address in the same way: `address(name, …)`.',
    'A rule is a list: comparisons first, what is done last. `is(field, value)` compares.',
    '`is(fields.ipSource, subnet)`, then `is(fields.oifname, name, { not: true })`, then `masquerade`.',
    `The whole rule: \`${RULE}\``,
  ],
  solution: [
    `sed -i "s|^// TODO: the bridge.*|${BRIDGE}|" net.ts`,
    `sed -i "s|// TODO: from.*|${RULE}|" net.ts`,
    'node net.ts',
  ],
  otherWays: [
    {
      name: 'the bridge by the program, the rule by nft',
      commands: [
        `sed -i "s|^// TODO: the bridge.*|${BRIDGE}|" net.ts`,
        'node net.ts',
        'nft add rule ip {{second}} out ip saddr {{net2}}.0/24 oifname != {{second}} masquerade',
      ],
    },
  ],
  wrongWays: [
    { name: 'as it is', commands: ['node net.ts'], saw: /^the lab has no link/ },
    {
      name: 'only the bridge',
      commands: [`sed -i "s|^// TODO: the bridge.*|${BRIDGE}|" net.ts`, 'node net.ts'],
      saw: /has no rule that masquerades/,
    },
    {
      name: 'without its address',
      commands: ['sed -i "s|^// TODO: the bridge.*|links.request(bridge({ name }))|" net.ts', 'node net.ts'],
      saw: /does not have the address/,
    },
    {
      name: 'masquerades everything',
      commands: [
        `sed -i "s|^// TODO: the bridge.*|${BRIDGE}|" net.ts`,
        'sed -i "s|// TODO: from.*|[masquerade],|" net.ts',
        'node net.ts',
      ],
      saw: /asks for less than two things/,
    },
  ],
}
