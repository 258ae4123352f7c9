// The closing line of .ci/run, from vitest's own results: node scripts/count.mjs RESULTS.json STATUS. A run that failed
// outside of a test (types, lint, a test file that does not load) counts as one failure, so that the line tells the truth.
import { readFileSync } from 'node:fs'

const [file, status] = process.argv.slice(2)
let results
try {
  results = JSON.parse(readFileSync(file, 'utf8'))
} catch {
  results = { numPassedTests: 0, numFailedTests: 0, numPendingTests: 0, numTodoTests: 0, testResults: [] }
}
for (const test of results.testResults.flatMap(suite => suite.assertionResults)) {
  if (test.status !== 'passed' && test.status !== 'failed') console.log(`skipped: ${test.fullName}`)
}
const failed = results.numFailedTests || (status === '0' ? 0 : 1)
const skipped = results.numPendingTests + results.numTodoTests
console.log(`${results.numPassedTests} passed, ${failed} failed, ${skipped} skipped`)
if (results.numPassedTests === 0 || failed > 0) process.exitCode = 1
