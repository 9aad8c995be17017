#!/usr/bin/env bash
# Compares with the base of the pull request, or with what the input names.
. "$GITHUB_ACTION_PATH/scripts/action/common.sh"
read_inputs
base="${INPUT_BASE:-}"
if [ -z "$base" ] && [ -n "${GITHUB_BASE_REF:-}" ]; then
  base="origin/$GITHUB_BASE_REF"
  # A checkout of one commit lacks the base.
  if ! git rev-parse --verify --quiet "$base^{commit}" >/dev/null; then
    git fetch --no-tags --depth=1 origin "+refs/heads/$GITHUB_BASE_REF:refs/remotes/$base"
  fi
fi
if [ -z "$base" ]; then
  echo 'not compared: this is no pull request, and no base is given'
  exit 0
fi
if [ "${#policies[@]}" -gt 1 ]; then
  echo '::error title=policyc::`policies` names several paths; to be compared they have to be one folder'
  printf 'code=2\n' >>"$GITHUB_OUTPUT"
  exit 0
fi
gates=()
[ -z "${INPUT_FAIL_ON:-}" ] || gates=(--fail-on "$INPUT_FAIL_ON")
arguments=("${policies[@]}" --base "$base" "${config[@]}" "${cluster[@]}")
note_code policyc diff "${arguments[@]}" "${gates[@]}" --format markdown >"$OUTPUT/diff.md"
if [ -s "$OUTPUT/diff.md" ]; then
  { printf '### Network policies\n\n'; cat "$OUTPUT/diff.md"; printf '\n'; } >>"$OUTPUT/comment.md"
  changed="$(policyc diff "${arguments[@]}" --format json 2>/dev/null |
    node -e 'let s = ""; process.stdin.on("data", (d) => (s += d)).on("end", () => console.log(JSON.parse(s).changes.length > 0))')" || true
  printf 'changed=%s\n' "$changed" >>"$GITHUB_OUTPUT"
fi
