#!/usr/bin/env bash
# Installs what booting other kernels needs, on Debian. Says nothing when all is there.
set -euo pipefail
. "$(dirname "$0")/apt.sh"

# package | a command that shows it is there
mapfile -t missing < <(missing_commands <<'END'
qemu-system-x86|qemu-system-x86_64
cpio|cpio
busybox-static|busybox
xz-utils|xz
END
)
[ "${#missing[@]}" -gt 0 ] || exit 0

if ! can_install; then
  echo "test-kernels: not root, or no apt-get; install these yourself: ${missing[*]}" >&2
  exit 1
fi
echo "test-kernels: installing ${missing[*]}"
if ! install_packages "${missing[@]}"; then
  echo "test-kernels: apt-get failed; install these yourself: ${missing[*]}" >&2
  exit 1
fi
