// Tasks 1 and 2: a bundle with a shell, and then the description of something else.
import { readProcess } from '../../toolkit/observe/process.ts'
import { no, type Task } from '../lesson.ts'
import { labProcesses } from '../look.ts'
import { contained, isSleep, lacking, ROOTFS } from './containers.ts'
import { unlike, unlimited } from './form.ts'

const NAME = `sed -i 's/"hostname": "runc"/"hostname": "{{name}}"/' config.json`
const MAKE = ['mkdir bundle', 'cp -a box bundle/rootfs', 'cd bundle', 'runc spec']

export const bundleTask: Task = {
  id: 'bundle',
  title: 'A bundle',
  check(scene) {
    const { name } = scene.values
    const lack = lacking(scene)
    if (lack !== undefined) return no(lack)
    const inside = contained(scene).filter(({ waits }) => !waits)
    const found = inside.find(({ hostname, shared }) => hostname === name && shared.length === 0)
    if (found)
      return { passed: true, saw: `${found.comm} is called ${name}, in ${ROOTFS} and five namespaces of its own` }
    const [other] = inside
    if (!other) return no(`the bundle has both halves, but no process has ${ROOTFS} as its root`)
    if (other.shared.length > 0)
      return no(
        `${other.comm} has the bundle’s root, and shares these namespaces with the lab: ${other.shared.join(', ')}`,
      )
    return no(`${other.comm} runs in the bundle, and is called ${other.hostname}`)
  },
  hints: [
    'Four commands make the bundle; they are in the text. Begin in `/lab`: `cd /lab`.',
    'In `config.json`, the line is `"hostname": "runc",`. Only the second word changes, its quotes and the comma stay.',
    'Then, in the directory `bundle`: `runc run first`',
  ],
  solution: [...MAKE, NAME, 'runc run first'],
  leaves: [
    'mkdir -p bundle',
    '[ -e bundle/rootfs ] || cp -a box bundle/rootfs',
    '[ -e bundle/config.json ] || runc spec --bundle bundle',
    `sed -i 's/"hostname": "runc"/"hostname": "{{name}}"/' bundle/config.json`,
  ],
  otherWays: [
    {
      name: 'from outside, with the files moved, and in the background',
      commands: [
        'mkdir bundle && mv box bundle/rootfs && runc spec --bundle bundle',
        `sed -i -e 's/"terminal": true/"terminal": false/' -e 's/"sh"/"sleep", "5000"/' bundle/config.json`,
        `sed -i 's/"hostname": "runc"/"hostname": "{{name}}"/' bundle/config.json`,
        'runc run --bundle bundle --detach another',
      ],
    },
  ],
  wrongWays: [
    {
      name: 'the name as it was',
      commands: [...MAKE, 'runc run first'],
      saw: /runs in the bundle, and is called runc$/,
    },
    {
      name: 'rootfs was there already',
      commands: ['mkdir -p bundle/rootfs', 'cp -a box bundle/rootfs', 'cd bundle', 'runc spec', 'runc run first'],
      saw: /has a directory box in it/,
    },
    { name: 'no description', commands: MAKE.slice(0, 2), saw: /has its files, but no config\.json$/ },
    { name: 'not run', commands: [...MAKE, NAME], saw: /both halves, but no process has/ },
    {
      name: 'by chroot',
      commands: [...MAKE, NAME, 'chroot rootfs /bin/sh'],
      saw: /shares these namespaces with the lab: pid, net, ipc, uts, mnt$/,
    },
  ],
}

const TERMINAL = `sed -i 's/"terminal": true/"terminal": false/' config.json`
const ARGS = `sed -i 's|"sh"|"sleep", "{{nap}}"|' config.json`
const LIMIT = `sed -i 's|"resources": {|&"pids": { "limit": {{limit}} },|' config.json`
const HIDE = `sed -i 's|"maskedPaths": \\[|&"{{hidden}}",|' config.json`
const RIGHTS = `sed -i 's/CAP_KILL/CAP_{{kept}}/' config.json`
const GO = 'runc run -d first'

export const formTask: Task = {
  id: 'form',
  title: 'What the description says',
  check(scene) {
    const { nap, name } = scene.values
    const lack = lacking(scene)
    if (lack !== undefined) return no(lack)
    const inside = contained(scene)
    const running = inside.filter(({ waits }) => !waits)
    const sleeper = running.find(process => isSleep(process, nap))
    if (!sleeper) {
      if (running[0]) return no(`${running[0].comm} runs in the bundle, not 'sleep ${nap}'`)
      if (inside[0]) return no('a container has been made, and waits for its start')
      const outside = labProcesses(scene).some(({ pid }) => isSleep(readProcess(pid) ?? { argv: [] }, nap))
      return no(outside ? `'sleep ${nap}' runs, but not in the bundle` : `no process has ${ROOTFS} as its root`)
    }
    const problem = unlike(scene, sleeper) ?? unlimited(scene, sleeper)
    if (problem !== undefined) return no(problem)
    if (sleeper.hostname !== name) return no(`all is as described, but the host name is ${sleeper.hostname}`)
    return { passed: true, saw: `'sleep ${nap}' runs in the bundle, with the limit, the mask and the rights described` }
  },
  hints: [
    'The program: `"args": [ "sleep", "{{nap}}" ],`. The number is in quotes, too: it is a word.',
    'The file to hide is one more entry of `maskedPaths`: `"maskedPaths": [ "{{hidden}}", …`',
    'The limit: `"resources": { "pids": { "limit": {{limit}} }, "devices": …`. This number has no quotes.',
    'The rights, in all sets at once: `sed -i s/CAP_KILL/CAP_{{kept}}/ config.json`. If the name is taken: `runc delete --force first`',
  ],
  solution: ['cd /lab/bundle', TERMINAL, ARGS, LIMIT, HIDE, RIGHTS, GO],
  leaves: [
    `(cd bundle; ${TERMINAL}; ${ARGS}; ${RIGHTS})`,
    `grep -q '"pids"' bundle/config.json || (cd bundle; ${LIMIT}; ${HIDE})`,
  ],
  otherWays: [
    {
      name: 'in two steps, under another name',
      commands: [
        'cd bundle',
        ...[TERMINAL, ARGS, LIMIT, HIDE, RIGHTS],
        'runc create another </dev/null >/dev/null 2>&1',
        'runc start another',
      ],
    },
    {
      name: 'the description written by a program',
      commands: [
        'cd bundle',
        `cat >change.ts <<'END'
import { readFileSync, writeFileSync } from 'node:fs'
const config = JSON.parse(readFileSync('config.json', 'utf8'))
const rights = ['CAP_AUDIT_WRITE', 'CAP_{{kept}}']
config.process.terminal = false
config.process.args = ['sleep', '{{nap}}']
config.process.capabilities = { bounding: rights, effective: rights, permitted: rights }
config.linux.resources.pids = { limit: {{limit}} }
config.linux.maskedPaths = ['{{hidden}}']
writeFileSync('config.json', JSON.stringify(config))
END`,
        'node change.ts && runc run -d first',
      ],
    },
  ],
  wrongWays: [
    {
      name: 'no limit',
      commands: ['cd bundle', TERMINAL, ARGS, HIDE, RIGHTS, GO],
      saw: /is in a cgroup without a limit of processes$/,
    },
    {
      name: 'nothing hidden',
      commands: ['cd bundle', TERMINAL, ARGS, LIMIT, RIGHTS, GO],
      saw: /can read \/proc\/\w+: nothing is mounted over it$/,
    },
    {
      name: 'rights as they were',
      commands: ['cd bundle', TERMINAL, ARGS, LIMIT, HIDE, GO],
      saw: /still has the capability KILL/,
    },
    {
      name: 'another program',
      commands: ['cd bundle', TERMINAL, `sed -i 's/"sh"/"sleep", "5000"/' config.json`, GO],
      saw: /^sleep runs in the bundle, not 'sleep \d+'$/,
    },
    {
      name: 'made, not started',
      commands: ['cd bundle', TERMINAL, ARGS, 'runc create first </dev/null >/dev/null 2>&1'],
      saw: /^a container has been made, and waits for its start$/,
    },
    {
      name: 'with a terminal',
      commands: ['cd bundle', ARGS, GO],
      saw: /^no process has \/lab\/bundle\/rootfs as its root$/,
    },
    { name: 'outside', commands: ['setsid -f sleep {{nap}}'], saw: /runs, but not in the bundle$/ },
  ],
}
