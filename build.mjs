// The bundles: one for each of the commands that one has to wait for most often, small because every byte of it costs time
// at each start, what it seldom needs apart (chunks.mjs); one with all of the engine's commands; and the course (ink, react,
// lessons). toolkit.cjs starts one of the first two kinds, with V8's compiled code beside it, and that loads the course when
// a lesson is opened.
import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import { isBuiltin } from 'node:module'
import os from 'node:os'
import { buildInParts } from './chunks.mjs'

// npm calls this before `npm ci` has brought esbuild, too: when it links the checkout for npx, or for `npm install -g .`.
const { build } = await import('esbuild').catch(() => {
  console.error("toolkit: run 'npm ci' to build it")
  process.exit(0)
})

const common = {
  bundle: true,
  platform: 'node',
  target: 'node22',
  external: ['koffi'],
  loader: { '.md': 'text', '.html': 'text' },
  define: {
    'process.env.NODE_ENV': '"production"',
    VERSION: JSON.stringify(JSON.parse(fs.readFileSync('package.json', 'utf8')).version),
  },
  logLevel: 'warning',
}
/** Modules of node come by `require`, so that no import statement is left in the bundle. */
const builtinsByRequire = {
  name: 'builtins by require',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /.*/ }, ({ path, namespace }) =>
      isBuiltin(path) && namespace !== 'builtin' ? { path, namespace: 'builtin' } : undefined,
    )
    onLoad({ filter: /.*/, namespace: 'builtin' }, ({ path }) => ({
      contents: `module.exports = require(${JSON.stringify(path)})`,
    }))
  },
}
const outdir = `dist.${process.pid}` // becomes dist/ when all of it is there
const engine = {
  ...common,
  banner: { js: '(function (exports, require, module, __filename, __dirname) {' },
  footer: { js: '})' },
  charset: 'ascii', // see entry.cjs
  minifySyntax: true,
  minifyWhitespace: true,
  minifyIdentifiers: true,
  sourcemap: 'external', // see stack.ts
  sourcesContent: false,
  format: 'cjs',
  define: { ...common.define, 'import.meta.dirname': '__dirname', 'import.meta.url': '__filename' },
  outdir,
  outExtension: { '.js': '.cjs' },
  supported: { 'dynamic-import': false }, // require() instead: V8's compiled scripts have no import() of their own
}
// Each of these is a bundle of its own; of the table of commands in main.ts it has only itself.
const QUICK = ['run', 'exec', 'inspect', 'kill', 'logs', 'ps', 'rm', 'settle', 'start', 'stop', 'wait']
const MAKERS = ['run', 'start', 'exec'] // not everybody may do what they do: see toolkit/cli/warm-up.ts
const table = /[\\/]toolkit[\\/]cli[\\/]main\.ts$/
const only = word => ({
  name: 'one command',
  setup({ onResolve }) {
    const needed = [word, 'stack', ...(MAKERS.includes(word) ? ['warm-up'] : [])].map(name => `./${name}.ts`)
    onResolve({ filter: /^\.\/[\w-]+\.ts$/ }, ({ path, importer, kind }) =>
      kind === 'dynamic-import' && table.test(importer) && !needed.includes(path)
        ? { path, external: true }
        : undefined,
    )
  },
})
await build({ ...engine, entryPoints: { engine: 'toolkit/cli/main.ts' } })
const { banner: _banner, footer: _footer, outdir: _outdir, outExtension: _ending, supported: _all, ...inParts } = engine
for (const word of QUICK)
  await buildInParts({ ...inParts, plugins: [only(word)] }, outdir, word, {
    main: 'toolkit/cli/main.ts',
    [word]: `toolkit/cli/${word}.ts`,
  })
await build({
  ...common,
  stdin: { contents: "import * as course from './lessons/main.ts'; done(course)", resolveDir: '.' },
  outfile: `${outdir}/course.js`,
  minifySyntax: true,
  minifyWhitespace: true,
  format: 'esm', // some of ink waits at its top level
  plugins: [builtinsByRequire],
  alias: {
    'react-devtools-core': './lessons/tutor/no-devtools.ts', // ink imports it even where it is never used
    // marked-terminal imports these; without them the bundle is less than half as large, and the first frame 30 ms sooner
    'cli-highlight': './lessons/tutor/not-bundled.ts',
    'cli-table3': './lessons/tutor/not-bundled.ts',
    'node-emoji': './lessons/tutor/not-bundled.ts',
    'string-width': './lessons/tutor/string-width.ts',
  },
  define: {
    ...common.define,
    'import.meta.dirname': '__dirname',
    'import.meta.url': '__filename',
    'import.meta.resolve': 'require.resolve',
    // yoga would fetch its own code from a data: URL; so it decodes it, and node need not load its HTTP client
    fetch: 'undefined',
  },
  banner: { js: '(async function (require, __filename, __dirname, done) {' },
  footer: { js: '})' },
})
// A regular expression is the one place where esbuild cannot write \\u2026 for …
for (const name of fs.readdirSync(outdir).filter(name => name.endsWith('.cjs')))
  if (/[^\0-\x7f]/.test(fs.readFileSync(`${outdir}/${name}`, 'utf8'))) throw new Error(`${name} is not ASCII`)
fs.copyFileSync('lessons/load.mjs', `${outdir}/course.mjs`)
// What others import: `toolkit/primitives/overlay` and its like, one file each.
await build({
  ...common,
  entryPoints: ['kernel', 'primitives', 'observe', 'image'].map(room => `toolkit/${room}/**/*.ts`),
  outbase: 'toolkit',
  outdir: `${outdir}/modules`,
  format: 'esm',
  splitting: true,
})
// Their types: whoever imports them has settings of his own for TypeScript, which must not be those of our sources.
const declarations = [
  'node_modules/typescript/bin/tsc',
  '-p',
  'toolkit/types.tsconfig.json',
  '--outDir',
  `${outdir}/types`,
]
if (spawnSync('bin/node', declarations, { stdio: 'inherit' }).status !== 0) throw new Error('the types are not written')

fs.writeFileSync(`${outdir}/toolkit.1`, spawnSync('bin/node', ['scripts/man.ts']).stdout)
await build({
  entryPoints: { toolkit: 'toolkit/cli/entry.cjs' },
  outdir,
  outExtension: { '.js': '.cjs' },
  define: { QUICK: JSON.stringify(QUICK) },
})
fs.rmSync('dist', { recursive: true, force: true })
fs.renameSync(outdir, 'dist')
// What has been called here is what is kept compiled. Without it all works, a little slower.
const scratch = fs.mkdtempSync(`${os.tmpdir()}/toolkit-build-`)
const warmUp = (program, ...words) =>
  spawnSync(program, words, {
    env: { ...process.env, TOOLKIT_BUILD: '1', TOOLKIT_STATE: scratch },
    stdio: 'ignore',
    timeout: 30_000,
  })
warmUp('bin/toolkit') // compiles a seccomp filter, too, which later starts find in their cache: not to be kept
for (const flags of ['short', 'long']) fs.rmSync(`dist/engine.${flags}.cache`, { force: true })
warmUp('bin/toolkit')
for (const word of MAKERS) warmUp('bin/toolkit', word) // what `run` leaves is taken for a container by those that follow
for (const words of [
  'ps -a',
  'inspect warm',
  'logs warm',
  'kill warm',
  'wait warm',
  'stop warm',
  'settle all',
  'rm -f warm',
])
  warmUp('bin/toolkit', ...words.split(' '))
warmUp('bin/node', 'dist/toolkit.cjs')
warmUp('bin/node', 'dist/course.mjs', '--warm-up')
fs.rmSync(scratch, { recursive: true, force: true, maxRetries: 5 }) // a monitor may still put away a file
