// One esbuild run, two entry points: the engine's commands, small because `toolkit run` loads nothing else,
// and the course (ink, react, lessons), loaded only when a lesson is opened.

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
fs.rmSync('dist', { recursive: true, force: true })
await build({
  ...common,
  entryPoints: { toolkit: 'toolkit/cli/main.ts' },
  format: 'cjs',
  define: { ...common.define, 'import.meta.dirname': '__dirname', 'import.meta.url': '__filename' },
  outdir: 'dist',
  outExtension: { '.js': '.cjs' },
  external: ['koffi', './course.mjs'],
})
await build({
  ...common,
  entryPoints: { course: 'lessons/main.ts' },
  format: 'esm',
  outdir: 'dist',
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
