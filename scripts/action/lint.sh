#!/usr/bin/env bash
# What is probably not meant, with all that check says, as SARIF; policyc.yaml says which lints are on and which fail.
. "$GITHUB_ACTION_PATH/scripts/action/common.sh"
read_inputs
note_code policyc lint "${policies[@]}" "${cluster[@]}" "${config[@]}" --format sarif >"$OUTPUT/policyc.sarif"
