#!/usr/bin/env bash
# Annotations in the log.
. "$GITHUB_ACTION_PATH/scripts/action/common.sh"
read_inputs
strict=()
[ "${INPUT_DENY_WARNINGS:-}" != true ] || strict=(--deny-warnings)
note_code policyc check "${policies[@]}" "${cluster[@]}" "${config[@]}" "${strict[@]}" --format github
