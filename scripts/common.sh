# What the scripts share; sourced by bash, prints nothing, starts nothing.
# shellcheck shell=bash

repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)

# One sentence to the user, then the end.
die() {
  printf '%s: %s\n' "${0##*/}" "$*" >&2
  exit 1
}

# What happens next, in one line.
step() {
  printf '\n\033[1m==> %s\033[0m\n' "$*"
}

# Prints the comment block at the head of the calling script: its manual.
usage() {
  sed -n '2,/^[^#]/{/^#/!q;s/^# \{0,1\}//;p}' "$0"
}

# A wrong word on the command line.
bad_usage() {
  printf '%s: %s (try %s --help)\n' "${0##*/}" "$*" "$0" >&2
  exit 2
}

have() {
  command -v "$1" >/dev/null 2>&1
}

# sudo takes a PATH of its own, which seldom has the toolchain: look where it usually is.
find_swift() {
  have swift && return
  local home=$HOME place
  [ -z "${SUDO_USER:-}" ] || home=$(getent passwd "$SUDO_USER" | cut -d: -f6)
  for place in "$home/.local/share/swiftly/bin" /opt/swift/usr/bin /usr/local/swift/usr/bin \
    /opt/swift*/usr/bin /usr/libexec/swift/bin "$home"/swift*/usr/bin; do
    if [ -x "$place/swift" ]; then
      PATH="$place:$PATH"
      return
    fi
  done
  die 'no swift in PATH: install the Swift toolchain (https://www.swift.org/install/linux)'
}

# Runs a command as the owner of the clone, so that "sudo scripts/..." leaves no root-owned build.
as_owner() {
  local owner
  owner=$(stat -c %U "$repository")
  if [ "$(id -u)" != 0 ] || [ "$owner" = root ] || [ "$owner" = UNKNOWN ]; then
    nice "$@"
  else
    nice runuser -u "$owner" -- env "PATH=$PATH" \
      "HOME=$(getent passwd "$owner" | cut -d: -f6)" "$@"
  fi
}

# The first python3 that has boto3.
find_python() {
  local candidate
  for candidate in "${RGWFS_PYTHON:-python3}" /usr/bin/python3; do
    if have "$candidate" && "$candidate" -c 'import boto3' 2>/dev/null; then
      command -v "$candidate"
      return
    fi
  done
  die 'no python3 with boto3: run scripts/setup --tests'
}

# Prints the path of promtool, which is taken out of Debian's package prometheus: that would start a server.
promtool() {
  local place=${RGWFS_CACHE:-/var/cache/rgwfs}/promtool
  if [ ! -x "$place" ]; then
    local work
    work=$(mktemp -d)
    mkdir -p "${place%/*}"
    (
      cd "$work"
      # apt's own user may not write here; that is only a warning.
      apt-get download -q prometheus >&2 || { apt-get update -q >&2 && apt-get download -q prometheus >&2; }
      dpkg-deb --fsys-tarfile prometheus_*.deb | tar -x ./usr/bin/promtool
      mv usr/bin/promtool "$place"
    ) || die 'promtool cannot be had: apt-get download prometheus'
    rm -rf -- "$work"
  fi
  echo "$place"
}

# True when nobody listens on the loopback port.
port_is_free() {
  ! (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

# A port nobody listens on, below the range that the kernel gives to clients.
free_port() {
  local port
  for _ in $(seq 200); do
    port=$((20000 + RANDOM % 12000))
    if port_is_free "$port"; then
      echo "$port"
      return
    fi
  done
  die 'no free port on 127.0.0.1'
}

# Compiles scripts/tools/NAME.c when it is newer than its program, and prints the program's path.
tool() {
  local source="$repository/scripts/tools/$1.c" program="$repository/.build/tools/$1"
  if [ ! -x "$program" ] || [ "$source" -nt "$program" ]; then
    as_owner mkdir -p "${program%/*}"
    # shellcheck disable=SC2046 # the flags are words
    as_owner cc -O2 -Wall -Wextra -Werror -o "$program" "$source" -pthread \
      $( [ "$1" != rawclient ] || pkg-config --cflags --libs libcurl ) \
      $( [ "$1" != emptyfs ] || pkg-config --cflags --libs fuse3 ) \
      $( [ "$1" != countalloc ] || echo -shared -fPIC ) ||
      die "cannot compile $source"
  fi
  echo "$program"
}
