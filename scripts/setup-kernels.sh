#!/usr/bin/env bash
# Installs what booting other kernels needs, on Debian. Says nothing when all is there.
set -euo pipefail

# package | a command that shows it is there
needs='
qemu-system-x86|qemu-system-x86_64
cpio|cpio
busybox-static|busybox
xz-utils|xz
'

missing=()
while IFS='|' read -r package command; do
  [ -z "$package" ] || command -v "$command" >/dev/null || missing+=("$package")
done <<<"$needs"
[ "${#missing[@]}" -gt 0 ] || exit 0

if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
  echo "test-kernels: not root, or no apt-get; install these yourself: ${missing[*]}" >&2
  exit 1
fi
echo "test-kernels: installing ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if ! { apt-get -q update && apt-get -q -o DPkg::Lock::Timeout=300 install -y --no-install-recommends "${missing[@]}"; } >"$log" 2>&1; then
  tail -n 30 "$log" >&2
  echo "test-kernels: apt-get failed; install these yourself: ${missing[*]}" >&2
  exit 1
fi
