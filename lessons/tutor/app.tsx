import { Box, useWindowSize } from 'ink'
import { useLayoutEffect, useMemo } from 'react'
import { Divider } from './components/divider.tsx'
import { Footer } from './components/footer.tsx'
import { HelpPage } from './components/help-page.tsx'
import { LessonPane } from './components/lesson-pane.tsx'
import { LessonsPage } from './components/lessons-page.tsx'
import { LivePanel } from './components/live-panel.tsx'
import { ShellPane } from './components/shell-pane.tsx'
import { TaskPane } from './components/task-pane.tsx'
import { TitleBar } from './components/title-bar.tsx'
import { TooSmall } from './components/too-small.tsx'
import { useTutor } from './context.ts'
import { usePlayer } from './hooks/use-player.ts'
import { useScreen } from './hooks/use-screen.ts'
import { layout } from './layout.ts'

/** The whole screen. */
export function App() {
  const { screen, session } = useTutor()
  const { columns, rows } = useWindowSize()
  const { lesson } = usePlayer()
  const { focus, zoom, page, question } = useScreen()
  const tasks = lesson.tasks.length
  const place = useMemo(
    () => layout(columns, rows, tasks, zoom ? focus : undefined),
    [columns, rows, tasks, zoom, focus],
  )
  const { panes, kind, divider, terminal } = place
  const tooSmall = kind === 'small'
  useLayoutEffect(() => {
    screen.update({ tooSmall })
    if (!tooSmall) session.resize(terminal)
  }, [screen, session, tooSmall, terminal])
  if (tooSmall) return <TooSmall columns={columns} rows={rows} />

  // what lies under a page is not drawn: it may be hidden in part only, and two texts in one row disturb each other
  const covered = (x: number) => page !== undefined && (kind !== 'split' || x === place.page.x)
  const show = (name: keyof typeof panes) => (panes[name] && !covered(panes[name].x) ? panes[name] : undefined)
  const [lessonRect, taskRect, panelRect, shellRect] = [show('lesson'), show('tasks'), show('panel'), show('shell')]
  const reading = focus === 'lesson' && !page
  const typing = focus === 'shell' && !page
  const stacked = kind === 'stacked'
  return (
    <Box width={columns} height={rows}>
      <TitleBar columns={columns} />
      {lessonRect && <LessonPane rect={lessonRect} active={reading} />}
      {taskRect && <TaskPane rect={taskRect} stacked={stacked} focus={focus} />}
      {panelRect && <LivePanel rect={panelRect} stacked={stacked} />}
      {shellRect && <ShellPane rect={shellRect} kind={kind} active={typing && !question} />}
      {page === 'help' && <HelpPage rect={place.page} />}
      {page === 'lessons' && <LessonsPage rect={place.page} />}
      {divider !== undefined && (
        <Divider
          layout={place}
          left={
            page
              ? [{ y: 1, active: true }]
              : [
                  { y: 1, active: reading },
                  { y: panes.tasks!.y, active: false },
                ]
          }
          right={[
            { y: 1, active: false },
            { y: panes.shell!.y, active: typing },
          ]}
        />
      )}
      <Footer columns={columns} rows={rows} />
    </Box>
  )
}
