// Task 6: the modules, in the learner's file.
import { no, type Task } from '../lesson.ts'
import { contained, isSleep, ROOTFS } from './containers.ts'
import { unlike } from './form.ts'

const RENAME = `sed -i 's/{{name}}/{{own}}/' /lab/bundle/config.json`
const sed = (todo: string, line: string): string => `sed -i 's|// TODO: ${todo}.*|${line}|' /lab/runtime.ts`
const NAME = sed('its name', '...uts.plan(config),')
const HIDE = sed('what is hidden', '...masks.plan(masked),')
const BOUND = sed('what it can', '...caps.bound(rights, caps.available()),')
const FINAL = sed('its rights', '...caps.final(rights),')
const RUN = 'node /lab/runtime.ts'

export const moduleTask: Task = {
  id: 'module',
  title: 'The modules',
  check(scene) {
    const { own, name, nap } = scene.values
    const sleepers = contained(scene).filter(process => !process.waits && isSleep(process, nap))
    const mine = sleepers.find(({ hostname }) => hostname === own) ?? sleepers.find(({ hostname }) => hostname !== name)
    if (!mine)
      return no(
        sleepers[0]
          ? `a container runs in the bundle, under the old name ${name}`
          : `no 'sleep ${nap}' has ${ROOTFS} as its root`,
      )
    const problem = unlike(scene, mine)
    if (mine.hostname !== own) return no(`${mine.comm} runs in the bundle, and is called ${mine.hostname}, not ${own}`)
    if (problem !== undefined) return no(problem)
    return { passed: true, saw: `${mine.comm} is called ${own}, and has the mask and the rights of the description` }
  },
  hints: [
    'Each line calls a function of a module, and three dots put its list among the steps.',
    '`uts.plan` takes the description itself, `config`. `masks.plan` takes `masked`, made above.',
    'The rights are as in lesson 17: `...caps.bound(rights, caps.available()),` and `...caps.final(rights),`',
    'The name: `...uts.plan(config),`. What is hidden: `...masks.plan(masked),`. Then `node /lab/runtime.ts`',
  ],
  solution: [RENAME, NAME, HIDE, BOUND, FINAL, RUN],
  otherWays: [
    {
      name: 'the description read by runc',
      commands: [RENAME, 'runc run -d --bundle /lab/bundle third'],
    },
    {
      name: 'the host name last but the rights',
      commands: [
        RENAME,
        HIDE,
        sed('what it can', '...uts.plan({ hostname: "{{own}}" }), ...caps.bound(rights, caps.available()),'),
        FINAL,
        'setsid --wait node runtime.ts',
      ],
    },
  ],
  wrongWays: [
    {
      name: 'no name',
      commands: [RENAME, HIDE, BOUND, FINAL, RUN],
      saw: /runs in the bundle, and is called lab, not /,
    },
    { name: 'the old name', commands: [NAME, HIDE, BOUND, FINAL, RUN], saw: /under the old name/ },
    { name: 'nothing hidden', commands: [RENAME, NAME, BOUND, FINAL, RUN], saw: /can read \/proc\/\w+: nothing/ },
    { name: 'all rights', commands: [RENAME, NAME, HIDE, RUN], saw: /has \d+ capabilities, and can get \d+$/ },
    { name: 'not run', commands: [RENAME, NAME, HIDE, BOUND, FINAL], saw: /^no 'sleep \d+' has/ },
  ],
}
