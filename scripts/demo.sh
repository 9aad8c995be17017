#!/usr/bin/env bash
# The demonstration: a shop's policies between real network namespaces, beside what the model says.
set -euo pipefail
cd "$(dirname "$0")/.."
exec node dist/src/demo.js "$@"
