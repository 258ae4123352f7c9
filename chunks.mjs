// A bundle in a few files: what a command always runs, and what it imports only where it is called for. V8 makes all
// functions of a file anew at each start, used or not. esbuild splits the sources into chunks, dozens of them; a file less
// to find and read is worth more than they are, so each of the files is many chunks.
import fs from 'node:fs'
import { basename, resolve } from 'node:path'
import { build } from 'esbuild'

const nameOf = path => basename(path, '.js')

/**
 * A chunk as the body of a function. Each statement stays where it is in its line, and as long: the chunk's source map
 * knows no other place. `module` is what entry.cjs gives to a bundle.
 */
function bodyOf({ text }) {
  const end = /export\{([^{}]*)\};?\s*$/.exec(text)
  const exports = (end?.[1] ?? '').replace(/([\w$]+)(?: as ([\w$]+))?/g, (_, own, name = own) => `${name}:${own}`)
  const instead = (statement, text) => {
    if (text.length > statement.length) throw new Error(`no room for ${text}`)
    return text.padEnd(statement.length)
  }
  const code = text
    .slice(0, end?.index)
    .replace(/(?<=^|[;}\n])import(?:([^"()]*)from)?"([^"]+)";/g, (statement, names, from) => {
      if (names === undefined) return instead(statement, '') // nothing is imported for its effects alone
      const pattern = names
        .replace(/^\*as/, '')
        .replaceAll(' as ', ':')
        .replace(/^(?=\w)/, ' ')
      const value = from.startsWith('.') ? `module.c("${nameOf(from)}")` : `require("${from.replace('node:', '')}")`
      return instead(statement, `var${pattern}=${value};`)
    })
    .replace(/import\("\.\/([^"]+)\.js"\)/g, (call, name) => instead(call, `module.at("${name}")`))
    .replace(/import\("node:([^"]+)"\)/g, (call, name) => instead(call, `module.n("${name}")`))
  return `${code}\nreturn{${exports}}`
}

/** Writes chunks as a function that puts them into `module.chunks`, by their names, and a map of them all. */
function write(path, chunks, more = '') {
  let text = '(function (exports, require, module, __filename, __dirname) {\n'
  const sections = []
  for (const { name, code, map } of chunks) {
    text += `module.chunks["${name}"]=()=>{\n`
    sections.push({ offset: { line: text.split('\n').length - 1, column: 0 }, map: JSON.parse(map.text) })
    text += `${bodyOf(code)}}\n`
  }
  fs.writeFileSync(path, `${text}${more}})\n`)
  fs.writeFileSync(`${path}.map`, JSON.stringify({ version: 3, sections }))
}

// What is imported from one of these rooms, or is a module of that name, has a file of its own; what several need lies in
// the first.
const ROOMS = ['life', 'follow', 'network']
const LATER = 'later'
const roomOf = source =>
  ROOMS.find(room => source.includes(`/engine/${room}/`) || source.endsWith(`/${room}.ts`)) ?? LATER

/**
 * Writes DIRECTORY/NAME.cjs with what the entry points need, and DIRECTORY/NAME-ROOM.cjs and DIRECTORY/NAME-later.cjs with
 * all that they import by `import('…')`, entry points left out. `module.rooms` says which is in which room.
 */
export async function buildInParts(options, directory, name, entryPoints) {
  const { outputFiles, metafile } = await build({
    ...options,
    entryPoints,
    outdir: directory,
    format: 'esm',
    splitting: true,
    write: false,
    metafile: true,
  })
  const outputs = new Map(Object.entries(metafile.outputs).map(([path, output]) => [resolve(path), output]))
  /** Where a chunk is: '' is the file of those that are always needed. */
  const parts = new Map()
  const put = (path, part) => {
    if (parts.has(path)) return
    parts.set(path, part)
    for (const { path: next, kind } of outputs.get(path).imports)
      if (kind === 'import-statement' && outputs.has(resolve(next))) put(resolve(next), part)
  }
  const first = Object.values(entryPoints).map(path => resolve(path))
  const partOf = source => (first.includes(resolve(source)) ? '' : roomOf(source))
  const entries = [...outputs].filter(([, { entryPoint }]) => entryPoint)
  for (const part of ['', ...ROOMS, LATER])
    for (const [path, { entryPoint }] of entries) if (partOf(entryPoint) === part) put(path, part)
  const chunks = outputFiles
    .filter(({ path }) => path.endsWith('.js'))
    .map(code => ({ name: nameOf(code.path), code, map: outputFiles.find(({ path }) => path === `${code.path}.map`) }))
  const inPart = part => chunks.filter(({ code }) => parts.get(code.path) === part)
  const rooms = Object.fromEntries(ROOMS.flatMap(room => inPart(room).map(({ name }) => [name, room])))
  write(`${directory}/${name}.cjs`, inPart(''), `module.rooms=${JSON.stringify(rooms)}\n`)
  for (const part of [...ROOMS, LATER])
    if (inPart(part).length > 0) write(`${directory}/${name}-${part}.cjs`, inPart(part))
}
