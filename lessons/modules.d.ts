// The bundler and the test runner load Markdown and the workshop's page as text.
declare module '*.md' {
  const text: string
  export default text
}

declare module '*.html' {
  const text: string
  export default text
}
