// The only import of koffi in the project: everything else says what it wants of the kernel by name (call.ts, start.ts).
//
// koffi's own JavaScript loader costs 5 to 8 ms at every start, so the prebuilt addon is opened directly and the loader
// is only the fallback for a layout of node_modules that we do not know.
import { existsSync } from 'node:fs'
import { dirname } from 'node:path'

type Koffi = typeof import('koffi')

function load(): Koffi {
  const { arch } = process
  const libc = existsSync(`/lib/ld-musl-${arch === 'x64' ? 'x86_64' : 'aarch64'}.so.1`) ? 'musl' : 'linux'
  for (let dir = import.meta.dirname; dir !== '/'; dir = dirname(dir)) {
    const addon = `${dir}/node_modules/@koromix/koffi-linux-${arch}/${libc}_${arch}/koffi.node`
    if (!existsSync(addon)) continue
    const module = { exports: {} as Koffi }
    process.dlopen(module, addon)
    return module.exports
  }
  return process.getBuiltinModule('module').createRequire(`${import.meta.dirname}/`)('koffi')
}

export const koffi: Koffi = load()
