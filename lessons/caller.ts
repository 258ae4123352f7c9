// Whose course it is: under sudo not root, but whoever called it. What is written for them lies in their home and is theirs.
import fs from 'node:fs'
import path from 'node:path'

export interface Caller {
  readonly uid: number
  readonly gid: number
}

/** Who called sudo; undefined where nobody did. */
export function callerOf({ SUDO_UID, SUDO_GID }: NodeJS.ProcessEnv): Caller | undefined {
  const uid = Number(SUDO_UID)
  return process.getuid?.() === 0 && Number.isInteger(uid) && uid > 0 ? { uid, gid: Number(SUDO_GID) } : undefined
}

/** The caller's home, as /etc/passwd has it; undefined without sudo, or where that has none. */
export function callersHome(env: NodeJS.ProcessEnv, passwd: string): string | undefined {
  const caller = callerOf(env)
  if (!caller) return undefined
  return passwd
    .split('\n')
    .find(line => line.split(':')[2] === String(caller.uid))
    ?.split(':')[5]
}

/** The learner's home directory; undefined where there is none. */
export function learnersHome(env: NodeJS.ProcessEnv = process.env, passwd = readPasswd()): string | undefined {
  const home = callersHome(env, passwd) ?? env.HOME
  return home && path.isAbsolute(home) ? home : undefined
}

/** Gives a file that we have made to the caller. */
export function own(made: string, env: NodeJS.ProcessEnv = process.env): void {
  const caller = callerOf(env)
  if (caller) fs.lchownSync(made, caller.uid, caller.gid)
}

export function readPasswd(): string {
  try {
    return fs.readFileSync('/etc/passwd', 'utf8')
  } catch {
    return ''
  }
}
