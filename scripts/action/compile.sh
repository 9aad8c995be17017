#!/usr/bin/env bash
# Compiles, which also proves the bytecode against the policies.
. "$GITHUB_ACTION_PATH/scripts/action/common.sh"
read_inputs
note_code policyc compile "${policies[@]}" "${config[@]}" "${cluster[@]}" -o "$OUTPUT/policies.bundle"
