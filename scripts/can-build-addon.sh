#!/usr/bin/env bash
# Succeeds if everything that the native addon is built from is on this machine; says what is not.
set -euo pipefail
lacking=()
command -v g++ >/dev/null || lacking+=(g++)
for header in bpf/libbpf.h gelf.h zlib.h; do
  [ -e "/usr/include/$header" ] || [ -e "/usr/local/include/$header" ] || lacking+=("$header")
done
[ "${#lacking[@]}" -eq 0 ] && exit 0
echo "build: no native addon, for lack of ${lacking[*]}: only the user-space machine will run programs"
exit 1
