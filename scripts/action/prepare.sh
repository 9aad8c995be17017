#!/usr/bin/env bash
# A folder for what the action writes; outputs of steps name it.
set -euo pipefail
output="${INPUT_OUTPUT:-}"
[ -n "$output" ] || output="$(mktemp -d "${RUNNER_TEMP:-/tmp}/policyc.XXXXXX")"
mkdir -p "$output"
: >"$output/comment.md"
printf 'output=%s\n' "$output" >>"$GITHUB_OUTPUT"
