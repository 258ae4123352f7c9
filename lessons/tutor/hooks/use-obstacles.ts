import { useEffect, useState } from 'react'
import type { Lesson } from '../../lesson.ts'
import { useTutor } from '../context.ts'

/** Why lessons cannot be done here, as far as that has been looked up. */
export function useObstacles(): ReadonlyMap<Lesson, readonly string[]> {
  const { lessons, obstacles } = useTutor()
  const [found, setFound] = useState<ReadonlyMap<Lesson, readonly string[]>>(new Map())
  useEffect(() => {
    let wanted = true
    const look = async () => {
      for (const lesson of lessons) {
        const why = await obstacles(lesson)
        if (!wanted) return
        if (why.length > 0) setFound(before => new Map(before).set(lesson, why))
      }
    }
    void look()
    return () => {
      wanted = false
    }
  }, [lessons, obstacles])
  return found
}
