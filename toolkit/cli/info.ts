// What the engine is, what it has, and on what machine it is: docker's fields, as far as there is such a thing here.
import { readFileSync } from 'node:fs'
import { cpus, machine, release, totalmem } from 'node:os'
import { resolve } from 'node:path'
import { statusOf } from '../engine/life/lifecycle.ts'
import { listNetworks } from '../engine/network/networks.ts'
import { wayHere } from '../engine/rootfs.ts'
import { entries } from '../engine/state/files.ts'
import { listContainers } from '../engine/state/list.ts'
import { listVolumes } from '../engine/volume/store.ts'
import { stateDir } from '../image/paths.ts'
import { rootfsDir } from '../image/rootfs.ts'
import { readLayout } from '../observe/cgroups.ts'
import { utsName } from '../observe/hostname.ts'
import { type Command, mainOf, noMoreThan, type Parsed } from './options.ts'
import { printable } from './text/printable.ts'
import { binarySize } from './text/sizes.ts'
import { freeMap, NIL_LIST } from './text/template/values.ts'
import { formatFlags, show, version } from './version.ts'

export const command: Command = {
  usage: 'info [OPTIONS]',
  summary: 'Show what the engine has, and the machine that it is on.',
  flags: formatFlags,
}

/** What os-release(5) says. */
function ofSystem(key: 'PRETTY_NAME' | 'VERSION_ID'): string | undefined {
  for (const path of ['/etc/os-release', '/usr/lib/os-release']) {
    try {
      const [, value] = new RegExp(`^${key}="?(.*?)"?$`, 'm').exec(readFileSync(path, 'utf8')) ?? []
      if (value) return value
    } catch {} // a system without one
  }
  return undefined
}

function forwardsIpv4(): boolean {
  try {
    return readFileSync('/proc/sys/net/ipv4/ip_forward', 'utf8').trim() === '1'
  } catch {
    return false // no network at all
  }
}

/** In docker's words; null where all is there. */
function warnings(limits: Readonly<Record<string, boolean>>): readonly string[] | null {
  const missing = Object.keys(limits).filter(name => !limits[name])
  return missing.length > 0 ? missing.map(name => `WARNING: No ${name} support`) : null
}

function about() {
  const rows = listContainers()
  const count = (...wanted: string[]) => rows.filter(row => wanted.includes(statusOf(row))).length
  const layout = readLayout(process.pid)
  const controllers = (layout?.hierarchies ?? [])
    .filter(({ writable }) => writable)
    .flatMap(({ controllers }) => controllers)
  const has = (...names: string[]) => names.some(name => controllers.includes(name))
  const v2 = layout?.layout === 'v2'
  const limits = {
    MemoryLimit: has('memory'),
    CpuCfsPeriod: has('cpu'),
    CpuCfsQuota: has('cpu'),
    CPUShares: has('cpu'),
    CPUSet: has('cpuset'),
    PidsLimit: has('pids'),
  }
  return {
    Containers: rows.length,
    ContainersRunning: count('running', 'restarting'),
    ContainersPaused: count('paused'),
    ContainersStopped: rows.filter(({ running }) => !running).length,
    Images: entries(rootfsDir()).filter(name => !name.includes('.')).length,
    Volumes: listVolumes().length,
    Networks: listNetworks().length + 3,
    ServerVersion: version(),
    Driver: 'overlay',
    DriverStatus: [
      ['Made by', wayHere() === 'detached' ? 'fsmount(2), before there is a container' : 'mount(2), in the container'],
    ],
    CgroupDriver: 'cgroupfs',
    CgroupVersion: v2 ? '2' : '1',
    CgroupLayout: layout?.layout ?? 'none',
    ...limits,
    IPv4Forwarding: forwardsIpv4(),
    SecurityOptions: [
      'name=seccomp,profile=builtin',
      ...(process.getuid!() === 0 ? [] : ['name=rootless']),
      ...['name=cgroupns', 'name=userns'],
    ],
    Plugins: {
      ...{ Volume: ['local'], Network: ['bridge', 'host', 'macvlan', 'null', 'vxlan'] },
      ...{ Authorization: NIL_LIST, Log: ['toolkit'] },
    },
    ...{ LoggingDriver: 'toolkit', DefaultRuntime: 'toolkit', Runtimes: freeMap([['toolkit', { path: 'toolkit' }]]) },
    Swarm: { NodeID: '', NodeAddr: '', LocalNodeState: 'inactive', ControlAvailable: false, Error: '' },
    ...{ LiveRestoreEnabled: true, ExperimentalBuild: false, Debug: false, Isolation: '', Labels: [] }, // none of ours is needed
    SystemTime: new Date().toISOString(),
    KernelVersion: release(),
    OperatingSystem: ofSystem('PRETTY_NAME') ?? 'Linux',
    OSVersion: ofSystem('VERSION_ID') ?? '',
    OSType: 'linux',
    Architecture: machine(),
    NCPU: cpus().length,
    MemTotal: totalmem(),
    DockerRootDir: resolve(stateDir()),
    Name: utsName('hostname'),
    Warnings: warnings({
      'memory limit': limits.MemoryLimit,
      'cpu cfs quota': limits.CpuCfsQuota,
      cpuset: limits.CPUSet,
      'pids limit': limits.PidsLimit,
    }),
    ClientInfo: { Debug: false, Context: 'default', Plugins: [], Warnings: NIL_LIST },
  }
}

export function info(flags: Parsed['flags']): number {
  const found = about()
  return show(found, flags, () => {
    const yes = (value: boolean) => (value ? 'yes' : 'no')
    const { MemoryLimit, CpuCfsQuota, CPUSet, PidsLimit } = found
    return [
      ` Containers: ${found.Containers}`,
      `  Running: ${found.ContainersRunning}`,
      `  Paused: ${found.ContainersPaused}`,
      `  Stopped: ${found.ContainersStopped}`,
      ` Root file systems: ${found.Images}`,
      ` Volumes: ${found.Volumes}`,
      ` Networks: ${found.Networks}`,
      ` Server Version: ${found.ServerVersion}`,
      ` Storage Driver: ${found.Driver}`,
      ...found.DriverStatus.map(([name, value]) => `  ${name}: ${value}`),
      ` Cgroup Driver: ${found.CgroupDriver}`,
      ` Cgroup Version: ${found.CgroupVersion}${found.CgroupLayout === 'hybrid' ? ' (hybrid)' : ''}`,
      ` Limits: memory ${yes(MemoryLimit)}, cpu ${yes(CpuCfsQuota)}, cpuset ${yes(CPUSet)}, pids ${yes(PidsLimit)}`,
      ` Kernel Version: ${found.KernelVersion}`,
      ` Operating System: ${printable(found.OperatingSystem)}`,
      ` Architecture: ${found.Architecture}`,
      ` CPUs: ${found.NCPU}`,
      ` Total Memory: ${binarySize(found.MemTotal)}`,
      ` Name: ${printable(found.Name)}`,
      ` State Dir: ${printable(found.DockerRootDir)}`,
      ...(found.Warnings ?? []),
    ].join('\n')
  })
}

export const main = mainOf(command, ({ flags, rest }) => {
  noMoreThan(0, rest, 'info')
  return info(flags)
})
