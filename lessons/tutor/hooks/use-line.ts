import { useSyncExternalStore } from 'react'
import type { LineState } from '../../workshop/line.ts'
import { useTutor } from '../context.ts'

const never = () => () => {}
const none = () => undefined

/** The line to the workshop; undefined where this seat reports to none. */
export function useLine(): LineState | undefined {
  const { line } = useTutor()
  return useSyncExternalStore<LineState | undefined>(line?.subscribe ?? never, line?.state ?? none)
}
