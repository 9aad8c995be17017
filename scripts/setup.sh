#!/usr/bin/env bash
# Installs what a fresh Debian 12 lacks for building, testing and the demo. Says nothing when all is there.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/apt.sh

# package | a file or command that shows it is there | what it is for
needs='
g++|command:g++|the native addon
libbpf-dev|header:bpf/libbpf.h|the native addon
libelf-dev|header:gelf.h|the native addon
zlib1g-dev|header:zlib.h|the native addon
bpftool|command:bpftool|the kernel tests
llvm|command:llvm-objdump|the tests of the object files
iproute2|command:ip|the packet tests and the demo
nftables|command:nft|the packet tests and the demo
'

present() {
  case "$1" in
    command:*) command -v "${1#command:}" >/dev/null ;;
    header:*) [ -e "/usr/include/${1#header:}" ] || [ -e "/usr/local/include/${1#header:}" ] ;;
  esac
}

missing=()
reasons=()
while IFS='|' read -r package sign purpose; do
  [ -n "$package" ] || continue
  if ! present "$sign"; then
    missing+=("$package")
    reasons+=("  $package: for $purpose")
  fi
done <<<"$needs"

if [ "${#missing[@]}" -gt 0 ]; then
  if can_install; then
    echo "setup: installing ${missing[*]}"
    if ! install_packages "${missing[@]}"; then
      # Going on: the compiler and its tests need none of them, and what does need one says so itself.
      echo "setup: apt-get failed; install these yourself: ${missing[*]}" >&2
    fi
  else
    echo "setup: not root, or no apt-get, so these packages stay missing:"
    printf '%s\n' "${reasons[@]}"
    echo "setup: without them the compiler and the user-space machine work, the kernel parts do not"
  fi
fi

# A digest and not a time stamp: a git checkout gives every file a new time.
stamp=node_modules/.policyc-lock
digest=$(sha256sum package-lock.json)
if [ ! -f "$stamp" ] || [ "$(cat "$stamp")" != "$digest" ]; then
  if [ ! -d node_modules ] || ! npm ls --all >/dev/null 2>&1; then
    echo "setup: npm ci"
    npm ci --no-audit --no-fund --loglevel=error
  fi
  printf '%s\n' "$digest" >"$stamp"
fi
