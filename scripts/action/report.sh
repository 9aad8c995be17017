#!/usr/bin/env bash
# What the policies cost, and whether they keep the budgets of policyc.yaml.
. "$GITHUB_ACTION_PATH/scripts/action/common.sh"
read_inputs
note_code policyc report "${policies[@]}" "${cluster[@]}" "${config[@]}" --no-load --format markdown >"$OUTPUT/report.md"
[ ! -s "$OUTPUT/report.md" ] || { cat "$OUTPUT/report.md"; printf '\n'; } >>"$OUTPUT/comment.md"
