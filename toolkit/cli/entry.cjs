// What bin/toolkit starts, as dist/toolkit.cjs: loads a bundle of main.ts, run.cjs or engine.cjs, with the code that V8
// has compiled for it at the last build. That saves 5 ms at every start; without the file, or with another V8, it compiles
// anew. (Node's own compile cache keeps no function that is compiled when it is first called, and here most are.)
const { closeSync, openSync, readFileSync, readSync, writeFileSync } = require('node:fs')
const { Script } = require('node:vm')

const name = process.argv[2] === 'run' ? 'run' : 'engine'
const filename = `${__dirname}/${name}.cjs`
// V8 takes compiled code only under the flags that it was compiled with: see bin/toolkit for who gets which.
const cache = `${__dirname}/${name}.${process.execArgv.includes('--no-opt') ? 'short' : 'long'}.cache`

// Both files go through the same memory: to touch new one costs a page fault for every 4096 bytes.
const memory = Buffer.allocUnsafeSlow(1 << 20)

function read(file) {
  const fd = openSync(file)
  let length = 0
  // Some file systems give a file in parts.
  for (let more = 1; more > 0; length += more) more = readSync(fd, memory, length, memory.length - length)
  closeSync(fd)
  return length < memory.length ? memory.subarray(0, length) : readFileSync(file)
}

function readCache() {
  try {
    return read(cache)
  } catch {
    return undefined
  }
}

// The build has put a function around it, and all of it is ASCII: read byte by byte, nothing is copied or decoded.
const script = new Script(read(filename).toString('latin1'), { filename, cachedData: readCache() })
const engine = { exports: {} }
script.runInThisContext()(engine.exports, require, engine, filename, __dirname)
if (process.env.TOOLKIT_BUILD) engine.exports.warmUp().then(() => writeFileSync(cache, script.createCachedData()))
else engine.exports.start(process.argv.slice(2), () => import('./course.mjs'))
