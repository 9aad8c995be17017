#!/usr/bin/env bash
# Annotations in the log, and the same findings as SARIF.
. "$GITHUB_ACTION_PATH/scripts/action/common.sh"
read_inputs
strict=()
[ "${INPUT_DENY_WARNINGS:-}" != true ] || strict=(--deny-warnings)
arguments=("${policies[@]}" "${cluster[@]}" "${config[@]}" "${strict[@]}")
policyc check "${arguments[@]}" --format sarif >"$OUTPUT/policyc.sarif" || true
note_code policyc check "${arguments[@]}" --format github
