// A user may have only so many inotify instances (an editor takes many): what follows a log or the events does without.
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import { skipped, World } from './toolkit.ts'

const world = new World()
afterAll(() => world.end())
afterEach(() => world.removeAll())

/** In a user namespace that may have no inotify instance; user_namespaces(7) says that limits hold on each level. */
const without = (script: string) =>
  world.shell(`unshare -Ur sh -c 'echo 0 >/proc/sys/user/max_inotify_instances; ${script}'`)
const run = (script: string) => world.toolkit(['run', '-d', '--name', 'box', 'busybox', 'sh', '-c', script])

describe.skipIf(skipped)(`without inotify(7)${skipped}`, () => {
  test('logs -f goes on with what is written, to the end', () => {
    run('for i in 1 2 3; do echo $i; sleep 0.6; done')
    expect(without('$TOOLKIT logs -f box; echo $?')).toMatchObject({ stdout: '1\n2\n3\n0\n', stderr: '' })
    expect(without('$TOOLKIT logs -f box; echo $?')).toMatchObject({ stdout: '1\n2\n3\n0\n', stderr: '' })
  })

  test('attach does, too', () => {
    run('for i in 1 2 3 4 5; do echo $i; sleep 0.6; done; exit 7')
    expect(without('$TOOLKIT attach --no-stdin box; echo $?')).toMatchObject({
      stdout: expect.stringMatching(/^(\d\n)*5\n7\n$/),
      stderr: '',
    })
  })

  test('events tells what happens', () => {
    const { stdout, stderr } = world.shell(
      `unshare -Ur sh -c 'echo 0 >/proc/sys/user/max_inotify_instances; exec timeout 6 $TOOLKIT events --filter event=create' &
      sleep 2; $TOOLKIT create --name box busybox true >/dev/null; wait`,
    )
    expect({ stdout, stderr }).toEqual({
      stdout: expect.stringMatching(/^.* container create \w{64} \(.*name=box.*\)\n$/),
      stderr: '',
    })
  })
})
