// What the attacks have in common: an image that lies, a file of the host that must stay unread and unchanged, and
// programs of this machine for those attacks that busybox cannot make.
import { execFileSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import fs from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, afterEach, expect } from 'vitest'
import { nothing, World } from '../cli/toolkit.ts'

/** A directory of the host with a secret in it. */
export class Witness {
  readonly #area = fs.mkdtempSync(path.join(tmpdir(), 'witness-'))
  readonly directory = `${this.#area}/host`
  readonly secret = `secret-${randomUUID()}`
  readonly file = `${this.directory}/secret`
  readonly #before: string

  constructor() {
    fs.chmodSync(this.#area, 0o755)
    fs.mkdirSync(this.directory)
    fs.writeFileSync(this.file, `${this.secret}\n`, { mode: 0o644 })
    this.#before = this.#look()
  }

  #look(): string {
    const of = (name: string) => {
      const { mode, uid, gid, size, mtimeMs, ino } = fs.lstatSync(name)
      return [name, mode, uid, gid, size, mtimeMs, ino].join(' ')
    }
    return [of(this.directory), fs.readdirSync(this.directory), of(this.file), fs.readFileSync(this.file)].join('\n')
  }

  /** Nothing here was made, removed or written to. */
  get untouched(): boolean {
    return this.#look() === this.#before
  }

  /** A new directory beside it, for whatever a test needs; its mode is 0700. */
  beside(): string {
    return fs.mkdtempSync(`${this.#area}/beside-`)
  }

  end(): void {
    fs.rmSync(this.#area, { recursive: true, force: true })
  }
}

/** For a file of attacks: after each of them nothing is left, and the witness is as it was. */
export function underAttack(): { world: World; witness: Witness } {
  const world = new World()
  const witness = new Witness()
  afterAll(() => {
    world.end()
    witness.end()
  })
  afterEach(() => {
    expect(world.left()).toEqual(nothing)
    expect(witness.untouched).toBe(true)
  })
  return { world, witness }
}

/** More steps up than there are to the root of any file system. */
export const UP = '../'.repeat(30)

/** A copy of the busybox root file system, changed by `lie`. */
export function image(world: World, lie: (root: string) => void): string {
  const root = fs.mkdtempSync(`${world.state}/image-`)
  execFileSync('cp', ['-a', `${world.rootfs}/.`, root])
  lie(root)
  return root
}

/** Puts a file, link, … of an image in the place of what is there. */
export function put(root: string, name: string, make: (at: string) => void): void {
  fs.rmSync(`${root}/${name}`, { recursive: true, force: true })
  fs.mkdirSync(path.dirname(`${root}/${name}`), { recursive: true })
  make(`${root}/${name}`)
}

export const link = (target: string) => (at: string) => fs.symlinkSync(target, at)

/** `run` with the programs of this machine, for `withTools`. */
export const TOOLS = ['-v', '/usr:/usr:ro'] as const

/** Why this machine's programs do not run in a container, as the end of a title. */
export const noTools =
  fs.existsSync('/usr/bin/perl') && isLink('/lib') ? '' : ' (skipped: needs perl in /usr, and /lib as a link to it)'

function isLink(name: string): boolean {
  return fs.lstatSync(name, { throwIfNoEntry: false })?.isSymbolicLink() ?? false
}

/** An image in which the programs of this machine run, where `TOOLS` mounts them. */
export const withTools = (world: World): string =>
  image(world, root => {
    for (const name of ['lib', 'lib64']) if (isLink(`/${name}`)) put(root, name, link(`usr/${name}`))
  })
