// The root file system, made in both ways: what the container sees, and that the host sees nothing of it.
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { planRootfs, type Way, wayHere } from '../../toolkit/engine/rootfs.ts'
import type { Plan } from '../../toolkit/kernel/step.ts'
import * as bind from '../../toolkit/primitives/bind.ts'
import * as mount from '../../toolkit/primitives/mount.ts'
import { MAX_LAYERS } from '../../toolkit/primitives/overlay.ts'
import { carryOut } from '../primitives/carry-out.ts'
import { directories, makeRootfs, mountNamespace, scratch, sh, skipped } from '../primitives/container.ts'

const mountinfo = () => readFileSync('/proc/self/mountinfo', 'utf8')
const ways: readonly Way[] = skipped || wayHere() === 'detached' ? ['detached', 'mount'] : ['mount']

const world = skipped ? '' : scratch()
const base = skipped ? '' : makeRootfs(`${world}/base`)
let runs = 0

function planned(
  lower: readonly string[],
  way: Way,
  script: string,
  more: Partial<Plan> & { name?: string } = {},
): Plan {
  const parent = `${world}/${more.name ?? `run-${runs++}`}`
  mkdirSync(parent)
  const { upper, work, target } = directories(parent, 'upper', 'work', 'target')
  const { before, steps } = planRootfs({ layers: { lower, upper, work }, target }, way)
  return {
    before,
    namespaces: mountNamespace,
    steps: [...mount.makePrivate(), ...steps, ...(more.steps ?? []), sh(script)],
  }
}

/** Layers over the base, the topmost first: each has a file of its own, and one that all of them have. */
function stack(count: number): string[] {
  const parent = `${world}/stack-${count}`
  if (!existsSync(parent)) {
    mkdirSync(parent)
    for (let i = 0; i < count; i++) {
      mkdirSync(`${parent}/${i}`)
      writeFileSync(`${parent}/${i}/own-${i}`, '')
      writeFileSync(`${parent}/${i}/top`, `${i}\n`)
    }
  }
  return [...Array.from({ length: count }, (_, i) => `${parent}/${i}`), base]
}

describe(`the root file system${skipped}`, { skip: skipped !== '' }, () => {
  describe.each(ways)('by %s', way => {
    test.each([1, 10, 300])('%i layers: the topmost wins, all are there', async count => {
      const before = mountinfo()
      let during: string | undefined
      const plan = planned(stack(count), way, 'cat /top; ls / | grep -c own-; echo new >/top; cat /top')
      const outcome = await carryOut(
        { ...plan, steps: [...plan.steps.slice(0, -1), { gate: 'made' }, plan.steps.at(-1)!] },
        () => {
          during = mountinfo()
        },
      )
      expect(outcome).toEqual({ status: 0, output: `0\n${count}\nnew\n` })
      expect(during, 'nothing is mounted on the host meanwhile').toBe(before)
      expect(mountinfo()).toBe(before)
      expect(readFileSync(`${world}/stack-${count}/0/top`, 'utf8'), 'no layer changes').toBe('0\n')
    })

    test.each(['a,b', 'a:b', 'a\\b', 'a\\:b', 'a\nb', 'x,upperdir=y', '"q"', 'long'.repeat(62)])(
      'a directory named %.12j is that directory, and never an option',
      async name => {
        const parent = `${world}/odd-${way}-${runs++}`
        mkdirSync(`${parent}/${name}/lower`, { recursive: true })
        writeFileSync(`${parent}/${name}/lower/mark`, 'found\n')
        const { upper, work, target } = directories(`${parent}/${name}`, 'upper', 'work', 'target')
        const { before, steps } = planRootfs(
          { layers: { lower: [`${parent}/${name}/lower`, base], upper, work }, target },
          way,
        )
        const script = 'cat /mark; echo written >/new'
        const outcome = await carryOut({
          before,
          namespaces: mountNamespace,
          steps: [...mount.makePrivate(), ...steps, sh(script)],
        })
        expect(outcome).toEqual({ status: 0, output: 'found\n' })
        expect(readFileSync(`${upper}/new`, 'utf8')).toBe('written\n')
      },
    )

    test('nothing of the host is below the root, nor above it', async () => {
      const link = `${world}/up-${way}`
      mkdirSync(link)
      symlinkSync('../../../..', `${link}/up`)
      const { output } = await carryOut(planned([link, base], way, 'ls /.. ; ls /up/'))
      const seen = ['bin', 'dev', 'etc', 'proc', 'sys', 'tmp', 'up']
      expect(output.trim().split('\n')).toEqual([...seen, ...seen])
    })

    test('read-only: the root refuses, a file system mounted in it does not', async () => {
      const steps = [
        ...mount.plan({ mounts: [{ destination: '/tmp', type: 'tmpfs', source: 'tmpfs', options: [] }] }),
        ...mount.makeReadOnly(),
      ]
      const { output } = await carryOut(planned([base], way, 'touch /x 2>&1; touch /tmp/x && echo fine', { steps }))
      expect(output).toBe('touch: /x: Read-only file system\nfine\n')
    })

    test(`more than ${MAX_LAYERS} layers are refused in one line`, () => {
      const lower = Array.from({ length: MAX_LAYERS + 1 }, (_, i) => `/${i}`)
      expect(() => planRootfs({ layers: { lower, upper: '/u', work: '/w' }, target: '/t' }, way)).toThrow(
        '501 layers are too many for one overlay; the kernel takes 500',
      )
    })
  })

  test.runIf(ways.length === 2)('both ways give the same tree', async () => {
    const lower = [`${world}/upper-layer`, `${world}/lower-layer`]
    mkdirSync(`${lower[1]}/d/e`, { recursive: true })
    mkdirSync(`${lower[0]}/d`, { recursive: true })
    writeFileSync(`${lower[1]}/d/e/f`, 'below')
    writeFileSync(`${lower[0]}/d/g`, 'above')
    symlinkSync('d/e/f', `${lower[0]}/link`)
    const script = 'find / -xdev ! -path "/bin/*" | sort; cat /link; stat -c "%n %a %u %g" /d /d/g'
    const [one, other] = [
      await carryOut(planned([...lower, base], 'detached', script)),
      await carryOut(planned([...lower, base], 'mount', script)),
    ]
    expect(one.output).toContain('/d/e/f')
    expect(one).toEqual(other)
  })

  test.each([
    ['/etc/nowhere', 'to nowhere'],
    ['/etc/inside', 'to a file'],
    ['/fifo', 'to a fifo'],
  ])('row 18: a file of ours covers a link of the image to %s', async to => {
    const image = `${world}/link-${runs}`
    mkdirSync(`${image}/etc`, { recursive: true })
    symlinkSync(to, `${image}/etc/hosts`)
    writeFileSync(`${image}/etc/inside`, 'inside\n')
    execFileSync('mkfifo', [`${image}/fifo`])
    writeFileSync(`${world}/hosts`, 'ours\n')
    const hosts = { source: `${world}/hosts`, destination: '/etc/hosts', options: ['bind'] }
    const steps = [...bind.mountPoint('/etc/hosts', 'file', 'cover'), ...bind.attach('hosts')]
    const plan = planned([image, base], ways[0]!, 'cat /etc/hosts /etc/inside', { steps })
    const outcome = await carryOut({ ...plan, before: [...plan.before!, ...bind.tree('hosts', hosts)] })
    expect(outcome).toEqual({ status: 0, output: 'ours\ninside\n' })
  })

  test.each([
    ['shared', / shared:\d+ - overlay/],
    ['rshared', / shared:\d+ - overlay/],
    ['unbindable', / unbindable - overlay/],
    ['rprivate', /relatime - overlay/],
  ])('linux.rootfsPropagation %s', async (rootfsPropagation, line) => {
    const proc = { destination: '/proc', type: 'proc', source: 'proc', options: [] }
    const steps = [...mount.rootPropagation({ linux: { rootfsPropagation } }), ...mount.plan({ mounts: [proc] })]
    const { output } = await carryOut(planned([base], ways[0]!, 'cat /proc/self/mountinfo', { steps }))
    expect(output.split('\n')[0]).toMatch(line)
  })

  test('no attribute of a layer sends a reader elsewhere', async () => {
    const plan = planned([base], ways[0]!, 'cat /proc/self/mountinfo', {
      steps: mount.plan({ mounts: [{ destination: '/proc', type: 'proc', source: 'proc', options: [] }] }),
    })
    const { output } = await carryOut(plan)
    expect(output.split('\n')[0]).toContain(',redirect_dir=nofollow')
    expect(output.trim().split('\n')).toHaveLength(2)
  })

  test('what the kernel says about a refusal is passed on', async () => {
    const plan = planned([`${world}/nowhere`, base], 'detached', 'true')
    await expect(carryOut(plan)).rejects.toMatchObject({ call: 'fsconfig', code: 'ENOENT' })
    await expect(carryOut(planned([`${base}/bin/busybox`, base], 'detached', 'true'))).rejects.toMatchObject({
      call: 'fsconfig',
      said: expect.stringContaining('not a directory'),
    })
  })
})
