import { useEffect, useRef, useState } from 'react'
import { useTutor } from '../context.ts'
import type { Panel } from '../panels/panel.ts'

const LOOK_MS = 500
const CHANGED_MS = 4000

export interface LivePanel {
  readonly panel: Panel | undefined
  /** Names of the rows that changed a moment ago. */
  readonly changed: ReadonlySet<string>
}

const values = (panel: Panel | undefined) =>
  new Map([...(panel?.namespaces ?? []), ...(panel?.places ?? [])].map(row => [row.name, row.value]))

/** Looks twice a second at what runs in the foreground of the shell. */
export function usePanel(): LivePanel {
  const { session, player, observe } = useTutor()
  const [live, setLive] = useState<LivePanel>({ panel: undefined, changed: new Set() })
  const last = useRef({ text: '', values: new Map<string, string>(), changedAt: new Map<string, number>() })
  useEffect(() => {
    const look = () => {
      const panel = session.pid && player.lab ? observe(session.pid, player.lab.pid) : undefined
      const now = performance.now()
      const current = values(panel)
      const memory = last.current
      for (const [name, value] of current) {
        const before = memory.values.get(name)
        if (before !== undefined && before !== value) memory.changedAt.set(name, now)
      }
      memory.values = current
      const changed = new Set([...memory.changedAt].filter(([, at]) => now - at < CHANGED_MS).map(([name]) => name))
      const text = JSON.stringify([panel, [...changed]])
      if (text === memory.text) return
      memory.text = text
      setLive({ panel, changed })
    }
    look()
    let pid = session.pid
    const stop = session.subscribe(() => {
      if (session.pid === pid) return
      pid = session.pid
      look() // another shell, or none
    })
    const timer = setInterval(look, LOOK_MS)
    return () => {
      stop()
      clearInterval(timer)
    }
  }, [session, player, observe])
  return live
}
