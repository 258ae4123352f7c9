// Prints the man page: for the build, and for `npm run man`.
import { readFileSync, statSync } from 'node:fs'
import { manPage } from '../toolkit/cli/help/man-page.ts'

const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string }
const date = statSync('package.json').mtime.toISOString().slice(0, 10)
process.stdout.write(manPage(version, date))
