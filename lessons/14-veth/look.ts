// What the checks of this lesson look at: the container, and the cable that leads to it.
import { type Link, readLinks } from '../../toolkit/observe/links.ts'
import type { Stat } from '../../toolkit/observe/process.ts'
import type { Scene } from '../lesson.ts'
import { otherNetworks, sleeper } from '../network.ts'

/** The containers that were there before the learner came. */
export const prepared = (scene: Scene): (Stat | undefined)[] =>
  [scene.values.alone!, scene.values.old!].map(seconds => sleeper(scene, seconds))

/** The learner's container: a network that is neither the lab's nor a prepared one. Of several, the one that the cable leads to. */
export function box(scene: Scene): Stat | undefined {
  const found = otherNetworks(scene, prepared(scene))
  const here = linkOf(scene.lab.pid, scene.values.cable!)
  return found.find(({ pid }) => here && readLinks(pid)?.some(link => isCable(here, link))) ?? found[0]
}

export const linkOf = (pid: number, name: string): Link | undefined => readLinks(pid)?.find(link => link.name === name)

/** Whether two links in different namespaces are the ends of one cable. */
export const isCable = (here: Link, there: Link): boolean =>
  here.kind === 'veth' &&
  there.kind === 'veth' &&
  here.peerNamespace !== undefined &&
  here.peer === there.index &&
  there.peer === here.index

export interface Cable {
  readonly box: Stat
  readonly here: Link
  readonly there: Link
}

/** The cable of task 2 with both ends; or what is in its way. */
export function cable(scene: Scene): Cable | string {
  const name = scene.values.cable!
  const inside = box(scene)
  if (!inside) return 'there is no container: no process in the lab has a network of its own; go back to task 1'
  const here = linkOf(scene.lab.pid, name)
  if (!here) return noCable(scene, inside)
  if (here.kind !== 'veth') return `the link ${name} is a ${here.kind}, not a veth: it has no second end`
  if (here.peerNamespace === undefined) {
    const other = readLinks(scene.lab.pid)?.find(({ index }) => index === here.peer)
    return `both ends of the cable are in the lab: ${name} and ${other?.name ?? 'its peer'}; one of them belongs into the container`
  }
  const there = readLinks(inside.pid)?.find(link => isCable(here, link))
  if (!there) return `the other end of ${name} is not in your container, but in another one`
  if (there.name !== 'eth0') return `the end in the container is called ${there.name}; the task asks for eth0`
  return { box: inside, here, there }
}

function noCable({ lab, values }: Scene, inside: Stat): string {
  const name = values.cable!
  if (linkOf(inside.pid, name)) return `the end in the container is called ${name}; that name is for the end in the lab`
  const other = readLinks(lab.pid)?.find(({ kind, name }) => kind === 'veth' && name !== values.oldCable)
  if (other) return `there is a cable, and its end in the lab is called ${other.name}; the task asks for ${name}`
  return `the container of ${inside.comm} has only ${names(inside.pid)}; the lab has no link ${name}`
}

export const names = (pid: number): string => (readLinks(pid) ?? []).map(({ name }) => name).join(', ') || 'nothing'
