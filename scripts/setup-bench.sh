#!/usr/bin/env bash
# Installs the packet filters that the bench compares with, on Debian. It does without what is missing, and says so.
set -euo pipefail
. "$(dirname "$0")/apt.sh"

# package | a command that shows it is there
mapfile -t missing < <(missing_commands <<'END'
nftables|nft
ipset|ipset
iptables|iptables-legacy
END
)
[ "${#missing[@]}" -gt 0 ] || exit 0

if ! can_install; then
  echo "bench: not root, or no apt-get: without ${missing[*]}" >&2
  exit 0
fi
echo "bench: installing ${missing[*]}" >&2
install_packages "${missing[@]}" || echo "bench: apt-get failed: without ${missing[*]}" >&2
