// Two bundles: the engine's commands, small because `toolkit run` loads nothing else, and the course (ink, react,
// lessons), loaded only when a lesson is opened. toolkit.cjs starts the first, with V8's compiled code beside it.
import { spawnSync } from 'node:child_process'
import fs from 'node:fs'

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
  loader: { '.md': 'text' },
  define: {
    'process.env.NODE_ENV': '"production"',
    VERSION: JSON.stringify(JSON.parse(fs.readFileSync('package.json', 'utf8')).version),
  },
  logLevel: 'warning',
}
const outdir = `dist.${process.pid}` // becomes dist/ when all of it is there
await build({
  ...common,
  entryPoints: { engine: 'toolkit/cli/main.ts' },
  minifySyntax: true,
  minifyWhitespace: true,
  format: 'cjs',
  define: { ...common.define, 'import.meta.dirname': '__dirname', 'import.meta.url': '__filename' },
  outdir,
  outExtension: { '.js': '.cjs' },
  external: ['koffi', './course.mjs'],
})
await build({
  ...common,
  entryPoints: { course: 'lessons/main.ts' },
  format: 'esm',
  outdir,
  outExtension: { '.js': '.mjs' },
  alias: {
    'react-devtools-core': './lessons/tutor/no-devtools.ts', // ink imports it even where it is never used
    // marked-terminal imports these; without them the bundle is less than half as large, and the first frame 30 ms sooner
    'cli-highlight': './lessons/tutor/not-bundled.ts',
    'cli-table3': './lessons/tutor/not-bundled.ts',
    'node-emoji': './lessons/tutor/not-bundled.ts',
  },
  banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
})

fs.writeFileSync(
  `${outdir}/toolkit.cjs`,
  `// Compiled code is read from cache/, which the build has filled: 1 to 2 ms sooner.
require('node:module').enableCompileCache?.(__dirname + '/cache')
require('./engine.cjs')
`,
)
fs.rmSync('dist', { recursive: true, force: true })
fs.renameSync(outdir, 'dist')
// What these commands have called is what is kept compiled. Without it all works, a little slower.
for (const command of [
  ['run', '--dry-run', '.', 'true'],
  ['lessons', 'list'],
])
  spawnSync('bin/node', ['dist/toolkit.cjs', ...command], { stdio: 'ignore' })
