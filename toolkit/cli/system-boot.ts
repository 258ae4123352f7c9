import { toStartAtBoot } from '../engine/life/boot.ts'
import { startContainer } from '../engine/life/detach.ts'
import { sweep } from '../engine/state/orphans.ts'
import { forEach } from './each.ts'
import type { Subcommand } from './subcommands.ts'

export const boot: Subcommand = {
  usage: 'system boot',
  summary: `Start the containers whose restart policy says so, when the machine has started.
always: all that have run before; unless-stopped: not those that somebody has stopped; on-failure: those that have
failed, or ran when the machine went down. A second call does nothing more. For systemd, in
/etc/systemd/system/toolkit.service, then 'systemctl enable toolkit':

  [Unit]
  Description=Containers of toolkit with a restart policy
  After=network-online.target local-fs.target
  Wants=network-online.target

  [Service]
  Type=oneshot
  RemainAfterExit=yes
  # Whoever stops this service leaves the containers alone.
  KillMode=process
  Delegate=yes
  ExecStart=/usr/local/bin/toolkit system boot

  [Install]
  WantedBy=multi-user.target`,
  flags: {},
  words: [0, 0],
  async run() {
    await sweep()
    return forEach(
      toStartAtBoot().map(({ id }) => id),
      startContainer,
    )
  },
}
