# Sourced by the set-up scripts: installs Debian packages, where that can be done.
# shellcheck shell=bash

# Debian keeps administrators' commands out of other users' PATH.
export PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin"

can_install() {
  [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null
}

# The arguments are packages. Quiet, but for the end of the log where it fails.
install_packages() {
  export DEBIAN_FRONTEND=noninteractive
  local log
  log=$(mktemp)
  if ! { apt-get -q update && apt-get -q -o DPkg::Lock::Timeout=300 install -y --no-install-recommends "$@"; } >"$log" 2>&1; then
    tail -n 30 "$log" >&2
    rm -f "$log"
    return 1
  fi
  rm -f "$log"
}

# Prints those packages of `package|command` lines whose command is not there.
missing_commands() {
  while IFS='|' read -r package command; do
    [ -z "$package" ] || command -v "$command" >/dev/null || echo "$package"
  done
}
