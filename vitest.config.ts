import { readFileSync } from 'node:fs'
import { defineConfig } from 'vitest/config'

// An emulated machine is 8 to 50 times slower; TOOLKIT_SLOW=20 gives every test twenty times as long.
const slow = Number(process.env.TOOLKIT_SLOW) || 1
const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string }

export default defineConfig({
  // what build.mjs does for the bundle
  define: { VERSION: JSON.stringify(version) },
  plugins: [
    {
      name: 'text',
      transform: (code, id) => (/\.(md|html)$/.test(id) ? `export default ${JSON.stringify(code)}` : undefined),
    },
  ],
  test: {
    include: ['test/**/*.test.{ts,tsx}'],
    pool: 'forks', // a kernel test changes its process: namespaces, descriptors, limits
    fileParallelism: false, // leak tests compare the machine's mounts and processes before and after
    testTimeout: 20_000 * slow,
    hookTimeout: 60_000 * slow,
    reporters: process.env.TOOLKIT_TEST_RESULTS
      ? ['default', ['json', { outputFile: process.env.TOOLKIT_TEST_RESULTS }]]
      : ['default'],
  },
})
