// Task 6: the modules, in the learner's file.
import { no, type Task } from '../lesson.ts'
import { everybody, few, type Rights, without } from './rights.ts'

const sed = (todo: string, line: string): string => `sed -i 's|// TODO: ${todo}.*|${line}|' box.ts`
const PROMISE = sed('no program', '...noNewPrivileges(),')
const BOUND = sed('what', '...caps.bound(rights, there),')
const FINAL = sed('the rights', '...caps.final(rights),')
const FILTER = sed('the filter', '...seccomp.plan({ filter, flags: 0 }),')

export const moduleTask: Task = {
  id: 'module',
  title: 'The modules',
  check(scene) {
    const kept = scene.values.kept!
    // of those from whom anything has been taken, the one from whom the most has
    const small = everybody(scene).filter(
      ({ users: [, effective], noNewPrivs, filters, capabilities }) =>
        effective === 0 && (noNewPrivs || filters > 0 || capabilities.bounding.length < 10),
    )
    const size = ({ capabilities: { bounding, permitted } }: Rights) => bounding.length + permitted.length
    const found = small.sort((a, b) => size(a) - size(b))[0]
    if (!found) return no("no root in the lab has less than all; 'node box.ts' starts one")
    const { process, capabilities, noNewPrivs, filters } = found
    const name = process.comm
    const has = (set: readonly string[]) => few(without(set, [kept]))
    if (has(capabilities.bounding)) return no(`${name} can still get ${has(capabilities.bounding)}: its bounding set`)
    if (has(capabilities.permitted)) return no(`${name} has ${has(capabilities.permitted)} until it starts a program`)
    if (!capabilities.effective.includes(kept)) return no(`${name} has not even ${kept}`)
    if (!noNewPrivs) return no(`${name} has ${kept} alone, but it can gain rights by a file`)
    if (filters === 0) return no(`${name} has ${kept} alone, but may make every system call`)
    return { passed: true, saw: `${name} is root, has ${kept} alone, and is under a filter` }
  },
  hints: [
    'The four lines belong to four functions: `noNewPrivileges`, `bound`, `final`, and `plan` of seccomp.',
    'The values that they need have been made above: `rights`, `there` and `filter`.',
    '`...noNewPrivileges(),` `...caps.bound(rights, there),` `...caps.final(rights),` `...seccomp.plan({ filter, flags: 0 }),`',
  ],
  solution: [PROMISE, BOUND, FINAL, FILTER, 'node box.ts'],
  otherWays: [
    {
      name: 'the filter first',
      commands: [
        sed(
          'no program',
          '...seccomp.plan({ filter, flags: 0 }), ...noNewPrivileges(), ...caps.bound(rights, there), ...caps.final(rights),',
        ),
        'node box.ts',
      ],
    },
  ],
  wrongWays: [
    {
      name: 'no bounding set',
      commands: [PROMISE, FINAL, FILTER, 'node box.ts'],
      saw: /can still get .*: its bounding set$/,
    },
    {
      name: 'no filter',
      commands: [PROMISE, BOUND, FINAL, 'node box.ts'],
      saw: /alone, but may make every system call$/,
    },
    { name: 'the file as it was', commands: ['node box.ts'], saw: /^no root in the lab has less than all/ },
  ],
}
