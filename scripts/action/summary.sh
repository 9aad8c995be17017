#!/usr/bin/env bash
# Shows the comment in the job's summary, and fails where a step did.
set -euo pipefail
failed=()
state() {
  case "$2" in
    '') return ;;
    0) printf '| %s | ✅ |\n' "$1" ;;
    *)
      printf '| %s | ❌ exit code %s |\n' "$1" "$2"
      failed+=("$1")
      ;;
  esac
}
{
  printf '| step | |\n| --- | --- |\n'
  state 'policyc check' "${CHECK:-}"
  state 'policyc lint' "${LINT:-}"
  state 'policyc compile' "${COMPILE:-}"
  state 'policyc diff' "${DIFF:-}"
  state 'policyc report' "${REPORT:-}"
  printf '\n'
  cat "$OUTPUT/comment.md"
} >"$OUTPUT/summary.md"
cat "$OUTPUT/summary.md" >>"$GITHUB_STEP_SUMMARY"
if [ "${#failed[@]}" -gt 0 ]; then
  echo "::error title=policyc::not passed: $(IFS=,; echo "${failed[*]}")"
  exit 1
fi
