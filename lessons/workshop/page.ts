// The instructor's page, one file. Its policy names the digests of its own script and style: whatever else somebody brought
// onto it would not run, and it can ask this server only.
import { createHash } from 'node:crypto'
import text from './page.html'

export const PAGE: string = text

const digest = (tag: 'script' | 'style') => {
  const content = new RegExp(`<${tag}>([\\s\\S]*?)</${tag}>`).exec(PAGE)![1]!
  return `'sha256-${createHash('sha256').update(content).digest('base64')}'`
}

export const PAGE_POLICY = [
  "default-src 'none'",
  `script-src ${digest('script')}`,
  `style-src ${digest('style')}`,
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')
