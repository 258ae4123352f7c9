import { useCallback, useSyncExternalStore } from 'react'
import type { PlayerState } from '../../player.ts'
import { useTutor } from '../context.ts'

export function usePlayer(): PlayerState {
  const { player } = useTutor()
  const subscribe = useCallback((listener: () => void) => player.subscribe(listener), [player])
  return useSyncExternalStore(subscribe, () => player.state)
}
