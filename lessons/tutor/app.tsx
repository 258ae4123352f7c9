import { Box, useWindowSize } from 'ink'
import { useLayoutEffect, useMemo } from 'react'
import { Divider } from './components/divider.tsx'
import { Footer } from './components/footer.tsx'
import { HelpPage } from './components/help-page.tsx'
import { LessonPane } from './components/lesson-pane.tsx'
import { LessonsPage } from './components/lessons-page.tsx'
import { LivePanel } from './components/live-panel.tsx'
import { ModulePage } from './components/module-page.tsx'
import { PanelPage } from './components/panel-page.tsx'
import { ShellPane } from './components/shell-pane.tsx'
import { TaskPane } from './components/task-pane.tsx'
import { TitleBar } from './components/title-bar.tsx'
import { TooSmall } from './components/too-small.tsx'
import { useTutor } from './context.ts'
import { usePlayer } from './hooks/use-player.ts'
import { useScreen } from './hooks/use-screen.ts'
import { type Layout, layout } from './layout.ts'
import type { PageName } from './screen.ts'

const PAGES: Record<PageName, typeof HelpPage> = {
  help: HelpPage,
  lessons: LessonsPage,
  module: ModulePage,
  panel: PanelPage,
}

/** The whole screen. */
export function App() {
  const { screen, session } = useTutor()
  const { columns, rows } = useWindowSize()
  const { lesson } = usePlayer()
  const { focus, zoom, page: screenPage } = useScreen()
  const tasks = lesson.tasks.length
  const place = useMemo(
    () => layout(columns, rows, tasks, zoom ? focus : undefined),
    [columns, rows, tasks, zoom, focus],
  )
  const { kind, terminal, page: body } = place
  const tooSmall = kind === 'small'
  useLayoutEffect(() => {
    screen.place = place
    screen.update({ tooSmall })
    if (!tooSmall) session.resize(terminal)
  }, [screen, session, place, tooSmall, terminal])
  if (tooSmall) return <TooSmall columns={columns} rows={rows} />

  const Page = screenPage && PAGES[screenPage]
  return (
    <Box width={columns} height={rows}>
      <TitleBar columns={columns} />
      {Page ? <Page rect={body} /> : <Panes place={place} />}
      <Footer columns={columns} rows={rows} />
    </Box>
  )
}

function Panes({ place }: { place: Layout }) {
  const { focus, question } = useScreen()
  const { panes, kind, divider } = place
  const reading = focus === 'lesson'
  const typing = focus === 'shell'
  const stacked = kind === 'stacked'
  return (
    <>
      {panes.lesson && <LessonPane rect={panes.lesson} active={reading} />}
      {panes.tasks && <TaskPane rect={panes.tasks} stacked={stacked} focus={focus} />}
      {panes.panel && <LivePanel rect={panes.panel} stacked={stacked} />}
      {panes.shell && <ShellPane rect={panes.shell} kind={kind} active={typing && !question} />}
      {divider !== undefined && (
        <Divider
          layout={place}
          left={[
            { y: panes.lesson!.y, active: reading },
            { y: panes.tasks!.y, active: false },
          ]}
          right={[
            { y: panes.panel!.y, active: false },
            { y: panes.shell!.y, active: typing },
          ]}
        />
      )}
    </>
  )
}
