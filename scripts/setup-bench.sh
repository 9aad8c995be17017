#!/usr/bin/env bash
# Installs the packet filters that the bench compares with, on Debian. It does without what is missing, and says so.
set -euo pipefail

# package | a command that shows it is there
needs='
nftables|nft
ipset|ipset
iptables|iptables-legacy
'

export PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin"

missing=()
while IFS='|' read -r package command; do
  [ -z "$package" ] || command -v "$command" >/dev/null || missing+=("$package")
done <<<"$needs"
[ "${#missing[@]}" -gt 0 ] || exit 0

if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
  echo "bench: not root, or no apt-get: without ${missing[*]}" >&2
  exit 0
fi
echo "bench: installing ${missing[*]}" >&2
export DEBIAN_FRONTEND=noninteractive
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if ! { apt-get -q update && apt-get -q -o DPkg::Lock::Timeout=300 install -y --no-install-recommends "${missing[@]}"; } >"$log" 2>&1; then
  tail -n 30 "$log" >&2
  echo "bench: apt-get failed: without ${missing[*]}" >&2
fi
