#!/usr/bin/env bash
# Builds the command line where the action was checked out: TypeScript alone, nothing of the kernel.
set -euo pipefail
cd "$GITHUB_ACTION_PATH"
if ! node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)'; then
  echo "::error title=policyc::Node.js 20.19 or later is needed, and $(node --version) is there; use actions/setup-node before"
  exit 1
fi
if [ ! -e dist/src/cli.js ]; then
  npm ci --no-audit --no-fund
  npm run build
fi
node bin/policyc.js --version
