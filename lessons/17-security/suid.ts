// Task 2: a program that makes its user root, and the same one for a user who may gain nothing.
import { no, type Scene, type Task, type Verdict } from '../lesson.ts'
import { type Rights, sleepers } from './rights.ts'

/** The process that has the user {{user}}, or else any that sleeps as long. */
function sleeper(scene: Scene, seconds: string): Rights | Verdict {
  const user = Number(scene.values.user)
  const found = sleepers(scene, seconds)
  const right = found.find(({ users: [real] }) => real === user) ?? found[0]
  if (!right) return no(`no process sleeps for ${seconds} seconds`)
  return right.users[0] === user ? right : no(`sleep ${seconds} was started by user ${right.users[0]}, not ${user}`)
}

export const suidTask: Task = {
  id: 'suid',
  title: 'Root by a file',
  check(scene) {
    const { user, before, after } = scene.values as Record<string, string>
    const first = sleeper(scene, before!)
    if ('saw' in first) return first
    if (first.users[1] !== 0)
      return no(`sleep ${before} runs as user ${first.users[1]}: started by ${user}, and its file has not made it root`)
    const second = sleeper(scene, after!)
    if ('saw' in second) return second
    if (second.users[1] === 0) return no(`sleep ${after} runs as root, too: nothing has kept its file from that`)
    if (!second.noNewPrivs)
      return no(`sleep ${after} runs as user ${user}, but it could still gain rights: it was another file`)
    return { passed: true, saw: `of user ${user}, sleep ${before} runs as root, and sleep ${after} as ${user}` }
  },
  hints: [
    'Copy `/bin/sleep` to the directory `suid`, and give the copy the bit with `chmod u+s`.',
    '`setpriv --reuid=… --clear-groups` starts a program as another user. `setpriv --help` knows the second option.',
    '`setpriv --reuid={{user}} --clear-groups suid/sleep {{before}} &`, and once more with `--no-new-privs` and {{after}}',
  ],
  solution: [
    'mkdir -p suid',
    'cp /bin/sleep suid/',
    'chmod u+s suid/sleep',
    'setpriv --reuid={{user}} --clear-groups suid/sleep {{before}} &',
    'setpriv --reuid={{user}} --clear-groups --no-new-privs suid/sleep {{after}} &',
  ],
  otherWays: [
    {
      name: 'the promise comes first',
      commands: [
        'install -D -m 4755 /bin/sleep suid/sleep',
        'setpriv --reuid={{user}} --clear-groups suid/sleep {{before}} &',
        'setpriv --no-new-privs setpriv --ruid={{user}} --euid={{user}} --clear-groups suid/sleep {{after}} &',
      ],
    },
  ],
  wrongWays: [
    {
      name: 'no bit',
      commands: [
        'mkdir -p suid',
        'cp /bin/sleep suid/',
        'setpriv --reuid={{user}} --clear-groups suid/sleep {{before}} &',
      ],
      saw: /and its file has not made it root$/,
    },
    {
      name: 'twice the same',
      commands: [
        'install -D -m 4755 /bin/sleep suid/sleep',
        'setpriv --reuid={{user}} --clear-groups suid/sleep {{before}} &',
        'setpriv --reuid={{user}} --clear-groups suid/sleep {{after}} &',
      ],
      saw: /runs as root, too/,
    },
    {
      name: 'the program without the bit',
      commands: [
        'install -D -m 4755 /bin/sleep suid/sleep',
        'setpriv --reuid={{user}} --clear-groups suid/sleep {{before}} &',
        'setpriv --reuid={{user}} --clear-groups /bin/sleep {{after}} &',
      ],
      saw: /it was another file$/,
    },
    {
      name: 'as root',
      commands: ['install -D -m 4755 /bin/sleep suid/sleep', 'suid/sleep {{before}} &'],
      saw: /was started by user 0, not/,
    },
  ],
}
