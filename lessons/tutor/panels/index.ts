// The panels by name, and how the tutor asks them.
import type { PanelName } from '../../lesson.ts'
import { openCgroupsPanel } from './cgroups.ts'
import { openLayersPanel } from './layers.ts'
import { openMountsPanel } from './mounts.ts'
import { readNamespacesPanel } from './namespaces.ts'
import { readNetworkPanel } from './network.ts'
import type { ReadPanel } from './panel.ts'
import { readProcessesPanel } from './processes.ts'
import { programOf } from './program.ts'

/** What a test replaces. */
export interface Observe {
  /** The program in the foreground of a shell; undefined where the shell is gone. */
  program(shellPid: number): { readonly pid: number; readonly comm: string } | undefined
  /** A panel that has seen nothing yet. */
  open(name: PanelName): ReadPanel
}

const OPEN: Readonly<Record<PanelName, () => ReadPanel>> = {
  namespaces: () => readNamespacesPanel,
  processes: () => readProcessesPanel,
  mounts: openMountsPanel,
  cgroups: openCgroupsPanel,
  layers: openLayersPanel,
  network: () => readNetworkPanel,
}

export const kernel: Observe = { program: programOf, open: name => OPEN[name]() }
