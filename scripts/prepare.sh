#!/usr/bin/env bash
# What npm runs before it packs a clone of this repository, as pre-commit and `npm install git+…` have it do: TypeScript
# becomes JavaScript. A checkout is built by make, which runs `npm ci`: nothing happens then.
set -euo pipefail
[ "${npm_command:-}" != ci ] || exit 0
# npm reads what goes to standard output as the name of the archive.
exec 1>&2
# `npm install --global git+…` hands its flags down, so that nothing would be installed in the clone.
while IFS= read -r name; do unset "$name"; done < <(
  compgen -e | grep -iE '^npm_config_(global|location|prefix|local_prefix|omit|only|production)$' || true
)
[ -d node_modules/typescript ] || npm ci --include=dev --ignore-scripts --no-audit --no-fund
node node_modules/typescript/bin/tsc -p tsconfig.build.json
