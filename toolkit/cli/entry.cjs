// What bin/toolkit starts, as dist/toolkit.cjs: loads a bundle of main.ts, run.cjs, ps.cjs … or engine.cjs, with the code that V8
// has compiled for it at the last build. That saves 5 ms at every start; without the file, or with another V8, it compiles
// anew. (Node's own compile cache keeps no function that is compiled when it is first called, and here most are.)
const { closeSync, openSync, readFileSync, readSync, writeFileSync } = require('node:fs')
const { Script } = require('node:vm')

// All files go through the same memory: to touch new one costs a page fault for every 4096 bytes.
const memory = Buffer.allocUnsafeSlow(1 << 20)

function read(file) {
  const fd = openSync(file)
  let length = 0
  // Some file systems give a file in parts.
  for (let more = 1; more > 0; length += more) more = readSync(fd, memory, length, memory.length - length)
  closeSync(fd)
  return length < memory.length ? memory.subarray(0, length) : readFileSync(file)
}

function readCache(file) {
  try {
    return read(file)
  } catch {
    return undefined
  }
}

// V8 takes compiled code only under the flags that it was compiled with: see bin/toolkit for who gets which.
const flags = process.execArgv.includes('--no-opt') ? 'short' : 'long'
const loaded = []

const builtins = {}

/** Node's own takes 5 µs to find what it has found before, and each of our files asks for the same few. */
const requireOnce = name => (builtins[name] ??= require(name))

/** Runs a bundle. */
function load(name, bundle) {
  const filename = `${__dirname}/${name}.cjs`
  const cache = `${__dirname}/${name}.${flags}.cache`
  // The build has put a function around it, and all of it is ASCII: read byte by byte, nothing is copied or decoded.
  const script = new Script(read(filename).toString('latin1'), { filename, cachedData: readCache(cache) })
  loaded.push({ script, cache })
  script.runInThisContext()(bundle.exports, requireOnce, bundle, filename, __dirname)
  return bundle.exports
}

const [, , word] = process.argv

/** A command that is to be quick comes in chunks, in a few files: see chunks.mjs. */
const quick = {
  /** Functions that return what a chunk exports. */
  chunks: {},
  /** In which file a chunk is that is neither in the first nor in the last. */
  rooms: {},
  known: {},
  find(name) {
    if (!quick.chunks[name]) load(`${word}-${quick.rooms[name] ?? 'later'}`, quick)
    return quick.chunks[name]
  },
  /** What a chunk exports; each is run once. */
  c: name => (quick.known[name] ??= quick.find(name)()),
  at: async name => quick.c(name),
  /** A module of Node's. */
  n: async name => requireOnce(name),
}

const entry = () => {
  if (!QUICK.includes(word)) return load('engine', { exports: {} })
  load(word, quick)
  return quick.c('main')
}

const { start, warmUp } = entry()
if (process.env.TOOLKIT_BUILD)
  warmUp(process.argv.slice(2)).then(() => {
    for (const { script, cache } of loaded) writeFileSync(cache, script.createCachedData())
  })
else start(process.argv.slice(2), () => import('./course.mjs'))
