# What the steps of action.yml share; to be sourced. Each step notes its exit code and goes on, so that the
# comment tells everything: the last step fails where one of them did.
set -euo pipefail

policyc() {
  node "$GITHUB_ACTION_PATH/bin/policyc.js" "$@"
}

# The lines of a text that hold something, as an array: lines NAME TEXT
lines() {
  local -n into=$1
  local line
  into=()
  while IFS= read -r line; do
    # Whoever indents a block of YAML means the words in it.
    line="${line#"${line%%[![:space:]]*}"}"
    line="${line%"${line##*[![:space:]]}"}"
    [ -z "$line" ] || into+=("$line")
  done <<<"$2"
}

# Into `policies`, `cluster` and `config`: arguments as the inputs give them, for `policyc COMMAND`.
read_inputs() {
  local names
  lines policies "${INPUT_POLICIES:-}"
  lines names "${INPUT_CLUSTER:-}"
  cluster=()
  [ "${#names[@]}" -eq 0 ] || cluster=(--cluster "${names[@]}")
  config=()
  [ -z "${INPUT_CONFIG:-}" ] || config=(--config "$INPUT_CONFIG")
}

# Runs a command, notes its exit code, and goes on.
note_code() {
  local code=0
  "$@" || code=$?
  printf 'code=%s\n' "$code" >>"$GITHUB_OUTPUT"
  return 0
}
