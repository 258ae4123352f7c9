#!/bin/sh
# All that `npm test` does: types, lint and format, shell scripts, then the tests. What the machine lacks is not
# installed here; the tests that need it are skipped and say so in their names.
set -eu
cd "$(dirname "$0")/.."
[ -d node_modules ] || {
  echo "npm test: run 'npm ci' first" >&2
  exit 1
}

status=0
check() {
  title=$1
  shift
  echo "== $title"
  "$@" || status=1
}
check 'types' bin/node node_modules/typescript/bin/tsc --noEmit
check 'lint and format' node_modules/.bin/biome check .
if command -v shellcheck >/dev/null; then
  check 'shell scripts' shellcheck bin/toolkit bin/node scripts/*.sh rootfs-scripts/*.sh .ci/run
else
  echo '== shell scripts: not checked, shellcheck is not installed'
fi
check 'tests' bin/node node_modules/vitest/vitest.mjs run "$@"
[ "$status" = 0 ] || echo 'npm test: something above failed' >&2
exit "$status"
